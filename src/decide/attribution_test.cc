#include "decide/attribution.h"

#include <gtest/gtest.h>

namespace backout::decide {
namespace {

const WallTime kCutover = wall_from_millis(1'767'225'600'000);
constexpr Millis kSecond{1000}, kHour{3'600'000};

double posterior_of(AttributionInput input) { return attribute(input).posterior; }

TEST(Attribution, TroubleRightAfterTheDeployIsTheRelease) {
  const Attribution found = attribute({.cutover = kCutover, .onset = kCutover + 14 * kSecond});
  EXPECT_GT(found.posterior, 0.99);
  EXPECT_TRUE(found.suspect.empty());
  EXPECT_GT(posterior_of({.cutover = kCutover, .onset = kCutover - 2 * kSecond}), 0.99) << "clocks differ a little";
}

TEST(Attribution, WithoutATimeOnlyThePriorSpeaks) {
  EXPECT_DOUBLE_EQ(posterior_of({.cutover = kCutover}), 0.68);
  EXPECT_DOUBLE_EQ(Attribution().posterior, 0.68);
}

TEST(Attribution, LateStartsAreStillMoreProbablyTheReleaseForADay) {
  const double late = posterior_of({.cutover = kCutover, .onset = kCutover + 5 * kHour});
  EXPECT_GT(late, 0.5);
  EXPECT_LT(late, 0.95);
  EXPECT_LT(posterior_of({.cutover = kCutover, .onset = kCutover + 30 * kHour}), 0.5);
}

TEST(Attribution, WhatWasThereBeforeIsNotTheRelease) {
  EXPECT_LT(posterior_of({.cutover = kCutover, .onset = kCutover - kHour}), 0.5);
}

TEST(Attribution, TheOldReleaseBesideItAcquitsOrConvicts) {
  AttributionInput seen{.cutover = kCutover, .onset = kCutover + 5 * kHour};
  seen.new_votes = 1000, seen.new_bad = 100, seen.old_votes = 9000, seen.old_bad = 30;
  EXPECT_GT(posterior_of(seen), 0.99);
  seen.onset = kCutover + 14 * kSecond;
  seen.old_bad = 900;
  EXPECT_LT(posterior_of(seen), 0.1);
}

TEST(Attribution, OthersThatWereDeployedTakeTheirShare) {
  AttributionInput seen{.cutover = kCutover, .onset = kCutover + 10 * 60 * kSecond};
  seen.others = {{.what = "payments v12", .at = kCutover + 9 * 60 * kSecond},
                 {.what = "wiki v3", .at = kCutover - 9 * kHour}};
  const Attribution found = attribute(seen);
  EXPECT_LT(found.posterior, 0.5);
  EXPECT_EQ(found.suspect, "payments v12");
  seen.others.front().dependency = false;
  EXPECT_GT(posterior_of(seen), 0.5) << "this site does not call it";
}

TEST(Attribution, APersonsWordWeighsMost) {
  AttributionInput seen{.cutover = kCutover, .onset = kCutover + 5 * kHour, .external = true};
  EXPECT_LT(posterior_of(seen), 0.1);
  seen.external = false;
  EXPECT_GT(posterior_of(seen), 0.9);
}

}  // namespace
}  // namespace backout::decide
