// FinalSight: a look whose answer no later look will change by itself: whoever started the thing has given it up.
// Marked in its evidence, so that a step which may be looked at again and again is not waited for in vain.
#pragma once
#include "model/outcome.h"

namespace backout::driver {

inline constexpr const char* kFinal = "final";

inline Sight final_sight(Sight sight) {
  sight.evidence[kFinal] = true;
  return sight;
}

/// Counts looks in a row that were final: three are believed, for between a stop and a start by hand there may be one.
class FinalLooks {
 public:
  bool enough(const Sight& seen) {
    in_a_row_ = seen.kind == SightKind::kDoesNotHold && get_bool(seen.evidence, kFinal) ? in_a_row_ + 1 : 0;
    return in_a_row_ >= 3;
  }

 private:
  int in_a_row_ = 0;
};

}  // namespace backout::driver
