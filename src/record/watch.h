// A watch: a release that is looked at again and again for a time. Its rules, and its end report, from events alone.
#pragma once
#include <string>
#include <vector>

#include "model/event.h"

namespace backout::record {

struct WatchFailure {           // of one look on one host
  std::string step, host, why;  // why: of the last time
  int64_t count = 0;
  WallTime first_at{}, last_at{};
};
struct NewKind {
  std::string log, host, kind;
  int64_t count = 0;
};
struct Trend {
  std::string name;
  double first = 0, least = 0, most = 0, last = 0;
  int64_t count = 0;
};

struct WatchSummary {
  std::string id, why;  // why it was begun
  Version version;
  RunId run;                                  // that it followed; may be empty
  WallTime started_at{}, until{}, last_at{};  // last_at: of the last event
  bool open = true;
  int64_t looks = 0, failed = 0;
  Millis longest_gap{0};  // between two looks, or a look and an end
  std::vector<WallTime> trouble;
  std::vector<WatchFailure> failures;
  std::vector<NewKind> new_kinds;
  std::vector<Trend> figures;
  std::string verdict, verdict_why;  // as recorded; empty while it is open
};

/// Every watch of the events, oldest first; `run` not empty: those that followed that run.
std::vector<WatchSummary> watches_of(const std::vector<Event>& events, const RunId& run = {});

/// Whether at least `failed` of the last `of` looks failed. `recent`: true for each that failed, oldest first.
bool in_trouble(const Json& recent, int failed, int of);

struct Verdict {
  std::string word;  // good | bad | unseen
  std::string why;
};
/// Of a watch whose time is over at `now`. Nobody looking is never good: without looks, or with a gap of more than a
/// quarter of the time, it is "unseen". `troubled`: so many of the last looks failed, at its end.
Verdict verdict_of(const WatchSummary& watch, bool troubled, WallTime now);

/// The end report as lines for a terminal.
std::vector<std::string> lines_of(const WatchSummary& watch);
Json to_json(const WatchSummary& watch);

}  // namespace backout::record
