#include "watch/access_log/log_time.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstring>

namespace backout::watch {
namespace {

constexpr int64_t kEarliest = 631'152'000'000, kLatest = 7'258'118'400'000;  // 1990, 2200
constexpr int64_t kLongestDuration = 7LL * 24 * 3600 * 1'000'000;            // a week, in microseconds

bool digit(char c) { return c >= '0' && c <= '9'; }

/// What is left of a text that is read from the left.
struct TimeText {
  std::string_view left;
  bool ok = true;

  int number(size_t digits) {
    int value = 0;
    if (left.size() < digits) return ok = false, 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!digit(left[i])) return ok = false, 0;
      value = value * 10 + (left[i] - '0');
    }
    left.remove_prefix(digits);
    return value;
  }
  bool skip(char c) {
    if (left.empty() || left[0] != c) return false;
    left.remove_prefix(1);
    return true;
  }
  void need(char c) { ok = skip(c) && ok; }

  int month() {
    constexpr std::string_view kNames = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (left.size() < 3) return ok = false, 0;
    for (size_t i = 0; i < 12; ++i)
      if (left.substr(0, 3) == kNames.substr(i * 3, 3)) return left.remove_prefix(3), static_cast<int>(i) + 1;
    return ok = false, 0;
  }
  int64_t fraction_millis() {
    if (!skip('.') && !skip(',')) return 0;
    int64_t value = 0;
    for (int64_t unit = 100; !left.empty() && digit(left[0]); unit /= 10, left.remove_prefix(1))
      value += (left[0] - '0') * unit;
    return value;
  }
  /// "+0200", "+02:00", "Z", or nothing; in minutes.
  int zone() {
    if (left.empty() || skip('Z')) return 0;
    const int sign = skip('+') ? 1 : skip('-') ? -1 : 0;
    if (sign == 0) return ok = false, 0;
    const int hours = number(2);
    skip(':');
    const int minutes = left.empty() ? 0 : number(2);
    return sign * (hours * 60 + minutes);
  }
};

std::optional<int64_t> in_range(int64_t millis) {
  if (millis < kEarliest || millis > kLatest) return std::nullopt;
  return millis;
}

std::optional<int64_t> date_millis(TimeText& text, int year, int month, int day, int hour, int minute, int second,
                                   int64_t millis) {
  const int zone = text.zone();
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!text.ok || !text.left.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return in_range((((static_cast<int64_t>(days) * 24 + hour) * 60 + minute - zone) * 60 + second) * 1000 + millis);
}

std::optional<int64_t> local_millis(std::string_view written) {
  TimeText text{written};
  text.skip('[');
  if (text.left.ends_with(']')) text.left.remove_suffix(1);
  const int day = text.number(2);
  text.need('/');
  const int month = text.month();
  text.need('/');
  const int year = text.number(4);
  text.need(':');
  const int hour = text.number(2);
  text.need(':');
  const int minute = text.number(2);
  text.need(':');
  const int second = text.number(2);
  const int64_t millis = text.fraction_millis();
  text.skip(' ');
  return date_millis(text, year, month, day, hour, minute, second, millis);
}

std::optional<int64_t> iso_millis(std::string_view written) {
  TimeText text{written};
  const int year = text.number(4);
  text.need('-');
  const int month = text.number(2);
  text.need('-');
  const int day = text.number(2);
  if (!text.skip('T')) text.need(' ');
  const int hour = text.number(2);
  text.need(':');
  const int minute = text.number(2);
  text.need(':');
  const int second = text.number(2);
  const int64_t millis = text.fraction_millis();
  text.skip(' ');
  return date_millis(text, year, month, day, hour, minute, second, millis);
}

/// "123.456" in units of 1 / scale, rounded down; at most 18 digits count. Moves past what it read.
std::optional<int64_t> scaled(std::string_view& text, int64_t scale) {
  int64_t whole = 0;
  size_t i = 0;
  for (; i < text.size() && digit(text[i]); ++i) {
    if (i >= 15) return std::nullopt;
    whole = whole * 10 + (text[i] - '0');
  }
  const size_t digits = i;
  int64_t part = 0, unit = scale;
  size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && digit(text[i]); ++i, ++fraction) {
      if (unit % 10 != 0) continue;  // finer than is counted
      unit /= 10;
      part += (text[i] - '0') * unit;
    }
  }
  if (digits + fraction == 0) return std::nullopt;
  int64_t result = 0;
  if (__builtin_mul_overflow(whole, scale, &result)) return std::nullopt;
  text.remove_prefix(i);
  return result + part;
}

