// Series: samples of one metric with one set of labels.
#pragma once
#include <string>
#include <vector>

#include "model/selector.h"

namespace backout::watch {

struct Sample {
  int64_t at_ms = 0;
  double value = 0;  // NaN and infinities occur
};

struct Series {
  std::string name;
  Labels labels;
  std::vector<Sample> samples;  // ascending by time
};

}  // namespace backout::watch
