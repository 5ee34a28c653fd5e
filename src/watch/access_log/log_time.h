// Times and durations as access logs write them. Pure but for the last text read, which is remembered: a thousand lines
// of one second are read once.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "watch/access_log/fields.h"

namespace backout::watch {

/// Milliseconds since 1970 of "10/Oct/2025:13:55:36 +0200", "2025-10-10T13:55:36.123+02:00" (Z, or a space for the T,
/// or no zone: UTC), "1700000000.123". Empty: it is none, or not of the years 1990 to 2200.
std::optional<int64_t> read_time(std::string_view text, TimeForm form);

/// Microseconds of "0.123" or "12ms", and the sum of "0.010, 0.200 : 0.003" (several upstreams). Empty for "-".
std::optional<int64_t> read_duration(std::string_view text, DurationUnit unit);

class TimeReader {
 public:
  explicit TimeReader(TimeForm form) : form_(form) {}
  std::optional<int64_t> read(std::string_view text) {
    if (text.size() == length_ && std::char_traits<char>::compare(text.data(), last_, length_) == 0) return millis_;
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
