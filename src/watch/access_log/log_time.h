// Times and durations as access logs write them. Pure but for the last text read, which is remembered: a thousand lines
// of one second are read once.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "watch/access_log/fields.h"
#include "watch/access_log/scan.h"

namespace backout::watch {

/// Milliseconds since 1970 of "10/Oct/2025:13:55:36 +0200", "2025-10-10T13:55:36.123+02:00" (Z, or a space for the T,
/// or no zone: UTC), "1700000000.123". Empty: it is none, or not of the years 1990 to 2200.
std::optional<int64_t> read_time(std::string_view text, TimeForm form);

/// Microseconds of "0.123" or "12ms", and the sum of "0.010, 0.200 : 0.003" (several upstreams). Empty for "-".
std::optional<int64_t> read_duration(std::string_view text, DurationUnit unit);

/// The same, quick for what nginx writes: "0.123".
inline std::optional<int64_t> read_plain_duration(std::string_view text, DurationUnit unit) {
  if (text.size() == 5 && text[1] == '.' && unit == DurationUnit::kSeconds) {
    const unsigned a = static_cast<unsigned char>(text[0]) - '0', b = static_cast<unsigned char>(text[2]) - '0',
                   c = static_cast<unsigned char>(text[3]) - '0', d = static_cast<unsigned char>(text[4]) - '0';
    if (a <= 9 && b <= 9 && c <= 9 && d <= 9) return (a * 1000 + b * 100 + c * 10 + d) * int64_t{1000};
  }
  return read_duration(text, unit);
}

class TimeReader {
 public:
  explicit TimeReader(TimeForm form) : form_(form) {}
  std::optional<int64_t> read(std::string_view text) {
    if (text.size() == length_ && same_bytes(text.data(), last_, length_)) return millis_;
    return read_new(text);
  }

 private:
  std::optional<int64_t> read_new(std::string_view text);
  TimeForm form_;
  char last_[40] = {};
  size_t length_ = sizeof last_ + 1;  // of what is remembered; more than fits: nothing is
  int64_t millis_ = 0;
};

}  // namespace backout::watch
