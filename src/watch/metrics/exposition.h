// The text that /metrics answers: Prometheus' exposition format 0.0.4 and OpenMetrics 1.0. Pure; any bytes may come.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "watch/metrics/series.h"

namespace backout::watch {

struct Exposition {
  int64_t samples = 0, not_understood = 0;  // lines
  std::string first_not_understood;         // at most 80 bytes of it, sanitised
  bool ended = false;                       // "# EOF": OpenMetrics must have it
};

/// Tells each sample whose name is `wanted`; timestamps are left out, exemplars too. Lines are at most 64 KiB, with at
/// most 64 labels.
Exposition read_exposition(std::string_view text, const std::function<bool(std::string_view name)>& wanted,
                           const std::function<void(std::string name, Labels labels, double value)>& sample);

/// "1", "1e+06", "+Inf", "NaN" as both formats write them.
std::optional<double> sample_value(std::string_view text);

}  // namespace backout::watch
