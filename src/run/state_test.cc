#include "run/state.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace backout::run {
namespace {

const RunId kRun("RUN-0001");

struct State : ::testing::Test {
  Plan plan;
  State() {
    for (const auto& [id, phase, kind] : {std::tuple{"swap", Phase::kSwitch, StepKind::kEffect},
                                          {"peep", Phase::kOpen, StepKind::kLook},
                                          {"open", Phase::kOpen, StepKind::kEffect},
                                          {"keep", Phase::kSettle, StepKind::kEffect},
                                          {"record", Phase::kSettle, StepKind::kRecord}}) {
      Step step;
      step.id = StepId(id);
      step.phase = phase;
      step.kind = kind;
      plan.contract.steps.push_back(step);
    }
  }
  static Event event(EventType type, Json body = Json::object()) {
    Event made;
    made.type = type;
    made.run = kRun;
    made.body = std::move(body);
    return made;
  }
  static Json body(const std::string& step, const std::string& purpose = "apply") {
    return {{"step", step}, {"host", "local"}, {"purpose", purpose}};
  }
  static Event intended(const std::string& step, const std::string& attempt, const std::string& purpose = "apply") {
    Json made = body(step, purpose);
    made["attempt"] = attempt;
    return event(EventType::kAttemptIntended, std::move(made));
  }
  static Event never_started(const std::string& step, const std::string& attempt) {
    Json made = body(step);
    made["attempt"] = attempt;
    made["started"] = false;
    return event(EventType::kAttemptEnded, std::move(made));
  }
  static Event attempt_ended(const std::string& step) { return event(EventType::kAttemptEnded, body(step)); }
  static Event ended(const std::string& step, OutcomeKind kind, Json evidence = Json::object(),
                     const std::string& purpose = "apply") {
    Json made = body(step, purpose);
    made["outcome"] = to_json(Outcome{kind, "seen", {}, {}, std::move(evidence)});
    return event(EventType::kStepEnded, std::move(made));
  }
  static Event stopped() { return event(EventType::kRunStopped, {{"why", "lost"}, {"exit", 4}}); }
  RunState folded(const std::vector<Event>& events) const { return fold(events, kRun, plan); }
  static Pair pair(const std::string& step, Purpose purpose = Purpose::kApply) { return {step, "local", purpose}; }
};

TEST_F(State, OfARunThatDidNotBeginSaysSo) { EXPECT_FALSE(folded({intended("swap", "a1")}).begun); }

TEST_F(State, KnowsWhatTheRunWasStartedWith) {
  const RunState state = folded({event(
      EventType::kRunStarted,
      {{"kind", "forward"}, {"plan", "9b1c4e7a"}, {"incident", "INC-2026-0001"}, {"reason", "checkout fails"}})});
  EXPECT_TRUE(state.begun);
  EXPECT_EQ(state.kind, RunKind::kForward);
  EXPECT_EQ(state.plan, PlanId("9b1c4e7a"));
  EXPECT_EQ(state.incident, IncidentId("INC-2026-0001"));
  EXPECT_EQ(state.reason, "checkout fails");
}

TEST_F(State, IsPastTurningBackOnceItSettlesWhetherThereIsADoorOrNot) {
  EXPECT_FALSE(folded({intended("swap", "a1"), ended("swap", OutcomeKind::kApplied)}).let_in);
  EXPECT_TRUE(folded({intended("keep", "a1")}).let_in);
  EXPECT_TRUE(folded({ended("record", OutcomeKind::kApplied)}).let_in);
  EXPECT_FALSE(folded({intended("keep", "u1", "undo")}).let_in);
}

TEST_F(State, IgnoresEventsOfOtherRuns) {
  Event other = ended("swap", OutcomeKind::kApplied);
  other.run = RunId("RUN-0002");
  EXPECT_FALSE(folded({other}).at(pair("swap")).outcome);
}

TEST_F(State, ANewIntentTakesTheOldOutcomeAway) {
  const RunState state = folded(
      {intended("swap", "a1"), attempt_ended("swap"), ended("swap", OutcomeKind::kFailed), intended("swap", "a2")});
  const PairState& at = state.at(pair("swap"));
  EXPECT_EQ(at.attempts, 2);
  EXPECT_EQ(at.last_attempt, "a2");
  EXPECT_FALSE(at.attempt_ended);
  EXPECT_FALSE(at.outcome);
}

TEST_F(State, KeepsApplyAndUndoOfAStepApart) {
  const RunState state =
      folded({intended("swap", "a1"), ended("swap", OutcomeKind::kApplied), intended("swap", "u1", "undo")});
  EXPECT_TRUE(state.at(pair("swap")).outcome->succeeded());
  EXPECT_EQ(state.at(pair("swap", Purpose::kUndo)).attempts, 1);
  EXPECT_FALSE(state.at(pair("swap", Purpose::kUndo)).outcome);
}

TEST_F(State, KeepsTheEvidenceOfTheNewestSuccessOnly) {
  const RunState state =
      folded({ended("swap", OutcomeKind::kApplied, {{"n", 1}}), ended("swap", OutcomeKind::kFailed, {{"n", 2}}),
              ended("swap", OutcomeKind::kApplied, {{"n", 3}}, "undo")});
  EXPECT_EQ(state.evidence.at("swap"), (Json{{"n", 1}}));
}

TEST_F(State, HasNoWayBackOnceOpeningWasIntendedWhateverBecameOfIt) {
  EXPECT_FALSE(folded({intended("swap", "a1"), ended("peep", OutcomeKind::kApplied)}).opening);
  EXPECT_TRUE(folded({intended("open", "a1")}).opening);
  EXPECT_TRUE(folded({intended("open", "a1"), ended("open", OutcomeKind::kFailed)}).opening);
  EXPECT_FALSE(folded({intended("open", "a1"), never_started("open", "a1")}).opening) << "it lets nobody in";
  EXPECT_TRUE(folded({intended("open", "a1"), intended("open", "a2"), never_started("open", "a2")}).opening);
  EXPECT_FALSE(folded({intended("open", "u1", "undo")}).opening) << "undoing opens nothing new";
}

TEST_F(State, FollowsTheDoor) {
  EXPECT_TRUE(folded({event(EventType::kDoorClosed)}).door_closed);
  EXPECT_FALSE(folded({event(EventType::kDoorClosed)}).door_opened);
  EXPECT_TRUE(folded({event(EventType::kDoorClosed), event(EventType::kDoorOpened)}).door_opened);
}

TEST_F(State, RemembersWhoTurnedTheRunAndWhy) {
  const RunState state = folded({event(EventType::kRunTurned, {{"why", "a person asked"}, {"by_person", true}})});
  EXPECT_TRUE(state.turned);
  EXPECT_TRUE(state.turned_by_person);
  EXPECT_EQ(state.turned_why, "a person asked");
}

TEST_F(State, TellsAStopFromAnEnd) {
  RunState state = folded({stopped()});
  EXPECT_TRUE(state.stopped);
  EXPECT_FALSE(state.ended);
  EXPECT_EQ(state.exit, 4);
  state = folded({stopped(), event(EventType::kRunEnded, {{"result", "done"}, {"exit", 0}, {"why", "all is well"}})});
  EXPECT_FALSE(state.stopped);
  EXPECT_TRUE(state.ended);
  EXPECT_EQ(state.result, "done");
  EXPECT_EQ(state.exit, 0);
}

TEST_F(State, CountsOncePerStopThatTheRunWasTakenUpAgainWhateverCameNext) {
  EXPECT_EQ(folded({stopped()}).resumed, 0);
  EXPECT_EQ(folded({stopped(), stopped()}).resumed, 0) << "stopping again at once is no progress";
  EXPECT_EQ(folded({stopped(), intended("swap", "a1"), intended("swap", "a2")}).resumed, 1);
  EXPECT_EQ(folded({stopped(), ended("peep", OutcomeKind::kApplied)}).resumed, 1) << "a look needs no attempt";
  EXPECT_EQ(folded({stopped(), event(EventType::kQuestionAsked)}).resumed, 1);
  EXPECT_EQ(folded({stopped(), event(EventType::kRunTurned)}).resumed, 1);
  EXPECT_EQ(folded({stopped(), event(EventType::kRunEnded)}).resumed, 1);
  EXPECT_EQ(folded({stopped(), intended("swap", "a1"), stopped(), intended("swap", "a2")}).resumed, 2);
  EXPECT_EQ(folded({intended("swap", "a1"), intended("swap", "a2")}).resumed, 0) << "killed, not stopped";
}

TEST_F(State, HoldsTogetherInEveryOrderOfEvents) {
  const std::vector<Event> all = {intended("swap", "a1"),
                                  attempt_ended("swap"),
                                  ended("swap", OutcomeKind::kApplied, {{"n", 1}}),
                                  stopped(),
                                  event(EventType::kRunTurned, {{"why", "x"}}),
                                  event(EventType::kDoorClosed),
                                  event(EventType::kRunEnded, {{"result", "aborted"}})};
  std::vector<size_t> order(all.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  do {
    std::vector<Event> events;
    for (const size_t i : order) events.push_back(all[i]);
    const auto place = [&](size_t what) { return std::find(order.begin(), order.end(), what) - order.begin(); };
    const RunState state = folded(events);
    const PairState& at = state.at(pair("swap"));
    EXPECT_EQ(at.attempts, 1);
    EXPECT_EQ(at.last_attempt, "a1");
    EXPECT_EQ(at.attempt_ended, place(1) > place(0));
    EXPECT_EQ(at.outcome.has_value(), place(2) > place(0));
    EXPECT_EQ(state.evidence.count("swap"), 1U);
    EXPECT_TRUE(state.turned && state.ended && state.door_closed);
    EXPECT_EQ(state.stopped, order.back() == 3 || (place(3) > place(6) && state.resumed == 0));
    EXPECT_LE(state.resumed, 1);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(State, SurvivesBodiesThatSayNothing) {
  for (int type = 0; type <= static_cast<int>(EventType::kBackupDeleted); ++type)
    for (const Json& nonsense : {Json(), Json("text"), Json::array({1}), Json{{"outcome", 3}, {"step", 7}}})
      folded({event(static_cast<EventType>(type), nonsense)});
}

}  // namespace
}  // namespace backout::run
