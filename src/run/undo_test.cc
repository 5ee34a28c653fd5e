// Putting back: order, what cannot be, what fails on the way.
#include "run/ways.h"
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Undo : ::testing::Test, FakeSite {
  void TearDown() override { check_promises(); }
  std::vector<std::string> undone() {
    std::vector<std::string> all;
    for (const std::string& each : outcomes())
      if (each.find(" undo ") != std::string::npos) all.push_back(each.substr(0, each.find(' ')));
    return all;
  }
  void fails(const std::string& step, const std::string& purpose = "apply") {
    faults([=](const Try& each) { return each.is(step, purpose) ? Fault::kFail : Fault::kNone; });
  }
  void start_fails_and_so_does_the_undo_of(const std::string& step) {
    faults([=](const Try& each) { return each.is("start") || each.is(step, "undo") ? Fault::kFail : Fault::kNone; });
  }
};

TEST_F(Undo, GoesBackInReverseOrderOverWhatWasTouchedAndNothingElse) {
  plan_is(shop_rollback());
  fails("switch");
  EXPECT_EQ(live().exit(), 1);
  EXPECT_THAT(undone(),
              ElementsAre("switch@web-1", "swap@local", "stop@web-1", "stop@web-2", "close@local", "save@local"));
}

TEST_F(Undo, OfAStepThatFailedHalfWayIsRunToo) {
  plan_is({with_undo(fake_step("half", Phase::kSwitch, "append", "half", "done"), "half", "undone")});
  faults([](const Try& each) { return each.is("half") ? Fault::kFailDone : Fault::kNone; });
  EXPECT_EQ(live().exit(), 1);
  EXPECT_EQ(local.at("half"), "undone");
}

TEST_F(Undo, NamesEveryStepThatHasNoneAndExitsWithFive) {
  std::vector<Step> steps = shop_rollback();
  steps.push_back(fake_step("flush-cache", Phase::kSwitch, "append", "cache", "flushed", {"web-1", "web-2"}));
  plan_is(std::move(steps));
  fails("start");
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 5);
  EXPECT_TRUE(lived.end->ended);
  EXPECT_THAT(lived.why(), HasSubstr("'flush-cache' on web-1"));
  EXPECT_THAT(lived.why(), HasSubstr("'flush-cache' on web-2"));
  EXPECT_THAT(lived.why(), Not(HasSubstr("'build'"))) << "prepare leaves things beside the site only";
  EXPECT_THAT(lived.why(), Not(HasSubstr("'rows'"))) << "so does what is carried into a file that is not in use yet";
  EXPECT_EQ(local.at("db"), "old");
}

TEST_F(Undo, ThatDidNotLeaveItAsItWasFoundSaysSoAndExitsWithFive) {
  Step brings = fake_step("bring", Phase::kSwitch, "append", "all", "new");
  brings.undo = Action{"fake", "say", {{"text", R"({"not_as_found": ["web-3 ran v1"]})"}}};
  plan_is({brings, fake_step("start", Phase::kStart, "set", "web", "new")});
  fails("start");
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 5);
  EXPECT_TRUE(lived.end->ended);
  EXPECT_EQ(lived.end->result, "aborted");
  EXPECT_THAT(lived.why(), HasSubstr("put back, but not as it was found: web-3 ran v1"));
}

TEST_F(Undo, WhoseStepNeverBeganPutsNothingElsewhere) {
  Step brings = fake_step("bring", Phase::kSwitch, "append", "all", "new");
  brings.undo = Action{"fake", "say", {{"text", R"({"not_as_found": ["web-3 ran v1"]})"}}};
  plan_is({fake_step("close", Phase::kClose, "set", "door", "closed"), brings});
  fails("close");
  EXPECT_EQ(live().exit(), 5) << "closing has no undo here";
  EXPECT_THAT(state().why, Not(HasSubstr("web-3 ran v1")));
}

