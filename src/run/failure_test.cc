// Steps that fail: what is put back, what stops, what the exit status says.
#include "run/ways.h"
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

struct Failure : ::testing::Test, FakeSite {
  void TearDown() override { check_promises(); }
  void fails(const std::string& step, Fault how = Fault::kFail) {
    faults([=](const Try& each) { return each.is(step) ? how : Fault::kNone; });
  }
};

TEST_F(Failure, InPrepareIsUndoneAndExitsWithOne) {
  for (const OnFailedCheck choice : {OnFailedCheck::kAbort, OnFailedCheck::kHold, OnFailedCheck::kAsk}) {
    FakeSite site;
    site.plan_is(shop_rollback(), choice);
    site.faults([](const Try& each) { return each.is("build") ? Fault::kFail : Fault::kNone; });
    const Lived lived = site.live();
    EXPECT_EQ(lived.exit(), 1);
    EXPECT_EQ(lived.result(), "aborted");
    EXPECT_TRUE(is_old(site));
    EXPECT_EQ(site.local.at("saved"), "no");
    EXPECT_EQ(site.count(EventType::kDoorClosed), 0);
    EXPECT_TRUE(site.asker.asked.empty()) << "the site was not touched: there is nothing to ask";
    site.check_promises();
  }
}

TEST_F(Failure, SaysWhichStepOnWhichHostAndWhy) {
  plan_is(shop_rollback());
  faults([](const Try& each) { return each.is("switch") && each.machine == "web-2" ? Fault::kFail : Fault::kNone; });
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 1);
  EXPECT_THAT(lived.why(), HasSubstr("'switch' on web-2"));
  EXPECT_THAT(lived.why(), HasSubstr("did not work"));
}

TEST_F(Failure, BeforeTheDoorOpensIsPutBackInReverseByDefault) {
  for (const char* step : {"close", "stop", "rows", "swap", "switch", "start"}) {
    for (const Fault how : {Fault::kFail, Fault::kFailDone}) {
      FakeSite site;
      site.plan_is(shop_rollback());
      site.faults([=](const Try& each) { return each.is(step) ? how : Fault::kNone; });
      const Lived lived = site.live();
      EXPECT_EQ(lived.exit(), 1) << step << ": " << lived.why();
      EXPECT_TRUE(is_old(site)) << step;
      EXPECT_EQ(site.live().exit(), 1) << "nothing is left to do";
      site.check_promises();
    }
  }
}

TEST_F(Failure, OfACheckAbortsByDefault) {
  std::vector<Step> steps = shop_rollback();
  steps[8].action = fake_action("look", "web", "better");
  plan_is(std::move(steps));
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 1);
  EXPECT_TRUE(is_old(*this));
  EXPECT_THAT(lived.why(), HasSubstr("expected web to be better, it is new"));
}

struct FailedCheck : Failure {
  void look_fails(OnFailedCheck choice) {
    std::vector<Step> steps = shop_rollback();
    steps[8].action = fake_action("look", "healthy", "yes");
    plan_is(std::move(steps), choice);
  }
};

TEST_F(FailedCheck, WithHoldKeepsTheDoorClosedAndExitsWithFive) {
  look_fails(OnFailedCheck::kHold);
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(local.at("door"), "closed");
  EXPECT_FALSE(state().ended);
  EXPECT_EQ(live().exit(), 5) << "carrying on alone does not make it pass";
  web1.set("healthy", "yes");
  web2.set("healthy", "yes");
  EXPECT_EQ(live(Wish::kTryAgain).exit(), 0) << "a retry looks again";
  EXPECT_TRUE(is_new(*this));
}

TEST_F(FailedCheck, WithHoldCanStillBePutBackByAPerson) {
  look_fails(OnFailedCheck::kHold);
  EXPECT_EQ(live().exit(), 5);
  const Lived aborted = live(Wish::kTurnBack);
  EXPECT_EQ(aborted.exit(), 0);
  EXPECT_EQ(aborted.result(), "aborted");
  EXPECT_TRUE(is_old(*this));
}

TEST_F(FailedCheck, WithAskDoesWhatThePersonSays) {
  look_fails(OnFailedCheck::kAsk);
  asker.answer({true});
  EXPECT_EQ(live().exit(), 1);
  EXPECT_TRUE(is_old(*this));
  ASSERT_EQ(asker.asked.size(), 1U);
  EXPECT_THAT(asker.asked[0], HasSubstr("Put everything back?"));
}

