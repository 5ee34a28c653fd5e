#include "database/postgresql/lsn.h"

#include <charconv>

#include "base/text.h"

namespace backout::postgresql {

Result<uint64_t> lsn_of(std::string_view text) {
  const size_t slash = text.find('/');
  uint32_t high = 0, low = 0;
  const char* const end = text.data() + text.size();
  if (slash != std::string_view::npos) {
    const auto first = std::from_chars(text.data(), text.data() + slash, high, 16);
    const auto second = std::from_chars(text.data() + slash + 1, end, low, 16);
    if (first.ec == std::errc() && first.ptr == text.data() + slash && second.ec == std::errc() && second.ptr == end)
      return (static_cast<uint64_t>(high) << 32U) | low;
  }
  return Error{Code::kCorrupt, "'" + one_line(text.substr(0, 40)) + "' is no position of a log", ""};
}

std::string lsn_text(uint64_t lsn) { return fmt::format("{:X}/{:X}", lsn >> 32U, lsn & 0xffffffffU); }

}  // namespace backout::postgresql
