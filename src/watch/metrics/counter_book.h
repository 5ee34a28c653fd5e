// CounterBook: how much counters grew between one scrape of a target and the next, by second, arm and release. Pure.
//
// Rules, each with its test:
// - A value below the one before is a reset: it grew by the whole value. NaN, infinities and negative values are not
//   there.
// - The first scrape of a target is where counting starts. A series that comes up later in a target that was scraped
//   before began at 0 (a client's counter of errors is made by the first error), unless it goes on from one that
//   vanished with that scrape and differs from it in the release alone: then it is the same under a new name.
// - A series that vanishes did not grow. One that comes back goes on from where it was.
// - Between two scrapes, when the cutover lies between them: what grew cannot be told apart, and is left out, except
//   where the release is named, and after a reset (another process counts).
// - Votes are those requests, in the second of the scrape: a counter knows no clients and no seconds.
#pragma once
#include <map>
#include <string>
#include <tuple>

#include "watch/metrics/series.h"
#include "watch/source.h"

namespace backout::watch {

enum class Counts { kErrors, kRequests, kBoth };  // which selector the series is of

class CounterBook {
 public:
  /// `release`: the label that names the release, or empty. `told`: seconds up to it are closed; what comes late goes
  /// into the next. REQUIRES: a second lies between it and that of scope.now.
  CounterBook(const Scope& scope, std::string release, int64_t told_second);

  struct Scrape {
    std::string target;
    int64_t at_ms = 0;
    bool quiet = false;  // was counted before: only remembered now
    bool whole = true;   // a series not seen before is a new one; else it may merely be scraped at other times
  };
  /// REQUIRES: begin, then each series, then end; scrapes of a target in the order of time.
  void begin(const Scrape& scrape);
  void series(Counts counts, const std::string& name, const Labels& labels, double value);
  void end();

  /// The observations, oldest first; with what was odd as remarks. What was scraped in the second that is not over yet
  /// is in the one before.
  std::vector<Observation> take(std::vector<std::string>& remarks);
  int64_t told_second() const { return told_; }

  /// What is known of one target, to go on from in another process; and back. Bounded by what was given.
  Json memory_of(const std::string& target) const;
  void remember(const std::string& target, const Json& memory);

 private:
  struct Known {
    double value = 0;
    uint64_t kin = 0;                     // the same series but for its release
    bool seen = false, was_seen = false;  // in this scrape, in the one before
  };
  struct Target {
    int64_t at_ms = 0;  // of the last scrape; 0: none
    std::map<uint64_t, Known> series;
  };
  struct Fresh {
    Counts counts;
    std::string release;
    double value;
    uint64_t id, kin;
  };
  struct Grown {
    double errors = 0, requests = 0;
  };
  void grow(Counts counts, const std::string& release, double by, bool reset);

  const Scope scope_;
  const std::string release_;
  int64_t told_;
  std::map<std::string, Target> targets_;
  Target* target_ = nullptr;
  int64_t before_ms_ = 0;
  bool quiet_ = false, whole_ = true;
  std::vector<Fresh> fresh_;
  std::map<std::tuple<int64_t, Arm, std::string>, Grown> grown_;  // by second, and release
  int64_t odd_ = 0, straddled_ = 0;
};

}  // namespace backout::watch
