#include "database/archive/name_time.h"

#include <chrono>
#include <string>

namespace backout::archive {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr hours kZones{14};       // the widest distance between UTC and a local time
constexpr hours kDifference{26};  // what two honest clocks and a time zone can differ by, with a slow dump

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads numbers of fixed width from a name, one after the other.
class Reader {
 public:
  Reader(std::string_view text, size_t at) : text_(text), at_(at) {}
  /// `width` digits; -1 when they are not there, and nothing is read.
  int number(size_t width) {
    if (at_ + width > text_.size()) return -1;
    int value = 0;
    for (size_t i = 0; i < width; ++i) {
      if (!is_digit(text_[at_ + i])) return -1;
      value = value * 10 + (text_[at_ + i] - '0');
    }
    at_ += width;
    return value;
  }
  void skip_one_of(std::string_view characters) {
    if (at_ < text_.size() && characters.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool digit_next() const { return at_ < text_.size() && is_digit(text_[at_]); }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  size_t at() const { return at_; }

 private:
  std::string_view text_;
  size_t at_;
};

std::optional<NameTime> date_at(std::string_view name, size_t begin) {
  Reader reader(name, begin);
  const int year = reader.number(4);
  reader.skip_one_of("-_.");
  const int month = reader.number(2);
  reader.skip_one_of("-_.");
  const int day = reader.number(2);
  if (year < 1990 || year > 2199 || month < 1 || day < 1) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return std::nullopt;
  NameTime time;
  time.from = std::chrono::sys_days(date);
  time.to = time.from + hours(24);
  Reader clock = reader;
  clock.skip_one_of("T_-. t");
  const int hour = clock.number(2);
  clock.skip_one_of("-_.:h");
  const int minute = clock.number(2);
  bool utc = false;
  if (hour >= 0 && hour < 24 && minute >= 0 && minute < 60) {
    time.from += hours(hour) + minutes(minute);
    time.to = time.from + minutes(1);
    clock.skip_one_of("-_.:");
    if (const int second = clock.number(2); second >= 0 && second < 61) {
      time.from += seconds(second);
      time.to = time.from + seconds(1);
    }
    if (clock.digit_next()) return std::nullopt;  // a longer number: no time
    utc = clock.next_is('Z');
  } else if (reader.digit_next()) {
    return std::nullopt;
  }
  if (!utc) {
    time.from -= kZones;
    time.to += kZones;
  }
  return time;
}

}  // namespace

std::optional<NameTime> time_in(std::string_view name) {
  std::optional<NameTime> last;
  for (size_t i = 0; i < name.size(); ++i)
    if (is_digit(name[i]) && (i == 0 || !is_digit(name[i - 1])))
      if (auto time = date_at(name, i)) last = time;
  return last;
}

Taken taken(std::string_view name, WallTime written_at) {
  const auto named = time_in(name);
  if (!named) return {written_at, written_at, ""};
  const WallTime middle = named->from + (named->to - named->from) / 2;
  if (named->from > written_at + kDifference)
    return {middle, named->to,
            "its name says " + to_iso(middle).substr(0, 10) + ", but it was written on " + to_iso(written_at) +
                ": one of the two is wrong, and the later one counts"};
  if (named->to < written_at - kDifference)
    return {middle, written_at,
            "its name says " + to_iso(middle).substr(0, 10) + ", but it was written on " + to_iso(written_at) +
                ": the later one counts"};
  return {written_at, written_at, ""};
}

}  // namespace backout::archive
