// Told: which seconds of one arm were told already. A source tells a second once; what it tells again, or too late, is
// left out, since counting it twice would be evidence of nothing. A clock that was set back is not a second told
// again: it is believed when the two clocks agree about the present, or when it goes on being behind.
#pragma once
#include "base/clock.h"
#include "base/json.h"

namespace backout::decide {

class Told {
 public:
  /// Whether the votes of this second are to be counted. `now`: the judge's own clock.
  bool admit(WallTime second, WallTime now);
  /// The look is over.
  void end_look();

  int64_t left_out() const { return left_out_; }
  int64_t jumps() const { return jumps_; }
  WallTime last() const { return last_; }

  Json to_json() const;
  void restore(const Json& value);

 private:
  WallTime last_{};
  WallTime behind_{}, behind_now_{};  // the latest second long past that was told: at an earlier look, at this one
  int64_t left_out_ = 0, jumps_ = 0;
};

}  // namespace backout::decide
