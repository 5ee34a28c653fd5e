// Witnesses: occurrences as evidence. They are not votes (there is no rate of good ones), so rules stand for the
// mathematics; each is stated here, in docs/design/decide.md, and in the evidence it makes:
//   severe    one occurrence that its source calls severe: an alert that pages, a crash loop, a report of "down"
//   template  a line never seen under the old release: 5 times, from 3 clients; 15 times where clients are not known
//             (later ones may be told as "error-line" with the same text)
//   falls     3 restarts or failed exits within 10 minutes
//   words     3 within an hour of: alerts that do not page (different ones), reports of people
// What began before the cutover, is of the old release, or is elsewhere (a dependency) is counted and never alarms.
// The alarm stays.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/evidence.h"
#include "model/observation.h"

namespace backout::decide {

struct Releases {
  std::string current, before;
  WallTime cutover{};
};

class Witnesses {
 public:
  void add(const Occurrence& occurrence, const Releases& releases);

  bool any() const { return counted_ + aside_ > 0; }
  bool alarm() const { return alarm_at_ != WallTime(); }
  /// Of the measure "occurrences": `bad` is what was counted, votes are none (there is no share); `why` says which
  /// rule, or what there is.
  void tell(Evidence& evidence) const;

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  using Few = std::vector<std::pair<WallTime, std::string>>;  // when, and what by its hash
  struct Line {
    int64_t count = 0, clients = 0;
    WallTime at{};  // of the template: an error line of that time is in its count
  };
  void line_seen(const Occurrence& occurrence);
  void line_again(const Occurrence& occurrence);
  void weigh(const Line& line, const Occurrence& occurrence);
  void come(Few& few, const Occurrence& occurrence, const std::string& what, Millis within, std::string_view rule);
  void raise(const Occurrence& occurrence, const std::string& rule);

  std::map<std::string, Line> lines_;  // by hash; at most eight
  Few falls_, words_;                  // at most three each
  int64_t counted_ = 0, aside_ = 0;
  WallTime first_{}, alarm_at_{};
  std::string why_, last_;
};

}  // namespace backout::decide
