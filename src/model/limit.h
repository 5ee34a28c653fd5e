// Limit: what a figure must be, as a person writes it: "<90%", "<=2.0", ">1", "0", "<500MB". Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace backout {

struct Limit {
  enum class Is { kBelow, kAtMost, kAbove, kAtLeast, kEqual };
  Is is = Is::kEqual;
  double value = 0;  // bytes where a unit of memory was written
  std::string unit;  // "", "%" or "B"
  bool holds(double figure) const;
};

/// kInvalid with what it should look like.
Result<Limit> limit_from(std::string_view text);

}  // namespace backout
