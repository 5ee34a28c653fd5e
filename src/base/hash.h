// SHA-256 of bytes, as lowercase hex. Pure.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace backout {

std::string sha256_hex(std::string_view bytes);

/// The same over bytes that arrive in pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::string_view bytes);
  /// Call once.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace backout
