// StrongId<Tag>: an id that cannot be taken for another kind of id. A plain string inside; compares, hashes and prints
// as one.
#pragma once
#include <fmt/format.h>

#include <compare>
#include <functional>
#include <string>

namespace backout {

template <class Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string text) : text_(std::move(text)) {}
  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(const StrongId&) const = default;

 private:
  std::string text_;
};

/// `bytes` random bytes from the kernel as lowercase hex. Unique enough for event, attempt and run ids (16 bytes = 128
/// bits).
std::string random_hex(int bytes);

}  // namespace backout

template <class Tag>
struct fmt::formatter<backout::StrongId<Tag>> : fmt::formatter<std::string_view> {
  auto format(const backout::StrongId<Tag>& id, format_context& ctx) const {
    return fmt::formatter<std::string_view>::format(id.str(), ctx);
  }
};
template <class Tag>
struct std::hash<backout::StrongId<Tag>> {
  size_t operator()(const backout::StrongId<Tag>& id) const { return std::hash<std::string>()(id.str()); }
};
