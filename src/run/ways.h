// Ways: what can still be done with an unfinished run, and where its users are, from its journal alone. Pure. The
// executor refuses by it and the screens speak by it, so that no word offers what will be refused.
#pragma once
#include <string>
#include <vector>

#include "run/state.h"

namespace backout::run {

/// Whether a step of the phase close keeps users out: the door does, or, where there is none, what is stopped and later
/// started. What is only set aside or parked does not.
bool keeps_users_out(const Plan& plan, const Step& step);

/// Whether the plan opens a door. Where it does not, what keeps users out is that nothing serves them.
bool has_door(const Plan& plan);

enum class Users { kInside, kOutside, kUnknown };
/// Where users are, as far as was seen.
Users users(const RunState& state, const Plan& plan);
/// The same as a sentence, of services where there is no door; empty when they are inside and nothing casts doubt on
/// it.
std::string about_the_door(const RunState& state, const Plan& plan);

enum class Abort {
  kYes,
  kIfClosed,    // opening was tried: only when a look at the target says that the door is closed
  kDoorOpen,    // never: users may have written under the new state
  kOwnCommand,  // never: the deploy command was run
};

struct Ways {
  bool turned = false;  // it is being put back
  bool failed = false;  // a step failed: `resume` would stop there again, `retry` tries it once more
  Abort abort = Abort::kYes;
  bool can_look = true;  // what opens has a probe: without one, kIfClosed comes to a refusal
  bool replace = false;  // a new run may close this one and take over from what is there
  bool stuck = false;    // putting back failed: an undo did not succeed, and not the door's alone
  RunKind kind = RunKind::kRollback;
  bool opened = false;  // the door was opened, and seen open where it can be seen
};
Ways ways_out(const RunState& state, const Plan& plan);

/// What to type, the likeliest first: "try again: backout retry     ...". `look`: a last one, such as "backout status".
std::string next_steps(const Ways& ways, const std::string& look = "");

/// "'swap' on local: why": what a turned run tried to put back and could not, as far as is known.
std::vector<std::string> not_put_back(const RunState& state, const Plan& plan);

/// Sentences of undos that succeeded and yet did not leave it as it was found, each once: evidence "not_as_found" of
/// any driver.
std::vector<std::string> not_as_found(const RunState& state);

/// Whether every step behind the door was done: then what runs is what the plan goes to.
bool is_past_checks(const RunState& state, const Plan& plan);

}  // namespace backout::run
