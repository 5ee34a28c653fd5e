// A look that failed ends those beside it, and nothing else.
#include "run/enough.h"

#include "support/fake_site.h"

namespace backout::run {
namespace {

using namespace fakes;
using ::testing::HasSubstr;

struct OneFailure : ::testing::Test, FakeSite {
  OneFailure() {
    jobs = 4;
    clock.on_wait = [] { std::this_thread::sleep_for(Millis(1)); };  // Enough goes by the real time
  }
  void TearDown() override { check_promises(); }
};

TEST_F(OneFailure, OfACheckEndsTheLooksBesideItAndTheyAreNeitherPassedNorFailed) {
  std::vector<Step> steps = shop_rollback();
  steps[8].action = fake_action("look", "web", "better");
  Step slow = fake_step("slow-look", Phase::kCheck, "look", "web", "later", {"web-2"});
  slow.patience = {20'000, Millis(1000)};
  steps.push_back(slow);
  plan_is(std::move(steps));
  const Lived lived = live();
  EXPECT_EQ(lived.exit(), 1) << lived.why();
  EXPECT_TRUE(is_old(*this));
  EXPECT_THAT(lived.why(), HasSubstr("'look' on web-"));
  EXPECT_THAT(lived.why(), HasSubstr("expected web to be better, it is new"));
  const auto ended = state().at({"slow-look", "web-2", Purpose::kApply}).outcome;
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->kind, OutcomeKind::kUnknown);
  EXPECT_THAT(ended->why, HasSubstr("not looked at to the end: 'look' on web-"));
  EXPECT_THAT(ended->why, HasSubstr(" had failed"));
}

TEST_F(OneFailure, OfACheckEndsNoEffectBesideIt) {
  Step acts = fake_step("act", Phase::kCheck, "lie", "slow", "done");  // its look waits for what never comes
  acts.patience = {1'500, Millis(1000)};
  plan_is({fake_step("bad", Phase::kCheck, "look", "web", "better"), acts});
  (void)live();
  const auto ended = state().at({"act", "local", Purpose::kApply}).outcome;
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->kind, OutcomeKind::kFailed) << ended->why;
  EXPECT_THAT(ended->why, HasSubstr("expected slow to be done")) << "it was looked at to the end";
}

TEST_F(OneFailure, OfACheckLetsQuickOnesSayWhatTheySaw) {
  std::vector<Step> steps;
  for (const char* each : {"one", "two", "three"})
    steps.push_back(fake_step(each, Phase::kCheck, "look", "web", "better"));
  plan_is(std::move(steps));
  (void)live();
  for (const char* each : {"one", "two", "three"})
    EXPECT_EQ(state().at({each, "local", Purpose::kApply}).outcome->kind, OutcomeKind::kFailed) << each;
}

TEST_F(OneFailure, OfALookAfterTheOpeningLetsTheOthersComeToTheirEnd) {
  Step slow = fake_step("slow", Phase::kSettle, "look", "web", "later");
  slow.patience = {1'500, Millis(1000)};
  plan_is({fake_step("bad", Phase::kSettle, "look", "web", "better"), slow});
  EXPECT_EQ(live().exit(), 5);
  EXPECT_EQ(state().at({"slow", "local", Purpose::kApply}).outcome->kind, OutcomeKind::kFailed);
}

TEST_F(OneFailure, OfACheckThatIsHeldLooksAgainAtWhatWasEndedEarly) {
  std::vector<Step> steps = shop_rollback();
  steps[8].action = fake_action("look", "healthy", "yes");
  Step slow = fake_step("slow-look", Phase::kCheck, "look", "warm", "yes", {"web-2"});
  slow.patience = {20'000, Millis(1000)};
  steps.push_back(slow);
  plan_is(std::move(steps), OnFailedCheck::kHold);
  EXPECT_EQ(live().exit(), 5);
  for (FakeMachine* machine : {&web1, &web2}) machine->set("healthy", "yes");
  web2.set("warm", "yes");
  EXPECT_EQ(live(Wish::kTryAgain).exit(), 0);
  EXPECT_EQ(state().at({"slow-look", "web-2", Purpose::kApply}).outcome->kind, OutcomeKind::kApplied);
}

}  // namespace
}  // namespace backout::run