TEST_F(FailedCheck, WithAskHoldsWhenThePersonSaysNoOrNobodyIsThere) {
  look_fails(OnFailedCheck::kAsk);
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(local.at("door"), "closed");
  asker.answer({false});
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(local.at("door"), "closed");
}

TEST_F(FailedCheck, IsTriedAsOftenAsItSaysBeforeItCounts) {
  std::vector<Step> steps = shop_rollback();
  steps[8].action = fake_action("look", "healthy", "yes");
  steps[8].hosts = {"web-1"};
  steps[8].patience = {4, Millis(500)};
  plan_is(std::move(steps));
  int waits = 0;
  clock.on_wait = [&] {
    if (++waits == 3) web1.set("healthy", "yes");
  };
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(waits, 3);
  EXPECT_THAT(progress.told, Contains(HasSubstr("attempt 3/4: expected healthy to be yes")));
}

TEST_F(FailedCheck, IsNotWaitedForWhenWhatFailedWasGivenUp) {
  std::vector<Step> steps = shop_rollback();
  steps[8].action = fake_action("look", "healthy", "yes");
  steps[8].hosts = {"web-1"};
  steps[8].patience = {60, Millis(250)};
  plan_is(std::move(steps));
  int waits = 0;
  clock.on_wait = [&] {
    if (++waits == 3) web1.set("healthy", "given up");
  };
  EXPECT_EQ(live().exit(), 1);
  EXPECT_LT(waits, 8);
  EXPECT_GT(waits, 4) << "one look alone is not believed";
}

TEST_F(Failure, AfterOpeningThatCannotBeLookedAtIsNotPutBackAndARetryWorks) {
  for (const char* verb : {"append-again", "murky"}) {
    FakeSite site;
    std::vector<Step> steps = shop_rollback();
    steps[9].action.verb = verb;
    site.plan_is(std::move(steps));
    site.faults([](const Try& each) { return each.is("open") ? Fault::kFail : Fault::kNone; });
    EXPECT_EQ(site.live().exit(), 5);
    EXPECT_EQ(site.local.at("db"), "new");
    EXPECT_EQ(ways_out(site.state(), site.plan).abort, Abort::kIfClosed);
    EXPECT_EQ(users(site.state(), site.plan), Users::kUnknown);
    EXPECT_THAT(about_the_door(site.state(), site.plan), HasSubstr("failed; whether users are inside is not known"));
    EXPECT_THAT(next_steps(ways_out(site.state(), site.plan)), Not(HasSubstr("abort")));
    const Lived refused = site.live(Wish::kTurnBack);
    ASSERT_FALSE(refused.end);
    EXPECT_EQ(refused.end.error().code, Code::kRefused);
    EXPECT_THAT(refused.end.error().next, HasSubstr("backout rollback --forward"));
    EXPECT_THAT(refused.end.error().next, Not(HasSubstr("abort")));
    EXPECT_EQ(site.live().exit(), 5) << "carrying on gives up on what failed";
  }
  plan_is(shop_rollback());
  fails("open", Fault::kFail);
  EXPECT_EQ(live().exit(), 5);
  no_faults();
  EXPECT_EQ(live(Wish::kTryAgain).exit(), 0);
  EXPECT_TRUE(is_new(*this));
}

TEST_F(Failure, OfOpeningIsPutBackWhenTheDoorIsSeenClosed) {
  plan_is(shop_rollback());
  fails("open", Fault::kFail);
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(users(state(), plan), Users::kOutside);
  EXPECT_EQ(ways_out(state(), plan).abort, Abort::kYes);
  EXPECT_TRUE(ways_out(state(), plan).replace) << "a mended backout.yaml must be a way out too";
  no_faults();
  const Lived aborted = live(Wish::kTurnBack);
  EXPECT_EQ(aborted.exit(), 0) << aborted.why();
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Failure, OfClosingLeavesInDoubtWhereUsersAre) {
  std::vector<Step> steps = shop_rollback();
  steps[2].action.verb = "murky";
  plan_is(std::move(steps));
  EXPECT_EQ(live().exit(), 4);
  EXPECT_EQ(users(state(), plan), Users::kUnknown);
  EXPECT_THAT(about_the_door(state(), plan), HasSubstr("closing the door was begun"));
  EXPECT_EQ(ways_out(state(), plan).abort, Abort::kYes);
}

