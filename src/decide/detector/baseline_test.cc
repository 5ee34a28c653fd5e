#include "decide/detector/baseline.h"

#include <gtest/gtest.h>

#include "decide/detector/e_detector.h"
#include "decide/detector/streams_for_tests.h"

namespace backout::decide {
namespace {

/// P(X <= k) of Binomial(n, p).
double binomial_below(int n, int k, double p) {
  double sum = 0;
  for (int i = 0; i <= k; ++i)
    sum += std::exp(std::lgamma(n + 1.0) - std::lgamma(i + 1.0) - std::lgamma(n - i + 1.0) + i * std::log(p) +
                    (n - i) * std::log1p(-p));
  return sum;
}

Habits of(int requests, int64_t good, int64_t bad) {
  Habits habits;
  const Votes votes{requests, good, bad};
  habits.add({&votes, 1});
  return habits;
}

TEST(ClopperPearson, TheBoundsAreWhereTheBinomialSaysSo) {
  for (const auto& [n, k] : {std::pair(10, 0), std::pair(100, 0), std::pair(100, 1), std::pair(100, 50),
                             std::pair(1000, 5), std::pair(5000, 4990), std::pair(20000, 100)}) {
    EXPECT_NEAR(binomial_below(n, k, upper_bound(n, k, 0.999)), 0.001, 1e-7) << n << ' ' << k;
    const double low = lower_bound(n, k, 0.999);
    EXPECT_NEAR(k > 0 ? 1 - binomial_below(n, k - 1, low) : 0.001, 0.001, 1e-7) << n << ' ' << k;
  }
  EXPECT_NEAR(upper_bound(100, 0, 0.999), 1 - std::pow(0.001, 0.01), 1e-9);
}

TEST(ClopperPearson, HoldsAtTheEnds) {
  EXPECT_EQ(upper_bound(0, 0, 0.999), 1);
  EXPECT_EQ(upper_bound(7, 7, 0.999), 1);
  EXPECT_EQ(lower_bound(7, 0, 0.999), 0);
  EXPECT_NEAR(lower_bound(7, 7, 0.999), std::pow(0.001, 1.0 / 7), 1e-9);
  EXPECT_NEAR(upper_bound(1e9, 0, 0.999), 6.9077e-9, 1e-12);
  EXPECT_NEAR(upper_bound(1e9, 5e6, 0.999), 0.005, 1e-5);
  EXPECT_NEAR(lower_bound(1e9, 5e6, 0.999), 0.005, 1e-5);
}

TEST(Baseline, MuchDataAndTwiceTheRateOrTwoPerMilleMore) {
  const Habits usual[] = {of(1, 995'000, 5'000)};
  EXPECT_NEAR(tolerated(usual, kTolerant).tolerated, 0.01, 1e-4);
  EXPECT_NEAR(tolerated(usual, kStrict).tolerated, 0.007, 1e-4);
  const Habits clean[] = {of(1, 1'000'000, 0)};
  EXPECT_NEAR(tolerated(clean, kTolerant).tolerated, 0.002, 1e-4) << "a zero baseline is no zero tolerance";
}

TEST(Baseline, LittleDataIsTheSameMathematics) {
  const double nothing = tolerated({}, kTolerant).tolerated;
  EXPECT_GT(nothing, 0.02);
  EXPECT_LT(nothing, 0.04);
  double last = nothing;
  for (const int64_t votes : {10, 100, 1'000, 10'000, 100'000}) {
    const Habits seen[] = {of(1, votes, 0)};
    const double now = tolerated(seen, kTolerant).tolerated;
    EXPECT_LT(now, last) << votes << ": the more was seen the less is let pass";
    last = now;
  }
  const Habits bad[] = {of(1, 95, 5)};
  EXPECT_GT(tolerated(bad, kTolerant).tolerated, 0.03);
}

TEST(Baseline, VotesOfManyRequestsGiveTheRateOfOne) {
  for (const int requests : {1, 2, 4, 8, 16}) {
    const double bad = vote_rate(0.005, requests);
    const Habits habits[] = {of(requests, static_cast<int64_t>(1e6 * (1 - bad)), static_cast<int64_t>(1e6 * bad))};
    EXPECT_NEAR(tolerated(habits, kTolerant).usual, 0.005, 1e-4) << requests;
  }
  const Habits seven[] = {of(7, 965'525, 34'475)};  // counted as six: a little too much is let pass, never too little
  EXPECT_GT(tolerated(seven, kTolerant).usual, 0.005);
  EXPECT_LT(tolerated(seven, kTolerant).usual, 0.007);
}

TEST(Baseline, WhatIsWorseBeyondDoubtCountsForTheWhole) {
  Habits mixed = of(1, 99'000, 1'000);  // clients of ten requests fail together: 2 % of votes, not 9.6 %
  mixed.merge(of(12, 98'000, 2'000));
  const Habits one[] = {mixed};
  EXPECT_GT(tolerated(one, kTolerant).usual, 0.008) << "not below what single requests do";
  const Habits two[] = {of(1, 999'000, 1'000), of(1, 5'700, 300)};
  EXPECT_GT(tolerated(two, kTolerant).usual, 0.04) << "the minutes before were worse than the watches before them";
  const Habits doubtful[] = {of(1, 999'000, 1'000), of(1, 20, 1)};
  EXPECT_LT(tolerated(doubtful, kTolerant).usual, 0.0012) << "one of twenty-one proves nothing";
}

TEST(Baseline, SlownessIsUsualInOneOfTwenty) {
  Tolerance tolerance = kStrict;
  tolerance.at_least_usual = 0.05;
  EXPECT_NEAR(tolerated({}, tolerance).tolerated, 0.052, 1e-6);
  tolerance = kTolerant;
  tolerance.at_least_usual = 0.05;
  EXPECT_NEAR(tolerated({}, tolerance).tolerated, 0.1, 1e-6);
}

TEST(Habits, OverdispersionIsOneOfIndependentFailuresAndMoreOfBursts) {
  simulated::Random random(9);
  Habits alone, bursts;
  for (int second = 0; second < 3600; ++second) {
    const int64_t few = random.binomial(100, 0.02), many = 20 * random.binomial(5, 0.02);
    const Votes calm{1, 100 - few, few}, rough{1, 100 - many, many};
    alone.add({&calm, 1});
    bursts.add({&rough, 1});
  }
  EXPECT_NEAR(alone.overdispersion(), 1.03, 0.1);
  EXPECT_NEAR(bursts.overdispersion(), 19.6, 2);
  EXPECT_DOUBLE_EQ(Habits().overdispersion(), 4) << "nothing is known: the prior";
}

TEST(Habits, GoToJsonAndBack) {
  Habits habits = of(1, 10, 2);
  habits.merge(of(100, 3, 1));
  const auto back = Habits::from_json(habits.to_json());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_json(), habits.to_json());
  EXPECT_EQ(back->votes(), 16);
  EXPECT_EQ(back->bad(), 3);
  EXPECT_FALSE(Habits::from_json({{"sizes", {{0, 1, 2}}}}));
  EXPECT_FALSE(Habits::from_json({{"sizes", {{1, -1, 2}}}}));
  EXPECT_TRUE(Habits::from_json(Json()));
}

TEST(Habits, SizesAreFew) {
  EXPECT_EQ(vote_size(0), 1);
  EXPECT_EQ(vote_size(5), 4);
  EXPECT_EQ(vote_size(11), 8);
  EXPECT_EQ(vote_size(12), 12);
  EXPECT_EQ(vote_size(1'000'000), 786'432);
  EXPECT_GT(vote_size(2'147'483'647), 1'000'000);
  for (int m = 1; m < 5000; ++m) {
    EXPECT_LE(vote_size(m), m);
    EXPECT_GT(vote_size(m) * 3, m * 2 - 2);
  }
}

}  // namespace
}  // namespace backout::decide