/// "1.7e9" and the like, as JSON writers make of floating-point numbers.
std::optional<double> plain_double(std::string_view text) {
  std::array<char, 40> copy{};
  if (text.empty() || text.size() >= copy.size()) return std::nullopt;
  if (!digit(text[0])) return std::nullopt;
  std::memcpy(copy.data(), text.data(), text.size());
  char* end = nullptr;
  const double value = std::strtod(copy.data(), &end);
  if (end != copy.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int64_t> epoch_millis(std::string_view text, TimeForm form) {
  if (text.find_first_of("eE") != std::string_view::npos) {
    const auto value = plain_double(text);
    if (!value || *value > 1e19) return std::nullopt;
    return in_range(static_cast<int64_t>(*value < 1e11 ? *value * 1000 : *value));
  }
  if (form == TimeForm::kAny) {  // 10 digits are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds
    const size_t digits = std::min(text.find('.'), text.size());
    if (digits == 19) return epoch_millis(text.substr(0, 13), TimeForm::kMillis);
    form = digits <= 11 ? TimeForm::kSeconds : digits <= 14 ? TimeForm::kMillis : TimeForm::kMicros;
  }
  if (form == TimeForm::kMicros) {
    if (text.size() != std::min(text.find('.'), text.size()) || text.size() < 4) return std::nullopt;
    return epoch_millis(text.substr(0, text.size() - 3), TimeForm::kMillis);
  }
  const auto millis = scaled(text, form == TimeForm::kSeconds ? 1000 : 1);
  if (!millis || !text.empty()) return std::nullopt;
  return in_range(*millis);
}

/// Microseconds of one number, with or without its unit; moves past it.
std::optional<int64_t> one_duration(std::string_view& text, DurationUnit unit) {
  std::string_view copy = text;
  // The unit stands behind the number, and is known only then: the number's end first.
  size_t end = 0;
  while (end < text.size() && (digit(text[end]) || text[end] == '.')) ++end;
  std::string_view behind = text.substr(end);
  size_t used = 0;
  const auto is = [&](std::string_view name, DurationUnit named) {
    if (used == 0 && behind.starts_with(name)) used = name.size(), unit = named;
  };
  is("ms", DurationUnit::kMillis);
  is("us", DurationUnit::kMicros);
  is("\xc2\xb5s", DurationUnit::kMicros);
  is("\xce\xbcs", DurationUnit::kMicros);
  is("ns", DurationUnit::kNanos);
  is("s", DurationUnit::kSeconds);
  std::optional<int64_t> micros;
  switch (unit) {
    case DurationUnit::kSeconds: micros = scaled(copy, 1'000'000); break;
    case DurationUnit::kMillis: micros = scaled(copy, 1000); break;
    case DurationUnit::kMicros: micros = scaled(copy, 1); break;
    case DurationUnit::kNanos:
      micros = scaled(copy, 1);
      if (micros) *micros /= 1000;
      break;
  }
  if (!micros || copy.size() != text.size() - end) return std::nullopt;  // "1.2.3"
  text.remove_prefix(end + used);
  return micros;
}

}  // namespace

std::optional<int64_t> read_time(std::string_view text, TimeForm form) {
  if (text.size() < 4) return std::nullopt;
  switch (form) {
    case TimeForm::kLocal: return local_millis(text);
    case TimeForm::kIso: return iso_millis(text);
    case TimeForm::kSeconds:
    case TimeForm::kMillis:
    case TimeForm::kMicros: return epoch_millis(text, form);
    case TimeForm::kAny: break;
  }
  if (text[0] == '[' || (text.size() > 2 && text[2] == '/')) return local_millis(text);
  if (text.size() > 4 && text[4] == '-') return iso_millis(text);
  return epoch_millis(text, form);
}

std::optional<int64_t> read_duration(std::string_view text, DurationUnit unit) {
  std::optional<int64_t> sum;
  while (!text.empty()) {
    if (digit(text[0]) || text[0] == '.') {
      const auto one = one_duration(text, unit);
      if (!one || (!text.empty() && text.find_first_of(", :") != 0)) return std::nullopt;
      sum = sum.value_or(0) + *one;
      if (*sum > kLongestDuration) return std::nullopt;
    } else if (text.find_first_of(", :-") == 0) {
      text.remove_prefix(1);
    } else {
      return std::nullopt;
    }
  }
  return sum;
}

std::optional<int64_t> TimeReader::read_new(std::string_view text) {
  const auto millis = read_time(text, form_);
  if (millis && text.size() <= sizeof last_) {
    std::memcpy(last_, text.data(), text.size());
    length_ = text.size();
    millis_ = *millis;
  }
  return millis;
}

}  // namespace backout::watch