TEST_F(Undo, ThatFailsStopsThereWithFiveAndIsTakenUpAgain) {
  plan_is(shop_rollback());
  start_fails_and_so_does_the_undo_of("swap");
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 5);
  EXPECT_FALSE(lived.end->ended);
  EXPECT_EQ(lived.end->step, "swap");
  EXPECT_THAT(lived.why(), HasSubstr("could not put back 'swap' on local"));
  EXPECT_EQ(local.at("door"), "closed") << "the door stays closed in front of half a site";
  EXPECT_EQ(live().exit(), 5) << "it is tried again by each resume";
  no_faults();
  const int switched_back = web1.times_done("switch", "undo");
  EXPECT_EQ(live().exit(), 1);
  EXPECT_EQ(web1.times_done("switch", "undo"), switched_back) << "what was put back is not put back twice";
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Undo, OfWhatLiesBesideTheSiteMayFailWhileUsersAreInsideAgain) {
  plan_is(shop_rollback());
  start_fails_and_so_does_the_undo_of("save");
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(local.at("door"), "open");
  EXPECT_EQ(users(state(), plan), Users::kInside) << "they are told where they are";
  no_faults();
  EXPECT_EQ(live().exit(), 1);
  EXPECT_EQ(count(EventType::kDoorOpened), 1);
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Undo, ThatFailsAgainIsLeftWhenAPersonSaysSoAndTheRestIsPutBack) {
  plan_is(shop_rollback());
  start_fails_and_so_does_the_undo_of("swap");
  asker.answer({true}, true);
  EXPECT_EQ(live().exit(), 5);
  EXPECT_THAT(asker.asked, IsEmpty()) << "it may work the next time";
  const Lived lived = live();
  EXPECT_TRUE(lived.end->ended);
  EXPECT_EQ(lived.exit(), 5) << "not restored";
  EXPECT_THAT(lived.why(), HasSubstr("NOT put back, left as it is: 'swap' on local"));
  EXPECT_EQ(web1.at("web"), "old");
  EXPECT_EQ(local.at("door"), "open");
}

TEST_F(Undo, ThatCannotEvenBeBegunIsOneThatFailedAndLeavesAWayOut) {
  std::vector<Step> steps = shop_rollback();
  for (Step& step : steps)
    if (step.id.str() == "swap") step.undo->verb = "of-an-older-version";
  plan_is(std::move(steps));
  fails("start");
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 5);
  EXPECT_THAT(lived.why(), HasSubstr("could not put back 'swap' on local: driver"));
  EXPECT_TRUE(ways_out(state(), plan).replace);
  const Lived closed = live(Wish::kConclude);
  EXPECT_TRUE(closed.end->ended);
  EXPECT_THAT(closed.why(), HasSubstr("NOT put back: 'swap' on local"));
}

TEST_F(Undo, ThatFailsAgainIsNotLeftWhenAPersonSaysNo) {
  plan_is(shop_rollback());
  start_fails_and_so_does_the_undo_of("swap");
  asker.answer({false}, true);
  EXPECT_EQ(live().exit(), 5);
  EXPECT_FALSE(live().end->ended);
  EXPECT_EQ(local.at("door"), "closed");
}

TEST_F(Undo, ThatTellsALieStops) {
  std::vector<Step> steps = shop_rollback();
  for (Step& step : steps)
    if (step.id.str() == "swap") step.undo->verb = "lie";
  plan_is(std::move(steps));
  fails("start");
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(local.at("door"), "closed");
}

TEST_F(Undo, WhoseOutcomeIsUnknownStopsWithFourAndIsResolvedByResume) {
  plan_is(shop_rollback());
  faults([&](const Try& each) {
    if (each.is("start")) return Fault::kFail;
    if (!each.is("swap", "undo")) return Fault::kNone;
    local.unreachable(50);
    return Fault::kLostRunning;
  });
  EXPECT_EQ(live().exit(), 4);
  EXPECT_THAT(unknown(), ElementsAre("swap@local undo"));
  local.unreachable(0);
  no_faults();
  EXPECT_EQ(live().exit(), 1);
  EXPECT_TRUE(is_old(*this));
  EXPECT_EQ(local.times_done("swap", "undo"), 1);
}

