// What Prometheus' HTTP API answers to a query, read as a stream: {"status", "data": {"resultType", "result"}, "error",
// "warnings"}. Pure; any bytes may come, and memory stays within a small multiple of them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "watch/metrics/series.h"

namespace backout::watch {

inline constexpr size_t kMostSeries = 20'000, kMostSamples = 600'000;

struct PrometheusAnswer {
  std::string type;                 // "matrix", "vector"
  std::vector<Series> series;       // a vector's have one sample each
  std::vector<std::string> doubts;  // its warnings: parts may be missing
  int64_t odd = 0;                  // samples that are none
};

/// kUnavailable: it says status "error" (its words are in the message); kCorrupt: not such an answer, or more series
/// and samples than are taken.
Result<PrometheusAnswer> read_prometheus(std::string_view body);

}  // namespace backout::watch
