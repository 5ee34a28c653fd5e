#include "run/recovery.h"

#include <algorithm>
#include <set>

namespace backout::run {
namespace {

/// Directly or through others. A circle has no end.
bool needs(const Step& step, const StepId& wanted, const std::vector<Step>& steps) {
  std::set<std::string> seen;
  std::vector<StepId> open = step.needs;
  while (!open.empty()) {
    const StepId id = open.back();
    open.pop_back();
    if (id == wanted) return true;
    if (!seen.insert(id.str()).second) continue;
    for (const Step& each : steps)
      if (each.id == id) open.insert(open.end(), each.needs.begin(), each.needs.end());
  }
  return false;
}

}  // namespace

Recorded recorded(const PairState& at) {
  if (at.not_begun && at.outcome && at.outcome->kind == OutcomeKind::kFailed) return Recorded::kNothing;
  if (at.outcome) {
    switch (at.outcome->kind) {
      case OutcomeKind::kApplied:
      case OutcomeKind::kAlreadyDone: return Recorded::kSucceeded;
      case OutcomeKind::kRefused:
      case OutcomeKind::kFailed: return Recorded::kFailed;
      case OutcomeKind::kUnknown: return at.attempt_ended ? Recorded::kUnknown : Recorded::kInDoubt;
    }
  }
  return at.touched() ? Recorded::kInDoubt : Recorded::kNothing;
}

Next what_next(Recorded recorded, bool again) {
  switch (recorded) {
    case Recorded::kNothing: return Next::kAct;
    case Recorded::kInDoubt: return Next::kLookAtTarget;
    case Recorded::kSucceeded: return Next::kDone;
    case Recorded::kFailed: return again ? Next::kAct : Next::kGiveUp;
    case Recorded::kUnknown: return Next::kLook;
  }
  return Next::kGiveUp;
}

bool must_still_hold(const Step& step, Purpose purpose, const RunState& state) {
  const bool looks = step.kind == StepKind::kLook, acts = step.kind == StepKind::kEffect;
  if (purpose == Purpose::kUndo) return acts && step.phase == Phase::kClose;
  switch (step.phase) {
    case Phase::kClose: return acts && !state.starting;
    case Phase::kStart: return acts || (looks && step.has_probe);  // a note is of its moment: it is not taken again
    case Phase::kCheck: return looks;
    case Phase::kPrepare:
    case Phase::kLastRows:
    case Phase::kSwitch:
    case Phase::kOpen:
    case Phase::kSettle: return false;
  }
  return false;
}

bool is_overtaken(const Step& step, const std::string& host, const std::vector<Step>& steps, const RunState& state) {
  const auto does_anew = [&](const Step& later, const Step& one) {
    return one.kind == StepKind::kEffect && one.undo && one.undo == later.undo;
  };
  return std::any_of(steps.begin(), steps.end(), [&](const Step& later) {
    if (later.kind != StepKind::kEffect || later.phase != step.phase || !needs(later, step.id, steps) ||
        !state.at({later.id.str(), host, Purpose::kApply}).may_have_run())
      return false;
    if (step.kind == StepKind::kEffect) return does_anew(later, step);
    return std::any_of(steps.begin(), steps.end(), [&](const Step& earlier) {
      return does_anew(later, earlier) && needs(step, earlier.id, steps);
    });
  });
}

Then after_inspection(host::AttemptState::Kind found) {
  switch (found) {
    case host::AttemptState::Kind::kNeverStarted: return Then::kActAgain;
    case host::AttemptState::Kind::kRunning: return Then::kWait;
    case host::AttemptState::Kind::kFinished: return Then::kJudge;
    case host::AttemptState::Kind::kLost: return Then::kLook;
  }
  return Then::kLook;
}

Resolution after_look(SightKind sight, const Step& step, bool verb_repeatable) {
  switch (sight) {
    case SightKind::kHolds: return Resolution::kAlreadyDone;
    case SightKind::kDoesNotHold: return Resolution::kActAgain;
    case SightKind::kCannotTell:
      return verb_repeatable || step.on_unknown == OnUnknown::kRerun ? Resolution::kActAgain : Resolution::kUnknown;
  }
  return Resolution::kUnknown;
}

}  // namespace backout::run