TEST_F(Failure, OfAServiceWhereThereIsNoDoorSpeaksOfNone) {
  const auto without_door = [] {
    std::vector<Step> steps = shop_rollback();
    std::erase_if(steps, [](const Step& step) { return step.id.str() == "close" || step.id.str() == "open"; });
    for (Step& step : steps) std::erase(step.needs, StepId("close"));
    return steps;
  };
  FakeSite stopping;
  std::vector<Step> steps = without_door();
  for (Step& step : steps)
    if (step.id.str() == "stop") step.action.verb = "murky";
  stopping.plan_is(std::move(steps));
  EXPECT_EQ(stopping.live().exit(), 4);
  EXPECT_EQ(about_the_door(stopping.state(), stopping.plan),
            "stopping services was begun; whether users are inside is not known");

  FakeSite failing;
  failing.plan_is(without_door(), OnFailedCheck::kHold);
  failing.faults([](const Try& each) { return each.is("stop") ? Fault::kFail : Fault::kNone; });
  EXPECT_EQ(failing.live().exit(), 5);
  EXPECT_EQ(about_the_door(failing.state(), failing.plan),
            "stopping services failed; whether users are inside is not known");

  FakeSite switching;
  switching.plan_is(without_door(), OnFailedCheck::kHold);
  switching.faults([](const Try& each) { return each.is("switch") ? Fault::kFail : Fault::kNone; });
  EXPECT_EQ(switching.live().exit(), 5);
  EXPECT_EQ(users(switching.state(), switching.plan), Users::kOutside);
  EXPECT_THAT(about_the_door(switching.state(), switching.plan), HasSubstr("services are stopped since "));

  plan_is(without_door(), OnFailedCheck::kHold);
  fails("start", Fault::kFail);
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(users(state(), plan), Users::kUnknown);
  EXPECT_EQ(about_the_door(state(), plan), "starting services failed; whether users are inside is not known");

  FakeSite looking;
  steps = without_door();
  for (Step& step : steps)
    if (step.id.str() == "look") step.action = fake_action("look", "healthy", "yes");
  looking.plan_is(std::move(steps), OnFailedCheck::kHold);
  EXPECT_EQ(looking.live().exit(), 5);
  EXPECT_EQ(about_the_door(looking.state(), looking.plan),
            "services were started again, and there is no door: users may be inside");
}

TEST_F(Failure, OfOpeningIsNotPutBackWhenTheDoorWasSeenOpenOnce) {
  plan_is(shop_rollback());
  fails("open", Fault::kFailDone);
  EXPECT_EQ(live().exit(), 5) << "its exit status is believed";
  EXPECT_EQ(users(state(), plan), Users::kUnknown);
  EXPECT_THAT(about_the_door(state(), plan), HasSubstr("seen open"));
  local.set("door", "closed");  // by hand, later
  const Lived refused = live(Wish::kTurnBack);
  ASSERT_FALSE(refused.end);
  EXPECT_EQ(refused.end.error().code, Code::kRefused);
}

TEST_F(Failure, OfOpeningTheDoorAgainLeavesAWayOut) {
  faults([](const Try& each) { return each.is("close", "undo") ? Fault::kFail : Fault::kNone; });
  std::vector<Step> steps = shop_rollback();
  steps[8] = fake_step("look", Phase::kCheck, "look", "healthy", "yes", {"web-1"});
  plan_is(std::move(steps));
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(local.at("db"), "old");
  EXPECT_EQ(local.at("door"), "closed");
  EXPECT_EQ(users(state(), plan), Users::kOutside);
  EXPECT_TRUE(ways_out(state(), plan).replace);
  EXPECT_TRUE(live(Wish::kConclude).end->ended);
}

TEST_F(Failure, OfAnyUndoLeavesAWayOutAndSaysWhatIsNotPutBack) {
  std::vector<Step> steps = shop_rollback();
  steps[8] = fake_step("look", Phase::kCheck, "look", "healthy", "yes", {"web-1"});
  plan_is(std::move(steps));
  faults([](const Try& each) { return each.is("swap", "undo") ? Fault::kFail : Fault::kNone; });
  EXPECT_EQ(live().exit(), 5);
  EXPECT_TRUE(ways_out(state(), plan).replace);
  EXPECT_THAT(next_steps(ways_out(state(), plan)), HasSubstr("backout rollback --reason"));
  const Lived closed = live(Wish::kConclude);
  EXPECT_TRUE(closed.end->ended);
  EXPECT_EQ(closed.exit(), 5);
  EXPECT_THAT(closed.why(), HasSubstr("NOT put back: 'swap' on local"));
}

