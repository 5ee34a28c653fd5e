// Fields: what is wanted of one line of an access log, as pieces of that line. Nothing is copied.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace backout::watch {

enum class Column : uint8_t {
  kNone,     // not wanted
  kClient,   // who asked
  kTime,     // when the line was written, or the request began: Format::time_is_end
  kRequest,  // "GET /path HTTP/1.1"
  kMethod,   // or in two columns
  kPath,
  kStatus,
  kDuration,
  kRelease,
};
inline constexpr size_t kColumns = 9;

enum class TimeForm : uint8_t { kLocal, kIso, kSeconds, kMillis, kMicros, kAny };  // kAny: by its looks, each time
enum class DurationUnit : uint8_t { kSeconds, kMillis, kMicros, kNanos };

struct Fields {
  std::array<std::string_view, kColumns> text;
  DurationUnit unit = DurationUnit::kSeconds;  // of the duration, where it says none
  std::string_view& operator[](Column column) { return text[static_cast<size_t>(column)]; }
  std::string_view operator[](Column column) const { return text[static_cast<size_t>(column)]; }
};

}  // namespace backout::watch
