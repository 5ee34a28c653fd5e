// "metrics": counters of failed and of all requests, read straight from what a service tells about itself.
//
// Subject {url, errors, requests, release?, token?, every_ms?}. The first look is where counting starts: the old
// release's habits are not in there. Position {"asked_ms", "told", "memory"}. Blind: no answer, another status than
// 200, HTML, more than kLargestExposition, OpenMetrics that is cut short, no series for `requests`, more than
// kMostCounters.
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

inline constexpr size_t kLargestExposition = 16U << 20, kMostCounters = 1000;

Result<std::unique_ptr<Source>> make_metrics(const Json& subject, host::Host& host);

}  // namespace backout::watch