TEST_F(Undo, EndsACommandThatStillRunsBeforeItIsUndone) {
  plan_is(shop_rollback());
  faults([](const Try& each) { return each.is("swap") ? Fault::kDieRunning : Fault::kNone; });
  EXPECT_TRUE(live().died);
  no_faults();
  EXPECT_EQ(live(Wish::kTurnBack).exit(), 0);
  EXPECT_EQ(local.times_done("swap"), 0) << "it was ended before it had its effect";
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Undo, EndsWhatLivesOfACommandWhoseShimIsGone) {
  plan_is(shop_rollback());
  faults([&](const Try& each) {
    if (each.is("swap")) local.unreachable(50);
    return each.is("swap") ? Fault::kOrphan : Fault::kNone;
  });
  EXPECT_EQ(live().exit(), 4);
  local.unreachable(0);
  no_faults();
  live(Wish::kTurnBack);
  EXPECT_FALSE(local.anything_runs());
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Undo, EndsACommandThatMayStillRunBehindAnUnknown) {
  plan_is(shop_rollback());
  faults([&](const Try& each) {
    if (!each.is("swap")) return Fault::kNone;
    local.unreachable(50);  // the network is gone for a while
    return Fault::kLostRunning;
  });
  EXPECT_EQ(live().exit(), 4);
  EXPECT_THAT(unknown(), ElementsAre("swap@local apply"));
  local.unreachable(0);
  no_faults();
  live(Wish::kTurnBack);
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Undo, OfAStepThatNeverStartedIsNotRun) {
  plan_is(shop_rollback());
  faults([](const Try& each) { return each.is("swap") ? Fault::kDieBefore : Fault::kNone; });
  EXPECT_TRUE(live().died);
  no_faults();
  live(Wish::kTurnBack);
  EXPECT_EQ(local.times_done("swap", "undo"), 0);
  EXPECT_TRUE(is_old(*this));
  EXPECT_THAT(unknown(), IsEmpty()) << "the journal says what became of the intent";
}

TEST_F(Undo, OfAStepWhoseSecondTryNeverStartedStillUndoesTheFirst) {
  plan_is(shop_rollback(), OnFailedCheck::kHold);
  faults([](const Try& each) { return each.is("swap") ? Fault::kFailDone : Fault::kNone; });
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(local.at("db"), "new") << "it failed after its effect";
  faults([](const Try& each) { return each.is("swap") ? Fault::kDieBefore : Fault::kNone; });
  EXPECT_TRUE(live(Wish::kTryAgain).died);
  no_faults();
  live(Wish::kTurnBack);
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Undo, AskedForByAPersonExitsWithZero) {
  plan_is(shop_rollback());
  faults([](const Try& each) { return each.is("start") ? Fault::kDieAfter : Fault::kNone; });
  EXPECT_TRUE(live().died);
  no_faults();
  const Lived lived = live(Wish::kTurnBack);
  EXPECT_EQ(lived.exit(), 0);
  EXPECT_EQ(lived.result(), "aborted");
  EXPECT_TRUE(is_old(*this));
}

TEST_F(Undo, AfterARebootStartsAgainWhatItHadStartedBefore) {
  std::vector<Step> steps = shop_rollback();
  for (Step& step : steps)
    if (step.id.str() == "stop") {
      step.action = fake_action("once", "mem.web", "stopped");
      step.undo = fake_action("set", "mem.web", "old");
    }
  for (FakeMachine* machine : {&web1, &web2}) machine->set("mem.web", "old");
  plan_is(std::move(steps));
  faults([](const Try& each) {
    if (each.is("switch")) return Fault::kFail;
    return each.is("close", "undo") ? Fault::kDieBefore : Fault::kNone;
  });
  EXPECT_TRUE(live().died);
  no_faults();
  for (auto& [name, machine] : machines) machine.reboot();
  EXPECT_EQ(live().exit(), 1);
  EXPECT_EQ(web1.at("mem.web"), "old") << "opened a door with nothing behind it";
}

TEST_F(Undo, OfADeployIsRefusedOnceItsCommandWasBegun) {
  plan_is({fake_step("save", Phase::kPrepare, "once", "saved", "yes"),
           fake_step("deploy", Phase::kSwitch, "append", "deployed", "v2")},
          OnFailedCheck::kAbort, RunKind::kDeploy);
  faults([](const Try& each) { return each.is("deploy") ? Fault::kDieRunning : Fault::kNone; });
  EXPECT_TRUE(live().died);
  const Lived lived = live(Wish::kTurnBack);
  ASSERT_FALSE(lived.end);
  EXPECT_EQ(lived.end.error().code, Code::kRefused);
}

}  // namespace
}  // namespace backout::run
