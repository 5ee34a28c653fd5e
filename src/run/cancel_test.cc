// Ctrl-C: in prepare it ends clean; later it leaves a run that can be resumed, and the command that runs to be found.
#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Cancel : ::testing::Test, FakeSite {
  std::stop_source stop;
  Cancel() { plan_is(shop_rollback()); }
  void TearDown() override { check_promises(); }
  /// Ctrl-C while the command of `step` runs.
  void in_command(const std::string& step) {
    for (auto& [name, machine] : machines)
      machine.on_command = [=, this](const Try& each, const host::Command&) {
        if (each.is(step)) stop.request_stop();
      };
  }
  Lived interrupted() { return live(Wish::kCarryOn, -1, stop.get_token()); }
};

TEST_F(Cancel, InPrepareEndsCleanWithOne) {
  for (const char* step : {"save", "build"}) {
    FakeSite site;
    std::stop_source ctrl_c;
    site.plan_is(shop_rollback());
    for (auto& [name, machine] : site.machines)
      machine.on_command = [&](const Try& each, const host::Command&) {
        if (each.is(step)) ctrl_c.request_stop();
      };
    const Lived lived = site.live(Wish::kCarryOn, -1, ctrl_c.get_token());
    EXPECT_EQ(lived.exit(), 1) << step;
    EXPECT_TRUE(lived.end->ended);
    EXPECT_TRUE(is_old(site));
    EXPECT_EQ(site.local.at("saved"), "no") << step;
    EXPECT_EQ(site.count(EventType::kDoorClosed), 0);
    for (auto& [name, machine] : site.machines) EXPECT_FALSE(machine.anything_runs());
    site.check_promises();
  }
}

TEST_F(Cancel, BeforeAnythingBeganEndsCleanWithOne) {
  stop.request_stop();
  EXPECT_EQ(interrupted().exit(), 1);
  EXPECT_EQ(begun(), 0);
}

TEST_F(Cancel, InCutoverStopsWithFourAndTheCommandIsFoundByResume) {
  for (const char* step : {"close", "stop", "swap", "switch", "start", "open"}) {
    FakeSite site;
    std::stop_source ctrl_c;
    site.plan_is(shop_rollback());
    for (auto& [name, machine] : site.machines)
      machine.on_command = [&](const Try& each, const host::Command&) {
        if (each.is(step)) ctrl_c.request_stop();
      };
    const Lived lived = site.live(Wish::kCarryOn, -1, ctrl_c.get_token());
    EXPECT_EQ(lived.exit(), 4) << step << ": " << lived.why();
    EXPECT_FALSE(lived.end->ended);
    EXPECT_EQ(lived.end->step, step);
    EXPECT_FALSE(site.unknown().empty()) << "the command was left running";
    EXPECT_EQ(site.live().exit(), 0) << step;
    EXPECT_TRUE(is_new(site));
    for (auto& [name, machine] : site.machines) EXPECT_LE(machine.times_done(step), 1) << step;
    EXPECT_EQ(site.state().resumed, 1);
    site.check_promises();
  }
}

TEST_F(Cancel, WhileAnEffectIsLookedAtDecidesNothingAboutIt) {
  for (Step& step : plan.contract.steps)
    if (step.id.str() == "start") step.action.verb = "lie", step.patience = {5, Millis(1000)};
  clock.on_wait = [this] { stop.request_stop(); };  // the process is slow to come up, and the person is impatient
  const Lived lived = interrupted();
  EXPECT_EQ(lived.exit(), 4) << lived.why();
  EXPECT_FALSE(state().turned) << "Ctrl-C is no verdict";
  EXPECT_THAT(outcomes(), Not(Contains(HasSubstr("start@"))));
  clock.on_wait = nullptr;
  web1.set("web", "new");
  web2.set("web", "new");
  EXPECT_EQ(live().exit(), 0);
  EXPECT_TRUE(is_new(*this));
}

TEST_F(Cancel, WhileACheckIsRepeatedDecidesNothingAboutIt) {
  for (Step& step : plan.contract.steps)
    if (step.id.str() == "look") step.action = fake_action("look", "healthy", "yes"), step.patience = {5, Millis(1000)};
  clock.on_wait = [this] { stop.request_stop(); };
  EXPECT_EQ(interrupted().exit(), 4);
  EXPECT_FALSE(state().turned);
  clock.on_wait = nullptr;
  web1.set("healthy", "yes");
  web2.set("healthy", "yes");
  EXPECT_EQ(live().exit(), 0);
}

TEST_F(Cancel, WhileDoubtIsResolvedAsksNobodyAndDecidesNothing) {
  for (Step& step : plan.contract.steps)
    if (step.id.str() == "swap") step.action.verb = "append";
  faults([](const Try& each) { return each.is("swap") ? Fault::kDieVanished : Fault::kNone; });
  EXPECT_TRUE(live().died);
  no_faults();
  stop.request_stop();
  EXPECT_EQ(interrupted().exit(), 4);
  EXPECT_THAT(asker.asked, IsEmpty());
  EXPECT_THAT(outcomes(), Not(Contains(HasSubstr("swap@"))));
}

TEST_F(Cancel, WhilePuttingBackStopsWithFourAndIsCarriedOn) {
  faults([](const Try& each) { return each.is("switch") ? Fault::kFail : Fault::kNone; });
  for (auto& [name, machine] : machines)
    machine.on_command = [this](const Try& each, const host::Command&) {
      if (each.is("swap", "undo")) stop.request_stop();
    };
  const Lived lived = interrupted();
  EXPECT_EQ(lived.exit(), 4);
  EXPECT_FALSE(lived.end->ended);
  EXPECT_EQ(live().exit(), 1);
  EXPECT_TRUE(is_old(*this));
  EXPECT_EQ(local.times_done("swap", "undo"), 1);
}

TEST_F(Cancel, WithSeveralAtOnceLeavesNoneOfThemWithoutAnEnd) {
  jobs = 4;
  in_command("switch");
  EXPECT_EQ(interrupted().exit(), 4);
  EXPECT_EQ(live().exit(), 0);
  EXPECT_TRUE(is_new(*this));
  EXPECT_THAT(unknown(), IsEmpty());
  for (FakeMachine* machine : {&web1, &web2}) EXPECT_EQ(machine->times_done("switch"), 1);
}

}  // namespace
}  // namespace backout::run
