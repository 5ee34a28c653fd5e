// Witnesses: occurrences as evidence. They are not votes (there is no rate of good ones), so rules stand for the
// mathematics; each is stated here, in docs/design/decide.md, and in the evidence it makes:
//   severe      one occurrence that its source calls severe (an alert that pages, a crash loop, a report of "down")
//   template    a line never seen under the old release: 5 times, from 3 clients where clients are known, else 15 times
//   restarts    3 restarts or failed exits within 10 minutes
//   reports     3 different alerts that do not page, or reports of people, within an hour
// What happened before the cutover, to the old release, or elsewhere (a dependency) is counted and never alarms.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "model/evidence.h"
#include "model/observation.h"

namespace backout::decide {

class Witnesses {
 public:
  void add(const Occurrence& occurrence, const std::string& current, WallTime cutover);

  bool any() const { return counted_ + aside_ > 0; }
  bool alarm() const { return alarm_at_ != WallTime(); }
  /// Measure "occurrences": votes and bad are what was counted; `why` says which rule, or what is there.
  void tell(Evidence& evidence) const;

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  struct Template {
    int64_t count = 0, clients = 0;
    std::string what;
  };
  void template_seen(const Occurrence& occurrence);
  void come(std::deque<std::pair<WallTime, std::string>>& list, const Occurrence& occurrence, Millis within,
            std::string_view rule);
  void raise(WallTime at, const std::string& why);

  std::map<std::string, Template> templates_;                     // by a hash of the line; at most eight
  std::deque<std::pair<WallTime, std::string>> falls_, reports_;  // at most three each
  int64_t counted_ = 0, aside_ = 0;
  WallTime first_{}, alarm_at_{};
  std::string why_, last_;
};

}  // namespace backout::decide
