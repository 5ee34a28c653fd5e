// Conclude: a run that was left is closed by the next one. What was begun is found out, and nothing is begun.
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Conclude : ::testing::Test, FakeSite {
  Conclude() {
    Step deploy = fake_step("deploy", Phase::kSwitch, "append", "deployed", "v2");
    plan_is({fake_step("save", Phase::kPrepare, "once", "saved", "yes"), deploy,
             fake_step("look", Phase::kCheck, "look", "deployed", "v2")},
            OnFailedCheck::kAbort, RunKind::kDeploy);
  }
  void TearDown() override { check_promises(); }
  /// A deploy whose command meets `how`, dies, and is concluded by the next process.
  Lived concluded(Fault how) {
    faults([=](const Try& each) { return each.is("deploy") ? how : Fault::kNone; });
    EXPECT_TRUE(live().died);
    no_faults();
    begun_before = begun();
    return live(Wish::kConclude);
  }
  OutcomeKind deploy_outcome() {
    const RunState now = state();
    const auto& outcome = now.at({"deploy", "local", Purpose::kApply}).outcome;
    EXPECT_TRUE(outcome);
    return outcome ? outcome->kind : OutcomeKind::kUnknown;
  }
  int begun_before = 0;
};

TEST_F(Conclude, SaysThatTheCommandFinishedWhenItDid) {
  const Lived lived = concluded(Fault::kDieAfter);
  EXPECT_TRUE(lived.end->ended);
  EXPECT_EQ(lived.exit(), 5);
  EXPECT_EQ(lived.result(), "unverified");
  EXPECT_EQ(deploy_outcome(), OutcomeKind::kApplied);
  EXPECT_EQ(begun(), begun_before);
}

TEST_F(Conclude, WaitsForACommandThatStillRuns) {
  const Lived lived = concluded(Fault::kDieRunning);
  EXPECT_TRUE(lived.end->ended);
  EXPECT_EQ(deploy_outcome(), OutcomeKind::kApplied);
  EXPECT_EQ(local.at("deployed"), "v2");
}

TEST_F(Conclude, NeverBeginsACommandThatHadNotStarted) {
  concluded(Fault::kDieBefore);
  EXPECT_EQ(begun(), begun_before);
  EXPECT_EQ(local.at("deployed"), "") << "deployed on the way to something else";
  EXPECT_EQ(deploy_outcome(), OutcomeKind::kFailed);
}

TEST_F(Conclude, NeverRepeatsACommandThatWasLost) {
  plan.contract.steps[1].on_unknown = OnUnknown::kRerun;
  concluded(Fault::kDieVanished);
  EXPECT_EQ(begun(), begun_before);
  EXPECT_EQ(local.at("deployed"), "");
  EXPECT_EQ(deploy_outcome(), OutcomeKind::kUnknown);
  EXPECT_THAT(asker.asked, IsEmpty());
}

TEST_F(Conclude, BelievesAProbeAndDoesNotMendWhatItSees) {
  plan.contract.steps[1].action.verb = "once";
  concluded(Fault::kDieVanished);
  EXPECT_EQ(deploy_outcome(), OutcomeKind::kFailed);
  EXPECT_EQ(begun(), begun_before);
}

TEST_F(Conclude, FindsAProbedEffectThatWasDoneBeforeItWasLost) {
  plan.contract.steps[1].action.verb = "once";
  concluded(Fault::kDieVanishedDone);
  EXPECT_EQ(deploy_outcome(), OutcomeKind::kAlreadyDone);
}

TEST_F(Conclude, FindsOutWhatBecameOfAnUndoToo) {
  std::vector<Step> steps = shop_rollback();
  std::erase_if(steps, [](const Step& each) { return each.phase == Phase::kClose; });
  plan_is(std::move(steps));
  faults([](const Try& each) {
    if (each.is("start")) return Fault::kFail;
    return each.is("swap", "undo") ? Fault::kDieRunning : Fault::kNone;
  });
  EXPECT_TRUE(live().died);
  no_faults();
  const Lived lived = live(Wish::kConclude);
  EXPECT_TRUE(lived.end->ended);
  EXPECT_THAT(unknown(), IsEmpty());
}

TEST_F(Conclude, StopsResumableWhenTheHostCannotBeReached) {
  faults([](const Try& each) { return each.is("deploy") ? Fault::kDieRunning : Fault::kNone; });
  EXPECT_TRUE(live().died);
  no_faults();
  std::stop_source stop;
  clock.on_wait = [&] { stop.request_stop(); };
  const Lived lived = live(Wish::kConclude, -1, stop.get_token());
  EXPECT_EQ(lived.exit(), 4);
  EXPECT_FALSE(lived.end->ended) << "its command still runs: nothing may be concluded";
  clock.on_wait = nullptr;
  EXPECT_TRUE(live(Wish::kConclude).end->ended);
}

TEST_F(Conclude, PastTheChecksWritesDownWhatRunsAndKeepsWhatTheWayBackNeeds) {
  std::vector<Step> steps = shop_rollback();
  steps.push_back(fake_step("keep", Phase::kSettle, "set", "kept", "yes"));
  steps.push_back(fake_step("tidy", Phase::kSettle, "set", "tidy", "yes"));
  steps.push_back(after(fake_record("record-kept", Phase::kSettle, EventType::kNote, {{"text", "kept"}}), {"keep"}));
  plan_is(std::move(steps));
  faults([](const Try& each) { return each.is("open") ? Fault::kFail : Fault::kNone; });
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(count(EventType::kNote), 0);
  no_faults();
  const Lived lived = live(Wish::kConclude);
  EXPECT_TRUE(lived.end->ended);
  EXPECT_EQ(lived.exit(), 5);
  EXPECT_EQ(count(EventType::kNote), 2);
  EXPECT_EQ(local.at("kept"), "yes");
  EXPECT_EQ(local.at("tidy"), "") << "nothing else is begun";
  EXPECT_EQ(local.at("door"), "closed");
}

TEST_F(Conclude, LeavesOutTheRecordOfWhatCannotBeKept) {
  std::vector<Step> steps = shop_rollback();
  steps.push_back(fake_step("keep", Phase::kSettle, "set", "kept", "yes"));
  steps.push_back(after(fake_record("record-kept", Phase::kSettle, EventType::kNote, {{"text", "kept"}}), {"keep"}));
  plan_is(std::move(steps));
  faults([](const Try& each) { return each.is("open") || each.is("keep") ? Fault::kFail : Fault::kNone; });
  EXPECT_EQ(live().exit(), 5);
  EXPECT_TRUE(live(Wish::kConclude).end->ended);
  EXPECT_EQ(count(EventType::kNote), 1);
}

TEST_F(Conclude, OfADeployKilledAtAnyAppendBeginsNothingAndEnds) {
  for (int n = 1;; ++n) {
    FakeSite site;
    site.plan = plan;
    if (!site.live(Wish::kCarryOn, n).died || site.state().ended) break;
    const int begun = site.begun();
    const Lived lived = site.live(Wish::kConclude);
    EXPECT_TRUE(lived.end->ended) << n;
    EXPECT_EQ(lived.exit(), 5) << n;
    EXPECT_EQ(site.begun(), begun) << n;
    EXPECT_THAT(site.unknown(), IsEmpty()) << n;
    site.check_promises();
  }
}

}  // namespace
}  // namespace backout::run
