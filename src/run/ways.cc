#include "run/ways.h"

#include "base/text.h"
#include "plan/forecast.h"
#include "run/recovery.h"

namespace backout::run {
namespace {

bool succeeded(const PairState& at) { return recorded(at) == Recorded::kSucceeded; }

/// Opening was tried, it did not succeed, and then the door was looked at and seen closed.
bool seen_closed(const PairState& at) {
  return at.outcome && recorded(at) == Recorded::kFailed && get_string(at.outcome->evidence, "looked") == kLookedNot;
}

/// How an effect went on all its hosts.
std::vector<const PairState*> pairs_of(const RunState& state, const Step& step, Purpose purpose) {
  std::vector<const PairState*> pairs;
  for (const auto& [pair, at] : state.pairs)
    if (pair.step == step.id.str() && pair.purpose == purpose && at.may_have_run()) pairs.push_back(&at);
  return pairs;
}

std::vector<const Step*> effects_in(const Plan& plan, Phase phase) {
  std::vector<const Step*> steps;
  for (const Step& step : plan.contract.steps)
    if (step.phase == phase && step.kind == StepKind::kEffect) steps.push_back(&step);
  return steps;
}

enum class Opening { kNone, kSeenClosed, kInDoubt };
/// What lets users in when it is put back: the closing steps, without those that only set something aside.
std::vector<const Step*> closing(const Plan& plan) {
  std::vector<const Step*> steps = effects_in(plan, Phase::kClose);
  std::erase_if(steps, [&](const Step* step) { return !keeps_users_out(plan, *step); });
  return steps;
}

/// How the opening went that did not succeed: of the phase open, or, when the run is put back, of what undoes the phase
/// close. Some hosts done and others not is a doubt.
Opening opening(const RunState& state, const Plan& plan) {
  const Purpose purpose = state.turned ? Purpose::kUndo : Purpose::kApply;
  Opening worst = Opening::kNone;
  for (const Step* step : state.turned ? closing(plan) : effects_in(plan, Phase::kOpen)) {
    const auto pairs = pairs_of(state, *step, purpose);
    const bool done = std::all_of(pairs.begin(), pairs.end(), [](const PairState* at) { return succeeded(*at); });
    if (pairs.empty() || (done && state.turned)) continue;  // a service that runs again lets nobody through a door
    for (const PairState* at : pairs)
      worst = std::max(worst, seen_closed(*at) ? Opening::kSeenClosed : Opening::kInDoubt);
  }
  return worst;
}

bool any_failed(const RunState& state, const std::vector<const Step*>& steps, Purpose purpose) {
  for (const Step* step : steps)
    for (const PairState* at : pairs_of(state, *step, purpose))
      if (recorded(*at) == Recorded::kFailed) return true;
  return false;
}

bool closing_in_doubt(const RunState& state, const Plan& plan) {
  for (const Step* step : closing(plan))
    for (const PairState* at : pairs_of(state, *step, Purpose::kApply))
      if (!succeeded(*at)) return true;
  return false;
}

/// Where there is no door: something was started, or begun to be, and not stopped since.
bool may_serve_again(const RunState& state, const Plan& plan) {
  for (const Step* step : closing(plan))
    if (!pairs_of(state, *step, Purpose::kUndo).empty()) return true;
  for (const Step* step : effects_in(plan, Phase::kStart))
    for (const auto& [pair, at] : state.pairs)
      if (pair.step == step->id.str() && pair.purpose == Purpose::kApply && at.may_have_run() &&
          !succeeded(state.at({pair.step, pair.host, Purpose::kUndo})))
        return true;
  return false;
}

/// about_the_door of a site without one: what keeps users out is that nothing serves them.
std::string about_services(const RunState& state, const Plan& plan, Users users) {
  if (users == Users::kOutside)
    return fmt::format("services are stopped{}: users are outside",
                       state.door_closed_at ? " since " + to_hms(*state.door_closed_at) + " UTC" : "");
  if (!state.door_closed)
    return fmt::format("stopping services {}; whether users are inside is not known",
                       any_failed(state, closing(plan), Purpose::kApply) ? "failed" : "was begun");
  const bool failed = state.turned ? any_failed(state, closing(plan), Purpose::kUndo)
                                   : any_failed(state, effects_in(plan, Phase::kStart), Purpose::kApply);
  if (failed) return "starting services failed; whether users are inside is not known";
  return "services were started again, and there is no door: users may be inside";
}

bool own_command_ran(const RunState& state, const Plan& plan) {
  if (plan.contract.kind != RunKind::kDeploy) return false;
  const auto steps = effects_in(plan, Phase::kSwitch);
  return std::any_of(steps.begin(), steps.end(),
                     [&](const Step* step) { return !pairs_of(state, *step, Purpose::kApply).empty(); });
}

/// All that is left of putting back is to let users in again.
bool only_the_door_is_left(const RunState& state, const Plan& plan) {
  bool tried = false, other = false;
  for (const Step& step : plan.contract.steps)
    for (const auto& [pair, at] : state.pairs) {
      if (pair.step != step.id.str() || step.kind != StepKind::kEffect || !step.undo) continue;
      const PairState& undo = state.at({pair.step, pair.host, Purpose::kUndo});
      if (pair.purpose != Purpose::kApply || !at.may_have_run() || succeeded(undo)) continue;
      if (step.phase == Phase::kClose)
        tried = tried || undo.may_have_run();
      else if (step.phase != Phase::kPrepare)
        other = true;
    }
  return tried && !other;
}

bool did_not_succeed(const PairState& undo) {
  return undo.outcome && !undo.outcome->succeeded() && recorded(undo) != Recorded::kInDoubt;
}

}  // namespace

std::vector<std::string> not_put_back(const RunState& state, const Plan& plan) {
  std::vector<std::string> words;
  for (const Step& step : plan.contract.steps)
    for (const auto& [pair, at] : state.pairs)
      if (pair.step == step.id.str() && pair.purpose == Purpose::kUndo && did_not_succeed(at))
        words.push_back(fmt::format("'{}' on {}: {}", pair.step, pair.host, at.outcome->why));
  return words;
}

std::vector<std::string> not_as_found(const RunState& state) {
  std::vector<std::string> words;
  for (const auto& [pair, at] : state.pairs) {
    if (pair.purpose != Purpose::kUndo || !succeeded(at)) continue;
    for (const Json& each : get(at.outcome->evidence, "not_as_found"))
      if (each.is_string() && std::find(words.begin(), words.end(), each) == words.end())
        words.push_back(each.get<std::string>());
  }
  return words;
}

bool has_door(const Plan& plan) { return !effects_in(plan, Phase::kOpen).empty(); }

bool keeps_users_out(const Plan& plan, const Step& step) {
  if (step.phase != Phase::kClose || step.kind != StepKind::kEffect || plan::users_stay(step)) return false;
  std::vector<const Step*> openings = effects_in(plan, Phase::kOpen);
  if (openings.empty()) openings = effects_in(plan, Phase::kStart);
  return std::any_of(openings.begin(), openings.end(),
                     [&](const Step* opens) { return opens->action.driver == step.action.driver; });
}

Users users(const RunState& state, const Plan& plan) {
  if (state.door_opened) return Users::kInside;
  if (!state.door_closed) return closing_in_doubt(state, plan) ? Users::kUnknown : Users::kInside;
  if (!has_door(plan) && may_serve_again(state, plan)) return Users::kUnknown;
  switch (opening(state, plan)) {
    case Opening::kNone:
    case Opening::kSeenClosed: return state.let_in && !state.turned ? Users::kUnknown : Users::kOutside;
    case Opening::kInDoubt: return Users::kUnknown;
  }
  return Users::kUnknown;
}

std::string about_the_door(const RunState& state, const Plan& plan) {
  const Users where = users(state, plan);
  if (where != Users::kInside && !has_door(plan)) return about_services(state, plan, where);
  switch (where) {
    case Users::kInside: return "";
    case Users::kOutside:
      if (opening(state, plan) == Opening::kNone)
        return fmt::format("the door is closed{}: users are outside",
                           state.door_closed_at ? " since " + to_hms(*state.door_closed_at) + " UTC" : "");
      return "the opening failed, and the door was seen closed: users are outside";
    case Users::kUnknown: break;
  }
  if (!state.door_closed)
    return fmt::format("closing the door {}; whether users are inside is not known",
                       any_failed(state, closing(plan), Purpose::kApply) ? "failed" : "was begun");
  if (state.let_in && !state.turned) return "the opening failed, but the door was seen open: users may be inside";
  const bool failed = state.turned ? any_failed(state, closing(plan), Purpose::kUndo)
                                   : any_failed(state, effects_in(plan, Phase::kOpen), Purpose::kApply);
  return fmt::format("the opening {}; whether users are inside is not known", failed ? "failed" : "was begun");
}

Ways ways_out(const RunState& state, const Plan& plan) {
  Ways ways;
  ways.turned = state.turned;
  ways.kind = plan.contract.kind;
  ways.opened = state.door_opened;
  const bool deploys = ways.kind == RunKind::kDeploy || ways.kind == RunKind::kCheckpoint;
  for (const auto& [pair, at] : state.pairs)
    ways.failed = ways.failed || (pair.purpose == Purpose::kApply && recorded(at) == Recorded::kFailed);
  if (!state.turned) {
    if (own_command_ran(state, plan))
      ways.abort = Abort::kOwnCommand;
    else if (state.door_opened || state.let_in)
      ways.abort = Abort::kDoorOpen;
    else if (state.opening > 0)
      ways.abort = opening(state, plan) == Opening::kSeenClosed ? Abort::kYes : Abort::kIfClosed;
  }
  for (const Step* step : effects_in(plan, Phase::kOpen))
    ways.can_look = ways.can_look && (step->has_probe || pairs_of(state, *step, Purpose::kApply).empty());
  ways.stuck = state.turned && !only_the_door_is_left(state, plan) && !not_put_back(state, plan).empty();
  // What cannot be put back must not hold the site for ever: a new run begins from what it sees there.
  ways.replace = deploys || (state.turned ? ways.stuck || only_the_door_is_left(state, plan)
                                          : state.door_opened || state.opening > 0 || state.let_in);
  return ways;
}

std::string next_steps(const Ways& ways, const std::string& look) {
  std::vector<std::string> words;
  if (ways.turned)
    words.push_back("put the rest back: backout resume");
  else
    words.push_back(ways.failed ? "try again: backout retry" : "carry on: backout resume");
  const bool deploys = ways.kind == RunKind::kDeploy || ways.kind == RunKind::kCheckpoint;
  if (ways.replace && deploys) {
    if (ways.kind == RunKind::kDeploy) words.push_back("go back: backout rollback --reason \"...\"");
  } else if (ways.replace && ways.turned) {
    words.push_back(ways.kind == RunKind::kForward
                        ? "anew, by today's backout.yaml: backout rollback --forward --reason \"...\""
                        : "anew, by today's backout.yaml: backout rollback --reason \"...\"");
  } else if (ways.replace) {
    const std::string same = ways.kind == RunKind::kForward ? "backout rollback --forward" : "backout rollback",
                      other = ways.kind == RunKind::kForward ? "backout rollback" : "backout rollback --forward";
    if (!ways.opened) words.push_back("by today's backout.yaml: " + same + " --reason \"...\"");
    words.push_back("the other way: " + other + " --reason \"...\"");
  }
  if (!ways.turned && ways.abort == Abort::kYes) words.push_back("put everything back: backout abort");
  if (!ways.turned && ways.abort == Abort::kIfClosed && ways.can_look)
    words.push_back("put everything back, if the door is seen closed: backout abort");
  if (!look.empty()) words.push_back("look: " + look);
  return join(words, "     ");
}

bool is_past_checks(const RunState& state, const Plan& plan) {
  if (state.turned) return false;
  for (const Step& step : plan.contract.steps) {
    if (step.phase >= Phase::kOpen) break;
    bool done = false;
    for (const auto& [pair, at] : state.pairs)
      if (pair.step == step.id.str() && pair.purpose == Purpose::kApply) {
        if (!succeeded(at)) return false;
        done = true;
      }
    if (!done) return false;
  }
  return true;
}

}  // namespace backout::run
