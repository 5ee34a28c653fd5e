// Usage: what processes take, with their children, from /proc; and whether a figure grows for good. Pure but for the
// command, which a host runs.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "host/host.h"

namespace backout::watch {

struct Usage {
  double cpu_seconds = 0;              // user and system, of those that live
  double rss = 0;                      // bytes
  int64_t files = 0, files_limit = 0;  // open, and the least limit of one process; 0: not allowed to see
  double files_share = 0;              // of its limit, the fullest process, in percent
  int64_t threads = 0, processes = 0;
};

/// Looks at the trees of processes below `pids`.
host::Command look_at_processes(const std::vector<int64_t>& pids);
/// By root pid. Roots that do not live are missing.
std::map<int64_t, Usage> usage_in(std::string_view out);

/// The lowest values of a figure by the minute, an hour of them, kept as JSON: [[minute, lowest], ...].
void add_to_trend(Json& trend, int64_t minute, double value);
struct Growth {
  bool clear = false;
  double from = 0, to = 0;  // lowest of the first and of the last fifth
  double per_hour = 0;
};
/// Grows for good, by this rule: of at least kTrendMinutes minutes, the first kWarmUpMinutes of which are left out,
/// five equal parts; the lowest value of each part is above that of the one before by at least 1 %; and the last is
/// above the first by `share` of it and by `least`. A figure without a trend passes for one in 120 watches at most, by
/// the order alone, and the amounts make that less.
Growth growth_of(const Json& trend, double share, double least);
inline constexpr int64_t kTrendMinutes = 13, kWarmUpMinutes = 3;

}  // namespace backout::watch
