// ErrorLines: lines of a log that count as errors, by their kind, and which kinds the old release never wrote. Pure;
// any bytes may come, and what is kept is bounded. A kind is a line with its variable parts masked (model/log_lines.h):
// only kinds are told, because lines may hold personal data.
//
// What counts: a line found by one of `errors`; without any, what no release should write (tracebacks, panics, HTTP
// 500, a lost database) and lines of error severity. Never a line found by one of `ignore`.
//
// A kind that the old release never wrote is told once, as a "template", when kTimes lines of it have been seen: one
// stray line is no witness. With nothing known of the old release no kind is called new.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "model/observation.h"

namespace backout::watch {

inline constexpr int64_t kTimes = 3;
inline constexpr size_t kKnownKinds = 2000, kNewKinds = 500, kToldKinds = 20;

class ErrorLines {
 public:
  struct Rules {
    std::vector<Pattern> errors, ignore;
    bool templates = true;
  };
  explicit ErrorLines(const Rules& rules) : rules_(rules) {}

  /// What is kept between two looks: {"known"?: [id], "new": {id: [count, told]}}. Bounded.
  void remember(const Json& memory);
  Json memory() const;

  /// Lines that the old release wrote. At most kKnownKinds kinds are kept, the first ones.
  void learn(std::string_view text);
  bool has_learnt() const { return known_.has_value(); }
  /// Lines of the new one. `zone`: minutes east of UTC of times that name none; `now` for lines without a time.
  void read(std::string_view text, int zone, WallTime now);
  /// "error-line" for each kind of this reading, and "template" for those that are new, by time.
  std::vector<Occurrence> take();

  int64_t lines() const { return lines_; }
  int64_t errors() const { return errors_; }
  int64_t kinds_left_out() const { return left_out_; }

 private:
  struct Kind {
    std::string text;
    int64_t count = 0;
    WallTime first{};
  };
  struct New {
    int64_t count = 0;
    bool told = false;
  };
  bool counts(std::string_view line) const;

  const Rules& rules_;
  std::optional<std::set<std::string>> known_;
  std::map<std::string, New> new_;
  std::map<std::string, Kind> kinds_;  // by id, of this reading
  int64_t lines_ = 0, errors_ = 0, left_out_ = 0;
};

}  // namespace backout::watch
