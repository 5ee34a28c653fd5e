// Harm: what each remedy costs in failed requests until it is over (docs/decide.md, "What it costs"). Pure.
#pragma once
#include <array>
#include <optional>

#include "decide/evaluate.h"

namespace backout::decide {

enum class Remedy { kFlagOff, kRollBack, kFixForward, kMonitor };
inline constexpr size_t kRemedyCount = 4;

struct Harm {
  bool there = false;            // the remedy exists
  std::optional<double> failed;  // requests; nothing: nobody measured how many fail
  double millis = 0;             // until it has worked
};

struct Harms {
  std::array<Harm, kRemedyCount> all;
  std::optional<Remedy> best;  // of the remedies that mend something; nothing: none is there, or nothing was measured
  bool close = false;          // the second best costs less than half as much again
  double break_even = 0;       // the hotfix time, in ms, below which it is as cheap as going back

  const Harm& operator[](Remedy remedy) const { return all[static_cast<size_t>(remedy)]; }
};

struct HarmInput {
  double bad_per_second = 0;  // failed requests a second; 0: not measured
  bool can_go_back = false;
  bool asked_first = false;  // somebody has to approve going back
};
Harms harms_of(const HarmInput& input, const Facts& facts, const Costs& costs);

}  // namespace backout::decide
