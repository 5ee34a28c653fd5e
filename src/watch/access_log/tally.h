// Tally: lines of an access log to votes by second, arm and client. The part that sees every line: nothing is allocated
// for one, and of clients only hashes are kept.
//
// A second is told once: when it and kGrace are over by `now` and all that was written has been read, or when the log
// itself is that far. Lines that come later are counted in the oldest second not told, as the arm they belong to; lines
// whose time is ahead of `now` in the second of `now`. State goes to JSON and back between two looks. Not thread-safe.
#pragma once
#include <memory>
#include <optional>

#include "model/distinct.h"
#include "watch/access_log/ballot.h"
#include "watch/access_log/format.h"
#include "watch/access_log/latency.h"
#include "watch/access_log/log_time.h"
#include "watch/access_log/route.h"
#include "watch/access_log/status_rules.h"
#include "watch/source.h"

namespace backout::watch {

/// What a subject says about lines.
struct LineRules {
  Format format;
  StatusRules statuses;
  std::vector<RoutePattern> routes, ignored;
};

class Tally {
 public:
  /// `state`: what state() gave at an earlier look, or null. `rules` must outlive it.
  Tally(const LineRules& rules, const Scope& scope, const Json& state);

  /// Whole lines, each with its newline.
  void take(std::string_view lines);
  /// A line that was too long or was lost in part.
  void take_broken() { ++broken_; }
  /// Tells what is over, given that everything was read that was written by `now`.
  void close_by_now();

  std::vector<Observation> take_observations() { return std::move(told_); }
  Json state() const;
  Json figures() const;
  /// Of this look.
  int64_t understood() const { return understood_; }
  int64_t broken() const { return broken_; }
  /// Of all looks.
  bool ever_understood() const { return understood_ + understood_before_ > 0; }
  std::vector<std::string> remarks() const;
  /// What the first broken line looks like, its letters and digits masked.
  const std::string& broken_shape() const { return broken_shape_; }
  /// The second of a line, for those who look for a place in a log. Empty: it is none.
  std::optional<int64_t> second_of(std::string_view line);

 private:
  struct Part {  // of a second
    size_t release = 0;
    Arm arm = Arm::kNew;
    Ballot ballot;
    int64_t requests = 0, failed = 0;
  };
  struct Second {
    int64_t at = 0;
    std::vector<Part> parts;
  };
  struct RouteState {
    Latency latency;                   // of the old release
    int bound = -1;                    // above this bucket is slow
    int64_t bound_total = 0;           // how many the bound was made from
    int64_t requests = 0, failed = 0;  // of the new release
  };
  struct Release {
    std::string name;
    std::optional<Arm> arm;  // empty: by the time of the cutover
  };

  void add(std::string_view line);
  bool add_fields();
  size_t release_of(std::string_view text);
  size_t new_release(std::string_view text);
  Part& part_of(int64_t second, size_t release, Arm arm);
  Part& new_part(int64_t second, size_t release, Arm arm);
  void close_before(int64_t bound);
  void tell(Second& second);
  void learn_bounds();
  void note_broken(std::string_view line);
  void load(const Json& state);

  const LineRules& rules_;
  const Scope scope_;
  int64_t cutover_ms_, earliest_ms_, now_second_, cutover_second_;
  uint64_t seed_ = 0;
  Fields fields_;
  TimeReader time_;
  std::optional<Routes> routes_;
  std::vector<RouteState> route_states_;
  std::vector<Release> releases_;
  size_t last_release_ = 0;
  std::vector<Second> open_;   // oldest first
  int64_t told_before_ = 0;    // seconds before it have been told
  int64_t latest_ = 0;         // newest second seen
  Part* last_part_ = nullptr;  // and its second, release, arm
  int64_t last_second_ = 0;
  std::vector<Ballot> spare_;
  std::vector<Observation> told_;
  Distinct clients_, bad_clients_;
  int64_t understood_ = 0, understood_before_ = 0, broken_ = 0, late_ = 0, ahead_ = 0, dropped_ = 0, ignored_ = 0,
          old_ = 0;
  std::string broken_shape_;
};

}  // namespace backout::watch
