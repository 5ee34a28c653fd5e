// False success: each liar alone keeps the exit status away from 0.
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::HasSubstr;

TEST(Liar, WhoExitsWithZeroAndDoesNothingNeverEndsInZero) {
  for (const char* liar : {"save", "close", "stop", "swap", "switch", "start", "open"}) {
    FakeSite site;
    std::vector<Step> steps = shop_rollback();
    for (Step& step : steps)
      if (step.id.str() == liar) step.action.verb = "lie";
    site.plan_is(std::move(steps));
    const Lived lived = site.live();
    EXPECT_TRUE(lived.exit() == 1 || lived.exit() == 5) << liar << " " << lived.exit();
    EXPECT_THAT(lived.why(), HasSubstr("the command said it worked, but expected")) << liar;
    EXPECT_NE(site.live(Wish::kTryAgain).exit(), 0) << liar;
    site.check_promises();
  }
}

TEST(Liar, WhoseProbeCannotTellIsUnknownAndNotSuccess) {
  FakeSite site;
  site.plan_is({fake_step("switch", Phase::kSwitch, "murky", "code", "new")});
  const Lived lived = site.live();
  EXPECT_EQ(lived.exit(), 4);
  EXPECT_THAT(lived.why(), HasSubstr("the probe timed out"));
}

TEST(Liar, OnOneOfTwoHostsIsEnough) {
  FakeSite site;
  std::vector<Step> steps = shop_rollback();
  steps.push_back(fake_step("look-code", Phase::kCheck, "look", "code", "new", {"web-1", "web-2"}));
  site.plan_is(std::move(steps));
  // The switch is turned back behind the run's back, after it was verified: the check behind the door sees it.
  site.web2.on_command = [&](const Try& each, const host::Command&) {
    if (each.is("start")) site.web2.set("code", "old");
  };
  const Lived lived = site.live();
  EXPECT_EQ(lived.exit(), 1);
  EXPECT_THAT(lived.why(), HasSubstr("'look-code' on web-2"));
  EXPECT_TRUE(is_old(site));
}

TEST(Liar, WithoutALieTheSameRunEndsInZero) {
  FakeSite site;
  site.plan_is(shop_rollback());
  EXPECT_EQ(site.live().exit(), 0);
}

TEST(Liar, AnExitStatusOfOneIsBelievedEvenWhenTheProbeHolds) {
  FakeSite site;
  site.plan_is({fake_step("switch", Phase::kSwitch, "set", "code", "new")});
  site.faults([](const Try&) { return Fault::kFailDone; });
  EXPECT_NE(site.live().exit(), 0);
}

TEST(Liar, AMachineThatRebootedBeforeTheDoorOpenedIsLookedAtAgain) {
  // What was started and checked before a power cut is in the journal as done; only looking tells that it is gone.
  FakeSite site;
  std::vector<Step> steps = shop_rollback();
  for (Step& step : steps)
    if (step.id.str() == "start")
      step.action = fake_action("set", "mem.web", "new");
    else if (step.id.str() == "look")
      step.action = fake_action("look", "mem.web", "new");
  site.plan_is(std::move(steps));
  site.faults([](const Try& each) { return each.is("open") ? Fault::kDieBefore : Fault::kNone; });
  EXPECT_TRUE(site.live().died);
  site.no_faults();
  for (auto& [name, machine] : site.machines) machine.reboot();
  const Lived resumed = site.live();
  EXPECT_EQ(resumed.exit(), 0) << resumed.why();
  EXPECT_EQ(site.web1.at("mem.web"), "new") << "opened a door with nothing behind it";
  EXPECT_EQ(site.web2.at("mem.web"), "new");
  site.check_promises();
}

TEST(Liar, ACheckThatPassedBeforeADeathIsTakenAgain) {
  FakeSite site;
  site.plan_is(shop_rollback());
  site.faults([](const Try& each) { return each.is("open") ? Fault::kDieBefore : Fault::kNone; });
  EXPECT_TRUE(site.live().died);
  site.no_faults();
  site.web2.set("web", "crashed");
  const Lived resumed = site.live();
  EXPECT_EQ(resumed.exit(), 0) << resumed.why();
  EXPECT_EQ(site.web2.at("web"), "new");
}

TEST(Liar, AServiceThatCameUpByItselfAfterAPowerCutIsStoppedAgainBeforeTheSwitch) {
  FakeSite site;
  std::vector<Step> steps = shop_rollback();
  for (Step& step : steps)
    if (step.id.str() == "stop") step.action.verb = "set";
  site.plan_is(std::move(steps));
  site.faults([](const Try& each) { return each.is("swap") ? Fault::kDieBefore : Fault::kNone; });
  EXPECT_TRUE(site.live().died);
  site.no_faults();
  site.web2.set("web", "old");  // the machine started it when it booted
  std::string web_during_swap;
  site.local.on_command = [&](const Try& each, const host::Command&) {
    if (each.is("swap")) web_during_swap = site.web2.at("web");
  };
  EXPECT_EQ(site.live().exit(), 0);
  EXPECT_EQ(web_during_swap, "stopped") << "it would have written into the database that was swapped";
  EXPECT_TRUE(is_new(site));
}

}  // namespace
}  // namespace backout::run
