// Doubt: connections lost, hosts gone, commands that hang. A timeout is Unknown, and only looking again resolves it.
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Doubt : ::testing::Test, FakeSite {
  void TearDown() override { check_promises(); }
  void one(const std::string& verb, OnUnknown choice = OnUnknown::kAsk) {
    Step step = fake_step("swap", Phase::kSwitch, verb, "db", "new");
    step.on_unknown = choice;
    local.set("db", "");
    plan_is({with_undo(step, "db", ""), fake_step("later", Phase::kStart, "set", "later", "yes")});
  }
  /// The first attempt of `swap` meets `how`; with `gone`, the host cannot be reached afterwards.
  void meets(Fault how, bool gone = false) {
    faults([=, this](const Try& each) {
      if (!each.is("swap") || each.number > 1) return Fault::kNone;
      if (gone) local.unreachable(50);
      return how;
    });
  }
};

TEST_F(Doubt, AConnectionLostInAnyMomentIsResolvedByLookingWhenTheHostIsBack) {
  for (const char* verb : {"set", "once"})
    for (const Fault how :
         {Fault::kLostRunning, Fault::kLostAfter, Fault::kVanished, Fault::kVanishedDone, Fault::kOrphan}) {
      FakeSite site;
      site.plan_is({fake_step("swap", Phase::kSwitch, verb, "db", "new")});
      site.faults([=](const Try& each) { return each.number == 1 ? how : Fault::kNone; });
      const Lived lived = site.live();
      EXPECT_EQ(lived.exit(), 0) << verb << " " << static_cast<int>(how) << ": " << lived.why();
      EXPECT_EQ(site.local.times_done("swap"), 1) << verb << " " << static_cast<int>(how);
      site.check_promises();
    }
}

TEST_F(Doubt, ACommandThatWasNotSeenToStartIsBegunByTheNextProcessOnly) {
  // Under the same token it may still start, late: two would run side by side. A newer token keeps it out.
  for (const Fault how : {Fault::kLostBefore, Fault::kLate}) {
    FakeSite site;
    site.plan_is({fake_step("swap", Phase::kSwitch, "once", "db", "new")});
    site.faults([=](const Try& each) { return each.number < 3 ? how : Fault::kNone; });
    for (int life = 1; life < 3; ++life) {
      EXPECT_EQ(site.live().exit(), 4);
      EXPECT_EQ(site.state().at({"swap", "local", Purpose::kApply}).attempts, life);
    }
    EXPECT_EQ(site.live().exit(), 0);
    EXPECT_EQ(site.local.times_done("swap"), 1);
    site.check_promises();
  }
}

TEST_F(Doubt, ACommandThatIsLostEachTimeIsGivenUpAfterThreeTries) {
  one("once");
  faults([](const Try& each) { return each.is("swap") ? Fault::kVanished : Fault::kNone; });
  EXPECT_NE(live().exit(), 0);
  EXPECT_EQ(state().at({"swap", "local", Purpose::kApply}).attempts, 3);
  EXPECT_THAT(unknown(), IsEmpty());
}

TEST_F(Doubt, AHostThatStaysAwayLeavesUnknownAndNothingFurtherBegins) {
  one("once");
  meets(Fault::kLostRunning, true);
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 4);
  EXPECT_EQ(lived.end->step, "swap");
  EXPECT_THAT(unknown(), ElementsAre("swap@local apply"));
  EXPECT_EQ(local.times_done("later"), 0);
}

TEST_F(Doubt, AnUnknownWhoseCommandStillRunsIsWaitedForAndNotBegunTwice) {
  one("once");
  meets(Fault::kLostRunning, true);
  EXPECT_EQ(live().exit(), 4);
  local.unreachable(0);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(local.times_done("swap"), 1);
  EXPECT_THAT(unknown(), IsEmpty());
}

TEST_F(Doubt, ALongWaitForgivesManyShortOutages) {
  one("once");
  meets(Fault::kLostRunning);
  int looks = 0;
  clock.on_wait = [&] {
    if (++looks % 2 == 1 && looks < 12) local.unreachable(1);
  };
  EXPECT_EQ(live().exit(), 0);
}

TEST_F(Doubt, ACommandThatIsStillRunningIsSaidToBeWaitedFor) {
  one("once");
  meets(Fault::kDieRunning);
  EXPECT_TRUE(live().died);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_THAT(progress.told, Contains(HasSubstr("still running, waiting")));
  EXPECT_EQ(local.times_done("swap"), 1);
}

TEST_F(Doubt, ACommandThatHangsIsEndedAndThenLookedAt) {
  one("once");
  meets(Fault::kHangDone);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_THAT(outcomes(), Contains("swap@local apply applied"));
}

TEST_F(Doubt, ACommandThatHangsAndDidNothingFails) {
  one("once");
  meets(Fault::kHang);
  EXPECT_EQ(live().exit(), 1);
  EXPECT_THAT(outcomes(), Contains("swap@local apply failed"));
}