TEST_F(Failure, OfAnUndoThatWasNeverTriedIsNotReplaced) {
  std::vector<Step> steps = shop_rollback();
  steps[8] = fake_step("look", Phase::kCheck, "look", "healthy", "yes", {"web-1"});
  plan_is(std::move(steps));
  faults([](const Try& each) { return each.is("swap", "undo") ? Fault::kDieBefore : Fault::kNone; });
  EXPECT_TRUE(live().died);
  EXPECT_FALSE(ways_out(state(), plan).replace) << "resume puts it back";
}

TEST_F(Failure, WhileSettlingExitsWithFiveAndARetryWorks) {
  std::vector<Step> steps = shop_rollback();
  steps.push_back(fake_step("tidy", Phase::kSettle, "set", "tidy", "yes"));
  plan_is(std::move(steps));
  fails("tidy");
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(count(EventType::kDoorOpened), 1);
  no_faults();
  EXPECT_EQ(live(Wish::kTryAgain).exit(), 0);
}

TEST_F(Failure, OfADeployCommandIsNeverUndoneAndSaysUnverified) {
  std::vector<Step> steps = {fake_step("save", Phase::kPrepare, "once", "saved", "yes"),
                             fake_step("deploy", Phase::kSwitch, "append", "deployed", "v2")};
  plan_is(steps, OnFailedCheck::kAbort, RunKind::kDeploy);
  fails("deploy", Fault::kFailDone);
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 5);
  EXPECT_EQ(lived.result(), "unverified");
  EXPECT_EQ(local.at("deployed"), "v2");
  EXPECT_EQ(local.at("saved"), "yes");
}

TEST_F(Failure, OnAFullDiskAtTheTargetIsAFailureOfTheStep) {
  plan_is(shop_rollback());
  fails("swap", Fault::kFull);
  EXPECT_EQ(live().exit(), 1);
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Failure, OfOneHostWaitsForTheOthersSoThatEveryOutcomeIsKnown) {
  jobs = 2;
  plan_is(shop_rollback());
  faults([](const Try& each) { return each.is("switch") && each.machine == "web-1" ? Fault::kFail : Fault::kNone; });
  EXPECT_EQ(live().exit(), 1);
  EXPECT_TRUE(is_old(*this));
  EXPECT_THAT(outcomes(), Contains("switch@web-1 apply failed"));
  EXPECT_TRUE(unknown().empty());
}

TEST_F(Failure, ToAskAPersonWhenNobodyIsThereStopsResumable) {
  Step ask = fake_step("ask", Phase::kPrepare, "set", "x", "y");
  ask.kind = StepKind::kAsk;
  ask.action = {"ask", "ask", {{"question", "Is the queue empty?"}, {"role", "operator"}}};
  plan_is({ask, fake_step("switch", Phase::kSwitch, "set", "code", "new")});
  EXPECT_EQ(live().exit(), 4);
  EXPECT_EQ(begun(), 0);
  asker.answer({true});
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(asker.asked.back(), "operator: Is the queue empty?");
  EXPECT_EQ(count(EventType::kQuestionAsked), 2);
  EXPECT_EQ(count(EventType::kQuestionAnswered), 1);
}

TEST_F(Failure, OfAQuestionAnsweredWithNoIsAFailureOfTheStep) {
  Step ask = fake_step("ask", Phase::kPrepare, "set", "x", "y");
  ask.kind = StepKind::kAsk;
  ask.action = {"ask", "ask", {{"question", "Go on?"}}};
  plan_is({ask, fake_step("switch", Phase::kSwitch, "set", "code", "new")});
  asker.answer({false});
  EXPECT_EQ(live().exit(), 1);
  EXPECT_EQ(begun(), 0);
}

TEST_F(Failure, NeverAsksTwoThingsAtOnce) {
  jobs = 4;
  std::vector<Step> steps;
  for (const char* id : {"a", "b", "c", "d"}) {
    Step ask = fake_step(id, Phase::kPrepare, "set", "x", "y");
    ask.kind = StepKind::kAsk;
    ask.action = {"ask", "ask", {{"question", id}}};
    steps.push_back(std::move(ask));
  }
  plan_is(std::move(steps));
  asker.answer({true}, true);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(asker.asked.size(), 4U);
}

}  // namespace
}  // namespace backout::run
