// AllClear: Wald's lower boundary. Clear when the votes speak for "as tolerated" against "five times worse" a thousand
// to one. It is lost again when they speak against it as strongly as they spoke for it: what begins late is seen.
#pragma once
#include <span>

#include "base/json.h"
#include "base/result.h"
#include "model/observation.h"

namespace backout::decide {

class AllClear {
 public:
  /// `worse`: the rate that is to be ruled out; `beta`: how often it may be missed.
  AllClear(double tolerated, double worse, double beta = 1e-3);
  /// Five times worse than tolerated.
  explicit AllClear(double tolerated);

  void update(std::span<const Votes> votes, double divide = 1);
  bool clear() const { return clear_; }
  /// Votes until it is clear, if none fails; 0: it is.
  int64_t good_votes_needed() const;

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  double tolerated_, ratio_, boundary_;
  double walk_ = 0;
  bool clear_ = false;
};

}  // namespace backout::decide
