// Recovery: from what the journal and the target say about a step on a host to what to do next. One pure table; the
// executor asks it at every step, so a fresh run and a resumed one take the same path.
#pragma once
#include "host/host.h"
#include "model/step.h"
#include "run/state.h"

namespace backout::run {

/// What the journal says.
enum class Recorded {
  kNothing,  // no intent, or its attempt was found never to have started: nothing failed
  kInDoubt,  // an intent without an end: its command may still run
  kSucceeded,
  kFailed,  // or refused
  kUnknown,
};
Recorded recorded(const PairState& at);

enum class Next {
  kDone,          // nothing to do
  kAct,           // a new attempt
  kLookAtTarget,  // inspect the last attempt: lock, status
  kLook,          // verify: only the world can tell
  kGiveUp,        // it failed, and this call was not asked to try again
};
/// `again`: a person asked for another try of failed steps (`backout retry`).
Next what_next(Recorded recorded, bool again);

/// Whether what an earlier process saw done is looked at again when a run is taken up: a machine may have been started
/// anew since, and then what was stopped may run and what was started may not. True for what nothing later in the run
/// takes back: stopped until something is started, started and checked to the end, and put back to the end. Not of a
/// look of the start phase without a probe: that notes what was there at that moment, and would overwrite it.
bool must_still_hold(const Step& step, Purpose purpose, const RunState& state);

/// Whether a later effect of its phase, which needs it, has begun on that host to do what `step` did anew: both have
/// the very same undo, as the steps of a gradual shift have. Then the first need not hold any more, and doing it again
/// would take back what the later one did. True also of a look between the two.
bool is_overtaken(const Step& step, const std::string& host, const std::vector<Step>& steps, const RunState& state);

/// After looking at the target.
enum class Then {
  kWait,      // it still runs
  kJudge,     // it ended: its exit status is the outcome, verified as if it had just returned
  kActAgain,  // it never started
  kLook,      // lost: only a probe can tell
};
Then after_inspection(host::AttemptState::Kind found);

/// After a look that followed a lost or unknown attempt.
enum class Resolution { kAlreadyDone, kActAgain, kUnknown };
Resolution after_look(SightKind sight, const Step& step, bool verb_repeatable);

}  // namespace backout::run