TEST_F(Doubt, AHangWithoutAProbeIsUnknownAndWaitsForAPerson) {
  one("append");
  meets(Fault::kHangDone);
  EXPECT_EQ(live().exit(), 4);
  EXPECT_EQ(local.times_done("later"), 0);
  EXPECT_EQ(live().exit(), 4) << "nobody is there to be asked";
  EXPECT_THAT(asker.asked, Contains(HasSubstr("Do it again?")));
  asker.answer({false});
  EXPECT_EQ(live().exit(), 4);
  EXPECT_EQ(local.at("db"), "new");
  asker.answer({true});
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(local.at("db"), "newnew") << "a person said: do it again";
}

TEST_F(Doubt, WithOnUnknownRerunItIsDoneAgainWithoutAsking) {
  one("append", OnUnknown::kRerun);
  meets(Fault::kVanished);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(local.at("db"), "new");
  EXPECT_THAT(asker.asked, IsEmpty());
}

TEST_F(Doubt, WhatTheDriverCallsRepeatableIsDoneAgainWithoutAsking) {
  one("append-again");
  meets(Fault::kVanished);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_THAT(asker.asked, IsEmpty());
}

TEST_F(Doubt, WhatTheStepCallsRepeatableIsDoneAgainWithoutAsking) {
  one("append");
  plan.contract.steps[0].repeatable = true;  // a command of the user, who says so in backout.yaml
  meets(Fault::kVanished);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_THAT(asker.asked, IsEmpty());
}

TEST_F(Doubt, WhatTheStepCallsProbedIsLookedAtWhenItsCommandHangs) {
  struct Probed : FakeDriver {  // a command of the user: whether there is a probe is the step's word
    std::string_view name() const override { return "user"; }
    std::vector<driver::Verb> capabilities() const override { return {{"set", StepKind::kEffect, false, false}}; }
  };
  registry.add(std::make_unique<Probed>());
  one("set");
  plan.contract.steps[0].action.driver = "user";
  plan.contract.steps[0].has_probe = true;
  meets(Fault::kHangDone);
  EXPECT_EQ(live().exit(), 0);
}

TEST_F(Doubt, WithoutAProbeAPersonIsAskedBeforeALostCommandIsDoneAgain) {
  one("append");
  meets(Fault::kVanishedDone);
  asker.answer({false});
  EXPECT_EQ(live().exit(), 4);
  EXPECT_EQ(local.at("db"), "new");
  EXPECT_EQ(local.times_done("later"), 0);
}

TEST_F(Doubt, ALookThatCannotTellIsUnknownAndResolvedByTheNextLook) {
  plan_is({fake_step("before", Phase::kStart, "append", "x", "y"),
           fake_step("look", Phase::kCheck, "look", "db", "old"),
           fake_step("later", Phase::kOpen, "set", "later", "yes")});
  local.on_command = [this](const Try& each, const host::Command&) {
    if (each.is("before")) local.unreachable(1);
  };
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 4);
  EXPECT_EQ(local.times_done("later"), 0);
  EXPECT_EQ(live().exit(), 0);
}

TEST_F(Doubt, GivesADaemonThatIsStillBootingItsTimeBeforeStartingASecondOne) {
  Step start = fake_step("start", Phase::kStart, "once", "web", "up");
  start.patience = {5, Millis(1000)};
  plan_is({start});
  faults([](const Try& each) { return each.is("start") ? Fault::kVanished : Fault::kNone; });
  int waits = 0;
  clock.on_wait = [&] {
    if (++waits == 2) local.set("web", "up");  // what the lost command had begun comes up
  };
  EXPECT_EQ(live().exit(), 0);
  EXPECT_EQ(local.times_done("start"), 0);
  EXPECT_THAT(outcomes(), ElementsAre("start@local apply already-done"));
}

TEST_F(Doubt, AfterADeathACommandGetsTheTimeThatItWasGiven) {
  struct Slow : FakeDriver {
    std::string_view name() const override { return "slow"; }
    Result<host::Command> command(const Action& action, const host::Host& host) const override {
      auto made = FakeDriver::command(action, host);
      made->timeout = Millis(600'000);
      return made;
    }
  };
  registry.add(std::make_unique<Slow>());
  one("once");
  plan.contract.steps[0].action.driver = "slow";
  plan.contract.steps[0].timeout = Millis(1000);
  meets(Fault::kDieRunning);
  EXPECT_TRUE(live().died);
  clock.pass(Millis(30'000));
  EXPECT_EQ(live().exit(), 0) << "ended a command 30 s into its 10 minutes";
  EXPECT_EQ(local.times_done("swap"), 1);
}

TEST_F(Doubt, AfterADeathACommandThatRanTooLongIsEnded) {
  one("once");
  meets(Fault::kDieRunning);
  EXPECT_TRUE(live().died);
  clock.pass(Millis(61'000));
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 1) << lived.why();
  EXPECT_THAT(progress.told, Contains(HasSubstr("ran longer than")));
  EXPECT_EQ(local.times_done("swap"), 0);
}

}  // namespace
}  // namespace backout::run
