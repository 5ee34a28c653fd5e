#include "run/state.h"

namespace backout::run {

std::string_view name_of(Purpose purpose) { return purpose == Purpose::kApply ? "apply" : "undo"; }

const PairState& RunState::at(const Pair& pair) const {
  static const PairState untouched;
  const auto found = pairs.find(pair);
  return found == pairs.end() ? untouched : found->second;
}

namespace {

Pair pair_of(const Json& body) {
  return {get_string(body, "step"), get_string(body, "host"),
          get_string(body, "purpose") == "undo" ? Purpose::kUndo : Purpose::kApply};
}

const Step* step_in(const Plan& plan, const std::string& step) {
  for (const Step& each : plan.contract.steps)
    if (each.id.str() == step) return &each;
  return nullptr;
}

const Step* effect_in(const Plan& plan, const std::string& step) {
  const Step* found = step_in(plan, step);
  return found != nullptr && found->kind == StepKind::kEffect ? found : nullptr;
}

/// Settle comes after the opening, and where there is no door after everything that an abort could put back.
void reach(RunState& state, const Pair& pair, const Plan& plan) {
  const Step* step = pair.purpose == Purpose::kApply ? step_in(plan, pair.step) : nullptr;
  if (step != nullptr && step->phase == Phase::kSettle) state.let_in = true;
}

void take_up_again(RunState& state) {
  if (state.stopped) ++state.resumed;
  state.stopped = false;
}

void intend(RunState& state, const Event& event, const Plan& plan) {
  take_up_again(state);
  const Pair pair = pair_of(event.body);
  PairState& at = state.pairs[pair];
  ++at.attempts;
  at.last_attempt = get_string(event.body, "attempt");
  at.attempt_ended = false;
  at.not_begun = false;
  at.outcome.reset();
  reach(state, pair, plan);
  const Step* step = pair.purpose == Purpose::kApply ? effect_in(plan, pair.step) : nullptr;
  if (step != nullptr && step->phase > Phase::kSwitch) state.starting = true;
  if (step != nullptr && step->phase == Phase::kOpen) ++state.opening;
}

void end_attempt(RunState& state, const Event& event, const Plan& plan) {
  const Pair pair = pair_of(event.body);
  PairState& at = state.pairs[pair];
  at.attempt_ended = true;
  if (get_bool(event.body, "started", true)) return;
  ++at.never_started;
  at.not_begun = true;
  const Step* step = pair.purpose == Purpose::kApply ? effect_in(plan, pair.step) : nullptr;
  if (step != nullptr && step->phase == Phase::kOpen) --state.opening;
}

/// Of several hosts, what each says by its name stays beside what the others say; else the last word counts.
void keep_evidence(RunState& state, const Pair& pair, const Json& evidence) {
  const bool beside_others = std::any_of(state.pairs.begin(), state.pairs.end(), [&](const auto& each) {
    const auto& [other, at] = each;
    return other.step == pair.step && other.host != pair.host && other.purpose == pair.purpose && at.outcome &&
           at.outcome->succeeded();
  });
  Json& kept = state.evidence[pair.step];
  if (beside_others && kept.is_object() && evidence.is_object())
    kept.merge_patch(evidence);
  else
    kept = evidence;
}

void end_step(RunState& state, const Event& event, const Plan& plan) {
  take_up_again(state);
  const Pair pair = pair_of(event.body);
  auto outcome = outcome_from_json(get(event.body, "outcome"));
  if (!outcome) return;
  reach(state, pair, plan);
  if (outcome->succeeded() && pair.purpose == Purpose::kApply) keep_evidence(state, pair, outcome->evidence);
  const Step* step = pair.purpose == Purpose::kApply ? effect_in(plan, pair.step) : nullptr;
  if (step != nullptr && step->phase == Phase::kOpen)
    state.let_in = state.let_in || outcome->succeeded() || get_string(outcome->evidence, "looked") == kLookedSo;
  state.pairs[pair].outcome = std::move(*outcome);
}

}  // namespace

void take(RunState& state, const Event& event, const Plan& plan) {
  switch (event.type) {
    case EventType::kRunStarted: {
      state.begun = true;
      state.plan = PlanId(get_string(event.body, "plan"));
      state.incident = IncidentId(get_string(event.body, "incident"));
      state.reason = get_string(event.body, "reason");
      if (const auto kind = run_kind_of(get_string(event.body, "kind"))) state.kind = *kind;
      break;
    }
    case EventType::kAttemptIntended: intend(state, event, plan); break;
    case EventType::kAttemptEnded: end_attempt(state, event, plan); break;
    case EventType::kStepEnded: end_step(state, event, plan); break;
    case EventType::kRunTurned:
      take_up_again(state);
      state.turned = true;
      state.turned_why = get_string(event.body, "why");
      state.turned_by_person = get_bool(event.body, "by_person");
      break;
    case EventType::kDoorClosed:
      state.door_closed = true;
      state.door_closed_at = event.at;
      break;
    case EventType::kDoorOpened: state.door_opened = true; break;
    case EventType::kRunStopped:
      state.stopped = true;
      state.why = get_string(event.body, "why");
      state.exit = static_cast<int>(get_int(event.body, "exit"));
      break;
    case EventType::kRunEnded:
      take_up_again(state);
      state.ended = true;
      state.result = get_string(event.body, "result");
      state.why = get_string(event.body, "why");
      state.exit = static_cast<int>(get_int(event.body, "exit"));
      break;
    case EventType::kQuestionAsked: take_up_again(state); break;
    case EventType::kLeaseGranted:
    case EventType::kLeaseReleased:
    case EventType::kCheckpointTaken:
    case EventType::kCheckpointVerified:
    case EventType::kReleaseRecorded:
    case EventType::kReleaseState:
    case EventType::kReleaseCurrent:
    case EventType::kReleaseLooked:
    case EventType::kReleaseResolved:
    case EventType::kDeploysResumed:
    case EventType::kCiSeen:
    case EventType::kIncidentOpened:
    case EventType::kPlanMade:
    case EventType::kQuestionAnswered:
    case EventType::kNote:
    case EventType::kReadyLooked:
    case EventType::kEvidenceDeleted:
    case EventType::kWatchStarted:
    case EventType::kWatchLook:
    case EventType::kWatchTrouble:
    case EventType::kWatchEnded:
    case EventType::kLogLevel:
    case EventType::kBackupTaken:
    case EventType::kBackupTested:
    case EventType::kBackupFailed:
    case EventType::kProblemReported:
    case EventType::kFactStated:
    case EventType::kVerdictGiven:
    case EventType::kBackupDeleted: break;
  }
}

RunState fold(const std::vector<Event>& events, const RunId& run, const Plan& plan) {
  RunState state;
  for (const Event& event : events)
    if (event.run == run) take(state, event, plan);
  return state;
}

}  // namespace backout::run
