// The loops by which Flagger and Argo Rollouts decide, to put the same streams through them: for the tests and the
// bench.
//
// Read from fluxcd/flagger pkg/controller/scheduler.go (advanceCanary) and scheduler_metrics.go, and argoproj/
// argo-rollouts analysis/analysis.go (runMeasurements, assessMetricStatus). What is left out helps them: the time until
// Prometheus has scraped, the reconciliation, the rollback itself.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace backout::decide::simulated {

/// What reached the new release in one second.
struct Served {
  int64_t requests = 0, failed = 0;
};
using Stream = std::span<const Served>;

inline Served within(Stream stream, int64_t from, int64_t to) {
  Served sum;
  for (int64_t second = from < 0 ? 0 : from; second < to && second < static_cast<int64_t>(stream.size()); ++second) {
    sum.requests += stream[static_cast<size_t>(second)].requests;
    sum.failed += stream[static_cast<size_t>(second)].failed;
  }
  return sum;
}

struct Flagger {
  int64_t interval = 60;    // analysis.interval: the default
  int64_t window = 60;      // metrics[].interval: the default
  int64_t threshold = 1;    // analysis.threshold: the default
  double min_success = 99;  // the documentation's request-success-rate
  int64_t checks = 10;      // good ones until it is promoted (maxWeight 50 by steps of 5): then nobody watches

  /// The second of the rollback, if there is one.
  std::optional<int64_t> rollback(Stream stream) const {
    int64_t failed_checks = 0, good = 0;
    for (int64_t tick = interval; tick <= static_cast<int64_t>(stream.size()); tick += interval) {
      if (failed_checks >= threshold)
        return tick;  // looked at before the analysis: one tick after the check that failed
      const Served seen = within(stream, tick - window, tick);
      // No values found fails the check as well. A good check does not take a failed one back.
      if (seen.requests == 0 ||
          100.0 * static_cast<double>(seen.requests - seen.failed) < min_success * static_cast<double>(seen.requests))
        ++failed_checks;
      else if (++good >= checks)
        return std::nullopt;
    }
    return std::nullopt;
  }
};

struct Argo {
  int64_t interval = 300;     // the documented template: interval 5m,
  int64_t window = 300;       // rate[5m],
  int64_t failure_limit = 3;  // failureLimit 3,
  double success = 0.95;      // successCondition result[0] >= 0.95
  int64_t error_limit = 4;    // consecutiveErrorLimit: the default

  std::optional<int64_t> rollback(Stream stream) const {
    int64_t failed = 0, errors = 0;
    for (int64_t at = 0; at <= static_cast<int64_t>(stream.size()); at += interval) {  // the first at once
      const Served seen = within(stream, at - window, at);
      if (seen.requests == 0) {  // result[0] of nothing is an error, no failure
        if (++errors > error_limit) return at;
        continue;
      }
      errors = 0;
      const auto good = static_cast<double>(seen.requests - seen.failed);
      if (good < success * static_cast<double>(seen.requests)) ++failed;
      if (failed > failure_limit) return at;  // "failureLimit: 3" is four failures
    }
    return std::nullopt;
  }
};

}  // namespace backout::decide::simulated
