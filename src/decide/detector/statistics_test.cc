// What docs/design/decide.md says of speed and false alarms, simulated. The seeds are in the code and printed.
#include <gtest/gtest.h>

#include <cstdio>

#include "decide/detector/all_clear.h"
#include "decide/detector/streams_for_tests.h"
#include "decide/detector/two_arm.h"

namespace backout::decide {
namespace {

using simulated::Quick;
using simulated::Random;
using simulated::second_of;
using simulated::Spread;
using simulated::spread_of;

constexpr double kVotes = 180'000;  // thirty minutes at a hundred a second
constexpr double kThreshold = kVotes / 1e-3;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSlower = 20;  // a sanitizer looks for faults of memory, not of numbers
#else
constexpr int kSlower = 1;
#endif

Spread delays(double p0, double threshold, double rate, int runs, uint64_t seed, int64_t change = 0,
              std::span<const double> rates = kRates) {
  const Quick quick(p0, threshold, rates);
  Random random(seed);
  std::vector<double> votes;
  int64_t missing = 0;
  for (int i = 0; i < runs; ++i) {
    const int64_t at = quick.votes(random, p0, change, rate, 10'000'000);
    if (at > change)
      votes.push_back(static_cast<double>(at - change));
    else
      ++missing;
  }
  Spread spread = spread_of(votes);
  spread.missing = missing;
  std::printf("  %5.1f %% against %.1f %%, threshold %.1e, seed %llu: mean %.0f, p99 %.0f votes\n", 100 * rate,
              100 * p0, threshold, static_cast<unsigned long long>(seed), spread.mean, spread.p99);
  return spread;
}

TEST(Statistics, TheQuickRecursionIsTheDetectors) {
  Random seeds(7);
  for (int i = 0; i < 60; ++i) {
    const uint64_t seed = seeds.next();
    const double rate = i % 3 == 0 ? 0.02 : i % 3 == 1 ? 0.1 : 0.3;
    Random random(seed), same(seed);
    const int64_t expected = Quick(0.005, kThreshold).votes(random, 0.005, 50, rate, 100'000);
    EDetector detector(0.005, {kThreshold});
    int64_t at = 0;
    while (!detector.alarm()) {
      int64_t gap = same.gap(at < 50 ? 0.005 : rate);
      if (at < 50 && at + gap >= 50) gap = 50 - at + same.gap(rate);
      for (int64_t g = 0; g < gap; ++g) {
        const Votes good{1, 1, 0};
        detector.update({&good, 1}, second_of(at + g));
      }
      at += gap + 1;
      const Votes bad{1, 0, 1};
      detector.update({&bad, 1}, second_of(at));
    }
    EXPECT_EQ(at, expected) << seed;
  }
}

TEST(Statistics, TenPercentIsSeenWithin95VotesOnAverageAnd210OfNinetyNine) {
  const Spread spread = delays(0.005, kThreshold, 0.1, 40'000 / kSlower, 11);
  EXPECT_LE(spread.mean, 95);
  EXPECT_LE(spread.p99, 210);
  const Spread late = delays(0.005, kThreshold, 0.1, 4'000 / kSlower, 12, 20'000);  // the same 20,000 votes later
  EXPECT_LE(late.mean, 97);
  EXPECT_LE(late.p99, 215);
}

struct Row {
  double p0, alpha, rate, mean, p99;
  int runs;
};

/// The table of the study that the detector was chosen by.
TEST(Statistics, TheTableIsReproduced) {
  const Row rows[] = {{0.005, 1e-3, 1.00, 5, 5, 100},
                      {0.005, 1e-3, 0.50, 11, 24, 20'000},
                      {0.005, 1e-3, 0.25, 26, 62, 20'000},
                      {0.005, 1e-3, 0.10, 90, 206, 20'000},
                      {0.005, 1e-3, 0.05, 250, 565, 20'000},
                      {0.005, 1e-3, 0.02, 1'235, 2'756, 10'000},
                      {0.005, 1e-3, 0.01, 7'314, 16'180, 5'000},
                      {0.01, 1e-3, 1.00, 5, 5, 100},
                      {0.01, 1e-3, 0.50, 13, 27, 20'000},
                      {0.01, 1e-3, 0.10, 126, 271, 20'000},
                      {0.01, 1e-3, 0.05, 412, 899, 20'000},
                      {0.01, 1e-3, 0.02, 3'778, 7'835, 5'000},
                      {0.005, 1e-6, 1.00, 6, 6, 100},
                      {0.005, 1e-6, 0.50, 15, 29, 20'000},
                      {0.005, 1e-6, 0.25, 36, 76, 20'000},
                      {0.005, 1e-6, 0.10, 125, 261, 20'000},
                      {0.005, 1e-6, 0.05, 348, 700, 20'000},
                      {0.005, 1e-6, 0.02, 1'807, 3'621, 10'000},
                      {0.005, 1e-6, 0.01, 10'970, 20'793, 5'000}};
  uint64_t seed = 100;
  for (const Row& row : rows) {
    const Spread spread = delays(row.p0, kVotes / row.alpha, row.rate, std::max(100, row.runs / kSlower), ++seed);
    EXPECT_NEAR(spread.mean, row.mean, 0.5 + 0.05 * kSlower * row.mean);
    EXPECT_NEAR(spread.p99, row.p99, 1 + 0.07 * kSlower * row.p99);
    EXPECT_EQ(spread.missing, 0);
  }
}

TEST(Statistics, SlownessIsSeenByTheSameMathematics) {
  EXPECT_NEAR(delays(0.05, kThreshold, 0.10, 5'000 / kSlower, 21, 0, kSlowRates).mean, 760, 0.06 * kSlower * 760);
  EXPECT_NEAR(delays(0.05, kThreshold, 0.25, 5'000 / kSlower, 22, 0, kSlowRates).mean, 82, 0.06 * kSlower * 82);
  EXPECT_NEAR(delays(0.05, kThreshold, 0.50, 5'000 / kSlower, 23, 0, kSlowRates).mean, 24, 0.06 * kSlower * 24);
}

TEST(Statistics, OneHealthyWatchInAThousandMayAlarmAndFewerDo) {
  constexpr int kWatches = 30'000 / kSlower;
  constexpr uint64_t kSeed = 31;
  const Quick quick(0.005, kThreshold);
  Random random(kSeed);
  int alarms = 0;
  for (int i = 0; i < kWatches; ++i)
    alarms += quick.votes(random, 0.005, 0, 0.005, static_cast<int64_t>(kVotes)) > 0 ? 1 : 0;
  std::printf("  %d of %d healthy watches alarmed, seed %llu\n", alarms, kWatches,
              static_cast<unsigned long long>(kSeed));
  EXPECT_LE(alarms, kWatches / 1000);
  EXPECT_GE(alarms, kSlower == 1 ? 1 : 0);  // else it is not the detector that was meant
}

/// Ten requests of one client come together and fail together.
Spread bursty(double rate, double correlation, int runs, uint64_t seed, int64_t seconds) {
  Random random(seed);
  std::vector<double> requests;
  int64_t missing = 0;
  for (int i = 0; i < runs; ++i) {
    EDetector detector(0.005, {kThreshold});
    for (int64_t second = 0; second < seconds && !detector.alarm(); ++second) {
      Votes votes{10, 10, 0};
      for (int client = 0; client < 10; ++client) {
        double p = rate;
        if (correlation > 0) {
          const double both = 1 / correlation - 1;
          p = random.beta(rate * both, (1 - rate) * both);
        }
        const bool bad = random.gap(p) < 10;
        votes.good -= bad ? 1 : 0;
        votes.bad += bad ? 1 : 0;
      }
      detector.update({&votes, 1}, second_of(second));
      if (detector.alarm()) requests.push_back(static_cast<double>(100 * (second + 1)));
    }
    missing += detector.alarm() ? 0 : 1;
  }
  Spread spread = spread_of(requests);
  spread.missing = missing;
  return spread;
}

TEST(Statistics, BurstyClientsNeverAlarmAHealthyRelease) {
  uint64_t seed = 40;
  for (const double correlation : {0.0, 0.05, 0.2, 0.5}) {
    const Spread healthy = bursty(0.005, correlation, 300 / kSlower, ++seed, 1800);
    std::printf("  clients of 10 requests, correlation %.2f, seed %llu: %lld of %d alarmed\n", correlation,
                static_cast<unsigned long long>(seed), static_cast<long long>(300 / kSlower - healthy.missing),
                300 / kSlower);
    EXPECT_EQ(healthy.missing, 300 / kSlower) << correlation;
    const Spread failing = bursty(0.1, correlation, 600 / kSlower, ++seed, 1800);
    std::printf("    failing: mean %.0f, p99 %.0f requests\n", failing.mean, failing.p99);
    EXPECT_EQ(failing.missing, 0);
    EXPECT_LE(failing.mean, 1.5 * 772);
  }
}

struct Arms {
  double rate, share, per_second, mean, p99;
};

TEST(Statistics, TwoArmsNeedNoBaseline) {
  const Arms rows[] = {{0.1, 0.1, 100, 9.8, 22.0}, {0.1, 0.1, 1000, 1.2, 2.5}, {0.5, 0.1, 100, 1.6, 0},
                       {0.05, 0.1, 100, 25, 0},    {0.02, 0.1, 100, 117, 0},   {0.1, 0.5, 100, 5.1, 9.4}};
  uint64_t seed = 60;
  for (const Arms& row : rows) {
    Random random(++seed);
    std::vector<double> seconds;  // whole ones: half a second more than it takes
    for (int i = 0; i < 1000 / kSlower; ++i) {
      TwoArm arms(std::min(1800.0, 1800 * 0.005 * row.per_second) / 1e-3);  // seconds with a bad vote, when healthy
      int64_t second = 0;
      for (; !arms.alarm() && second < 10'000; ++second) {
        const auto asked = static_cast<int64_t>(row.per_second);
        const int64_t newer = random.binomial(asked, row.share), older = asked - newer;
        const int64_t bad_new = random.binomial(newer, row.rate), bad_old = random.binomial(older, 0.005);
        const Votes now{1, newer - bad_new, bad_new}, then{1, older - bad_old, bad_old};
        arms.update({&now, 1}, {&then, 1}, second_of(second));
      }
      seconds.push_back(static_cast<double>(second));
    }
    const Spread spread = spread_of(seconds);
    std::printf("  %.0f %% against 0.5 %% beside it, %.0f %% of %.0f a second, seed %llu: mean %.1f, p99 %.1f s\n",
                100 * row.rate, 100 * row.share, row.per_second, static_cast<unsigned long long>(seed), spread.mean,
                spread.p99);
    EXPECT_LE(spread.mean, 1.1 * kSlower * row.mean + 0.6);
    EXPECT_LE(spread.p99, row.p99 > 0 ? 1.15 * kSlower * row.p99 + 0.5 : 1e9);
  }
}

TEST(Statistics, TwoArmsDoNotAlarmWhenWhatBothNeedFails) {
  Random random(71);
  for (int i = 0; i < 40 / kSlower; ++i) {
    TwoArm arms(1800 / 1e-3);
    for (int64_t second = 0; second < 1800; ++second) {
      const double rate = second / 100 % 3 == 1 ? 0.4 : 0.005;  // a dependency that comes and goes
      const int64_t newer = random.binomial(100, 0.1), older = 100 - newer;
      const int64_t bad_new = random.binomial(newer, rate), bad_old = random.binomial(older, rate);
      const Votes now{1, newer - bad_new, bad_new}, then{1, older - bad_old, bad_old};
      arms.update({&now, 1}, {&then, 1}, second_of(second));
    }
    EXPECT_FALSE(arms.alarm());
  }
}

TEST(Statistics, TheAllClearComesAfterTwoHundredVotes) {
  Random random(81);
  for (const auto& [worse, mean] : {std::pair(0.05, 202.0), std::pair(0.02, 853.0), std::pair(0.01, 4408.0)}) {
    std::vector<double> needed;
    for (int i = 0; i < 400 / kSlower; ++i) {
      AllClear clear(0.005, worse);
      double votes = 0;
      for (; !clear.clear(); ++votes) {
        const bool bad = random.chance(0.005);
        const Votes vote{1, bad ? 0 : 1, bad ? 1 : 0};
        clear.update({&vote, 1});
      }
      needed.push_back(votes);
    }
    const Spread spread = spread_of(needed);
    std::printf("  clear of %.0f %% at 0.5 %%, seed 81: mean %.0f votes\n", 100 * worse, spread.mean);
    EXPECT_NEAR(spread.mean, mean, 0.1 * kSlower * mean);
  }
  int cleared = 0;
  for (int i = 0; i < 1000 / kSlower; ++i) {
    AllClear clear(0.005);  // a release that is five times worse
    for (int vote = 0; vote < 2000 && !clear.clear(); ++vote) {
      const bool bad = random.chance(0.025);
      const Votes one{1, bad ? 0 : 1, bad ? 1 : 0};
      clear.update({&one, 1});
    }
    cleared += clear.clear() ? 1 : 0;
  }
  EXPECT_LE(cleared, 4);
}

}  // namespace
}  // namespace backout::decide
