#include "decide/detector/canary_loops_for_tests.h"

#include <gtest/gtest.h>

#include <vector>

namespace backout::decide::simulated {
namespace {

std::vector<Served> steady(int64_t seconds, int64_t requests, int64_t failed) {
  return std::vector<Served>(static_cast<size_t>(seconds), Served{requests, failed});
}

TEST(CanaryLoops, FlaggerRollsBackOneTickAfterItsThreshold) {
  const auto bad = steady(3600, 100, 10);
  EXPECT_EQ(Flagger{}.rollback(bad), 120);
  EXPECT_EQ(Flagger{.threshold = 5}.rollback(bad), 360);
  EXPECT_EQ(Flagger{.threshold = 10}.rollback(bad), 660);
  EXPECT_EQ((Flagger{.interval = 10, .threshold = 1}.rollback(bad)), 20);
  EXPECT_FALSE(Flagger{}.rollback(steady(3600, 100, 1))) << "99 % is enough";
}

TEST(CanaryLoops, FlaggerCountsNoTrafficAsFailureAndForgetsNothing) {
  EXPECT_EQ(Flagger{}.rollback(steady(3600, 0, 0)), 120);
  std::vector<Served> mixed;
  for (int minute = 0; minute < 20; ++minute)
    for (int second = 0; second < 60; ++second) mixed.push_back({100, minute % 2 == 0 ? 10 : 0});
  EXPECT_EQ(Flagger{.threshold = 3}.rollback(mixed), 360) << "the first, third and fifth minute";
}

TEST(CanaryLoops, FlaggerIsGoneAfterThePromotion) {
  std::vector<Served> late = steady(660, 100, 0);
  for (const Served& bad : steady(3600, 100, 100)) late.push_back(bad);
  EXPECT_FALSE(Flagger{}.rollback(late));
}

TEST(CanaryLoops, ArgoNeedsOneFailureMoreThanItsLimit) {
  const auto bad = steady(3600, 100, 10);
  EXPECT_EQ(Argo{}.rollback(bad), 1200) << "nothing is there at 0 s, then 300, 600, 900 and 1200";
  EXPECT_EQ((Argo{.interval = 60, .window = 60, .failure_limit = 0}.rollback(bad)), 60);
  EXPECT_FALSE(Argo{}.rollback(steady(3600, 100, 4))) << "4 % for ever";
}

TEST(CanaryLoops, ArgoEndsWithAnErrorWhenNothingIsThereFiveTimes) {
  EXPECT_EQ(Argo{}.rollback(steady(3600, 0, 0)), 1200);
}

}  // namespace
}  // namespace backout::decide::simulated
