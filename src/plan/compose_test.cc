// What parts of a site wait for inside a phase.
#include "plan/compose.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace backout::plan {
namespace {

Step step(const std::string& id, Phase phase) {
  Step made;
  made.id = StepId(id);
  made.phase = phase;
  made.action = {"command", "run", Json::object()};
  return made;
}

bool waits(const Plan& plan, const std::string& one, const std::string& other) {
  for (const Step& each : plan.contract.steps)
    if (each.id.str() == one) return std::count(each.needs.begin(), each.needs.end(), StepId(other)) > 0;
  return false;
}

Plan composed(std::vector<Offered> offers) {
  Draft draft;
  draft.contract.site = SiteId("shop/production");
  draft.offers = std::move(offers);
  return compose(std::move(draft)).value();
}

TEST(Compose, SwitchesDatabaseAndCodeBesideEachOtherAndCommandsAfterBoth) {
  const Plan plan = composed({{Part::kCommand, {step("flush", Phase::kSwitch)}},
                              {Part::kCode, {step("code", Phase::kSwitch)}},
                              {Part::kDatabase, {step("swap", Phase::kSwitch)}}});
  EXPECT_TRUE(waits(plan, "flush", "code") && waits(plan, "flush", "swap"));
  EXPECT_FALSE(waits(plan, "code", "swap") || waits(plan, "swap", "code"));
}

TEST(Compose, DrainsNothingBeforeTheDoorIsClosed) {
  const Plan plan = composed({{Part::kService, {step("stop-web", Phase::kClose)}},
                              {Part::kCommand, {step("pause-queue", Phase::kClose)}},
                              {Part::kDoor, {step("close-door", Phase::kClose)}}});
  EXPECT_TRUE(waits(plan, "stop-web", "close-door") && waits(plan, "pause-queue", "close-door"));
}

TEST(Compose, ChainsServicesThroughOnesThatHaveNoStepInAPhase) {
  const Plan plan = composed({{Part::kService, {step("stop-a", Phase::kClose), step("start-a", Phase::kStart)}},
                              {Part::kService, {step("start-b", Phase::kStart)}},
                              {Part::kService, {step("stop-c", Phase::kClose), step("start-c", Phase::kStart)}}});
  EXPECT_TRUE(waits(plan, "stop-c", "stop-a"));
  EXPECT_TRUE(waits(plan, "start-b", "start-c") && waits(plan, "start-a", "start-b"));
}

TEST(Compose, ShiftsTheTrafficWhenEverythingHasStartedAndRecordsWhenItWasSeenInFront) {
  const Plan plan =
      composed({{Part::kTraffic,
                 {step("serves", Phase::kPrepare), step("shift", Phase::kStart), step("in-front", Phase::kSettle)}},
                {Part::kService, {step("start-a", Phase::kStart)}},
                {Part::kService, {step("start-b", Phase::kStart)}},
                {Part::kRecord, {step("record", Phase::kSettle)}}});
  EXPECT_TRUE(waits(plan, "shift", "start-a") && waits(plan, "shift", "start-b"));
  EXPECT_TRUE(waits(plan, "record", "in-front"));
}

TEST(Compose, RecordsNothingBeforeTheLastChecksHavePassed) {
  const Plan plan =
      composed({{Part::kRecord, {step("record", Phase::kSettle)}}, {Part::kCheck, {step("errors", Phase::kSettle)}}});
  EXPECT_TRUE(waits(plan, "record", "errors"));
}

TEST(Compose, SetsLeftoversAsideWhenEveryServiceHasStopped) {
  const Plan plan = composed({{Part::kService, {step("stop-beat", Phase::kClose)}},
                              {Part::kService, {step("drain-jobs", Phase::kClose)}},
                              {Part::kService, {step("stop-worker", Phase::kClose)}},
                              {Part::kLeftover, {step("aside-jobs", Phase::kClose), step("drop-jobs", Phase::kSettle)}},
                              {Part::kCheck, {step("errors", Phase::kSettle)}}});
  EXPECT_TRUE(waits(plan, "drain-jobs", "stop-beat") && waits(plan, "stop-worker", "drain-jobs"));
  EXPECT_TRUE(waits(plan, "aside-jobs", "stop-worker") && waits(plan, "aside-jobs", "drain-jobs"));
  EXPECT_TRUE(waits(plan, "drop-jobs", "errors"));
}

TEST(Compose, WhatWasParkedGoesOnWithoutWaitingForTheLastChecks) {
  const Plan plan = composed({{Part::kService, {step("park", Phase::kClose), step("unpark", Phase::kSettle)}},
                              {Part::kCheck, {step("errors", Phase::kSettle)}}});
  EXPECT_FALSE(waits(plan, "unpark", "errors"));
}

TEST(Compose, TellsWhichOffersContradictEachOther) {
  Draft draft;
  draft.offers = {{Part::kCode, {step("same", Phase::kSwitch)}}, {Part::kDatabase, {step("same", Phase::kSwitch)}}};
  const auto plan = compose(std::move(draft));
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::kInternal);
  EXPECT_NE(plan.error().message.find("'same'"), std::string::npos);
}

TEST(Compose, GivesAnotherIdWhenAnyStepChanges) {
  const PlanId id = composed({{Part::kCode, {step("code", Phase::kSwitch)}}}).id;
  Step slower = step("code", Phase::kSwitch);
  slower.timeout = Millis(61'000);
  EXPECT_NE(composed({{Part::kCode, {slower}}}).id, id);
  EXPECT_EQ(composed({{Part::kCode, {step("code", Phase::kSwitch)}}}).id, id);
}

}  // namespace
}  // namespace backout::plan
