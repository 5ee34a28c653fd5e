#include "run/recovery.h"

#include <gtest/gtest.h>

namespace backout::run {
namespace {

PairState after_attempt(OutcomeKind kind, bool attempt_ended = true) {
  PairState at;
  at.attempts = 1;
  at.last_attempt = "RUN-0001.switch.apply.1.abc";
  at.attempt_ended = attempt_ended;
  at.outcome = Outcome{kind, "seen"};
  return at;
}

TEST(Recorded, TellsEveryStateThatAPairCanBeIn) {
  PairState untouched;
  EXPECT_EQ(recorded(untouched), Recorded::kNothing);
  PairState intended;
  intended.attempts = 1;
  intended.attempt_ended = false;
  EXPECT_EQ(recorded(intended), Recorded::kInDoubt);
  EXPECT_EQ(recorded(after_attempt(OutcomeKind::kApplied)), Recorded::kSucceeded);
  EXPECT_EQ(recorded(after_attempt(OutcomeKind::kAlreadyDone)), Recorded::kSucceeded);
  EXPECT_EQ(recorded(after_attempt(OutcomeKind::kFailed)), Recorded::kFailed);
  EXPECT_EQ(recorded(after_attempt(OutcomeKind::kRefused)), Recorded::kFailed);
  EXPECT_EQ(recorded(after_attempt(OutcomeKind::kUnknown)), Recorded::kUnknown);
  PairState not_begun = after_attempt(OutcomeKind::kFailed);
  not_begun.not_begun = true;
  EXPECT_EQ(recorded(not_begun), Recorded::kNothing);
}

TEST(Recorded, IsInDoubtWhileTheCommandBehindAnUnknownMayStillRun) {
  EXPECT_EQ(recorded(after_attempt(OutcomeKind::kUnknown, false)), Recorded::kInDoubt);
}

TEST(Recorded, OfALookThatCouldNotTellIsUnknown) {
  PairState looked;  // no attempt, no command
  looked.outcome = Outcome{OutcomeKind::kUnknown, "no route"};
  EXPECT_EQ(recorded(looked), Recorded::kUnknown);
}

TEST(WhatNext, IsTotalAndNeverActsOnAPairInDoubt) {
  struct Row {
    Recorded recorded;
    Next carry_on, try_again;
  };
  const Row table[] = {
      {Recorded::kNothing, Next::kAct, Next::kAct},     {Recorded::kInDoubt, Next::kLookAtTarget, Next::kLookAtTarget},
      {Recorded::kSucceeded, Next::kDone, Next::kDone}, {Recorded::kFailed, Next::kGiveUp, Next::kAct},
      {Recorded::kUnknown, Next::kLook, Next::kLook},
  };
  for (const Row& row : table) {
    EXPECT_EQ(what_next(row.recorded, false), row.carry_on) << static_cast<int>(row.recorded);
    EXPECT_EQ(what_next(row.recorded, true), row.try_again) << static_cast<int>(row.recorded);
  }
}

TEST(MustStillHold, IsTrueForWhatNothingLaterInTheRunTakesBack) {
  const auto holds = [](Phase phase, StepKind kind, Purpose purpose, bool starting, bool has_probe = true) {
    Step step;
    step.has_probe = has_probe;
    step.phase = phase;
    step.kind = kind;
    RunState state;
    state.starting = starting;
    return must_still_hold(step, purpose, state);
  };
  for (const Phase phase : kPhases)
    for (const StepKind kind : {StepKind::kEffect, StepKind::kLook, StepKind::kAsk, StepKind::kRecord})
      for (const bool starting : {false, true}) {
        const bool acts = kind == StepKind::kEffect, looks = kind == StepKind::kLook;
        const bool stopped = phase == Phase::kClose && acts && !starting;
        const bool started = phase == Phase::kStart && (acts || looks);
        const bool checked = phase == Phase::kCheck && looks;
        EXPECT_EQ(holds(phase, kind, Purpose::kApply, starting), stopped || started || checked)
            << name_of(phase) << " " << static_cast<int>(kind);
        EXPECT_EQ(holds(phase, kind, Purpose::kUndo, starting), phase == Phase::kClose && acts) << name_of(phase);
      }
  EXPECT_TRUE(holds(Phase::kStart, StepKind::kEffect, Purpose::kApply, true, false));
  EXPECT_FALSE(holds(Phase::kStart, StepKind::kLook, Purpose::kApply, true, false)) << "a note is of its moment";
}

Step shift(const char* id, const std::vector<const char*>& needs, int percent, Phase phase = Phase::kStart) {
  Step step;
  step.id = StepId(id);
  step.phase = phase;
  step.kind = percent > 0 ? StepKind::kEffect : StepKind::kLook;
  for (const char* need : needs) step.needs.emplace_back(need);
  step.action = {"nginx-traffic", "shift", {{"percent", percent}}};
  if (percent > 0) step.undo = Action{"nginx-traffic", "shift", {{"percent", 0}}};
  return step;
}

TEST(IsOvertaken, WhatALaterStepOfTheSameKindHasBegunToDoAnew) {
  std::vector<Step> steps = {shift("some", {}, 10), shift("steady", {"some"}, 0), shift("all", {"steady"}, 100),
                             shift("beside", {"steady"}, 0), shift("other", {"some"}, 50)};
  steps.back().undo->args["percent"] = 7;  // of another thing
  const auto overtaken = [&](const RunState& state, const std::string& host = "local") {
    std::string names;
    for (const Step& step : steps) names += is_overtaken(step, host, steps, state) ? step.id.str() + " " : "";
    return names;
  };
  RunState state;
  EXPECT_EQ(overtaken(state), "");
  state.pairs[{"some", "local"}].attempts = 1;
  state.pairs[{"other", "local"}].attempts = 1;
  state.pairs[{"all", "local", Purpose::kUndo}].attempts = 1;
  EXPECT_EQ(overtaken(state), "");
  state.pairs[{"all", "local"}] = {.attempts = 1, .never_started = 1};
  EXPECT_EQ(overtaken(state), "") << "it never started";
  state.pairs[{"all", "local"}].attempts = 2;
  EXPECT_EQ(overtaken(state), "some steady ");
  EXPECT_EQ(overtaken(state, "other-host"), "");
  steps[2].phase = Phase::kCheck;
  EXPECT_EQ(overtaken(state), "") << "phases are of their own";
  steps[2].phase = Phase::kStart;
  steps[0].needs = {StepId("all")};
  EXPECT_EQ(overtaken(state), "some steady all ") << "a circle ends";
  steps[0].needs = {};
  steps[2].needs = {};
  EXPECT_EQ(overtaken(state), "") << "what does not need it is beside it";
}

TEST(AfterInspection, IsTotalAndActsAgainOnlyWhenNothingEverStarted) {
  using Kind = host::AttemptState::Kind;
  EXPECT_EQ(after_inspection(Kind::kNeverStarted), Then::kActAgain);
  EXPECT_EQ(after_inspection(Kind::kRunning), Then::kWait);
  EXPECT_EQ(after_inspection(Kind::kFinished), Then::kJudge);
  EXPECT_EQ(after_inspection(Kind::kLost), Then::kLook);
}

TEST(AfterLook, BelievesWhatWasSeenWhateverTheStepSays) {
  for (const bool repeatable : {false, true})
    for (const OnUnknown choice : {OnUnknown::kAsk, OnUnknown::kRerun}) {
      Step step;
      step.on_unknown = choice;
      EXPECT_EQ(after_look(SightKind::kHolds, step, repeatable), Resolution::kAlreadyDone);
      EXPECT_EQ(after_look(SightKind::kDoesNotHold, step, repeatable), Resolution::kActAgain);
    }
}

TEST(AfterLook, RepeatsBlindlyOnlyWhatMayBeRepeatedOrWasSaidToBeRerun) {
  Step asks, reruns;
  reruns.on_unknown = OnUnknown::kRerun;
  EXPECT_EQ(after_look(SightKind::kCannotTell, asks, false), Resolution::kUnknown);
  EXPECT_EQ(after_look(SightKind::kCannotTell, asks, true), Resolution::kActAgain);
  EXPECT_EQ(after_look(SightKind::kCannotTell, reruns, false), Resolution::kActAgain);
  EXPECT_EQ(after_look(SightKind::kCannotTell, reruns, true), Resolution::kActAgain);
}

}  // namespace
}  // namespace backout::run
