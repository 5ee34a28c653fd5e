#include "decide/detector/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decide/detector/streams_for_tests.h"

namespace backout::decide {
namespace {

using simulated::Random;
using simulated::second_of;

Watched site(JudgedSignal signal = {.name = "access"}) {
  Watched watched;
  watched.current = "v2";
  watched.before = "v1";
  watched.cutover = second_of(0);
  watched.signals = {std::move(signal)};
  return watched;
}

Observation votes(int64_t second, int64_t good, int64_t bad, Arm arm = Arm::kNew, int requests = 1) {
  Observation observation;
  observation.second = second_of(second);
  observation.arm = arm;
  observation.outcomes = {{requests, good, bad}};
  observation.requests = requests * (good + bad);
  observation.failed = bad;
  return observation;
}

Observation drawn(Random& random, int64_t second, int64_t count, double rate, Arm arm = Arm::kNew) {
  const int64_t bad = random.binomial(count, rate);
  return votes(second, count - bad, bad, arm);
}

/// The hour before the cutover, at a rate.
Seen hour_before(Random& random, double rate, int64_t count = 100) {
  Seen seen;
  for (int64_t second = -3600; second < 0; ++second)
    seen.observations.push_back(drawn(random, second, count, rate, Arm::kOld));
  return seen;
}

Evidence of(const Judge& judge, std::string_view measure, WallTime now) {
  for (const Evidence& each : judge.evidence(now))
    if (each.measure == measure) return each;
  Evidence none;
  none.measure = "none";
  return none;
}

void must(const Result<void>& result) { ASSERT_TRUE(result) << result.error().message; }

TEST(Judge, SeesTenPercentInASecondOrThree) {
  Random random(1);
  for (int run = 0; run < 30; ++run) {
    Judge judge(site());
    Seen seen = hour_before(random, 0.005);
    must(judge.feed("access", seen, second_of(0)));
    int64_t second = 0;
    for (; of(judge, "outcomes", second_of(second)).state != EvidenceState::kAlarm; ++second) {
      ASSERT_LT(second, 10);
      seen.observations = {drawn(random, second, 100, 0.1)};
      must(judge.feed("access", seen, second_of(second + 1)));
    }
    EXPECT_LE(second, 5);
    const Evidence evidence = of(judge, "outcomes", second_of(second));
    EXPECT_EQ(evidence.signal, "access");
    EXPECT_NEAR(evidence.tolerated, 0.01, 0.001);
    EXPECT_EQ(evidence.votes, 100 * second);
    EXPECT_EQ(evidence.requests, 100 * second);
    EXPECT_GT(evidence.bad_per_second, 3);
    EXPECT_LE(evidence.onset, second_of(1));
    EXPECT_GE(evidence.onset, second_of(0));
    EXPECT_GE(evidence.decibels, evidence.needed);
    EXPECT_NEAR(evidence.needed, 10 * std::log10(1800 / 4e-4), 0.01);
    EXPECT_THAT(evidence.why, testing::MatchesRegex("0\\.[45][0-9]? % was usual"));
    EXPECT_EQ(of(judge, "down", second_of(second)).measure, "none");
  }
}

TEST(Judge, IsBlindUntilSomethingIsSeenAndAgainWhenNothingIs) {
  Judge judge(site());
  EXPECT_EQ(of(judge, "outcomes", second_of(0)).state, EvidenceState::kBlind);
  Seen nothing;
  nothing.blind = "the log is not there";
  must(judge.feed("access", nothing, second_of(1)));
  EXPECT_EQ(of(judge, "outcomes", second_of(1)).why, "the log is not there");
  Seen seen;
  for (int64_t second = 0; second < 100; ++second) seen.observations.push_back(votes(second, 100, 0));
  must(judge.feed("access", seen, second_of(100)));
  EXPECT_EQ(of(judge, "outcomes", second_of(101)).state, EvidenceState::kClear);
  must(judge.feed("access", nothing, second_of(105)));
  EXPECT_EQ(of(judge, "outcomes", second_of(105)).state, EvidenceState::kQuiet)
      << "never clear when the last look was blind";
  must(judge.feed("access", {}, second_of(110)));
  EXPECT_EQ(of(judge, "outcomes", second_of(110)).state, EvidenceState::kClear);
  EXPECT_EQ(of(judge, "outcomes", second_of(162)).state, EvidenceState::kBlind);
  EXPECT_EQ(of(judge, "outcomes", second_of(162)).why, "nothing was seen for 62 s");
}

TEST(Judge, ASlowSiteIsNotBlindAfterAMinute) {
  Judge judge(site());
  Seen seen;
  for (int64_t second = -3600; second < 0; second += 40) seen.observations.push_back(votes(second, 1, 0, Arm::kOld));
  seen.observations.push_back(votes(1, 1, 0));
  must(judge.feed("access", seen, second_of(2)));
  EXPECT_EQ(of(judge, "outcomes", second_of(120)).state, EvidenceState::kQuiet) << "six quiet minutes are rare here";
  EXPECT_EQ(of(judge, "outcomes", second_of(400)).state, EvidenceState::kBlind);
}

TEST(Judge, ASignalThatIsAskedEveryFiveMinutesIsNotBlindBetween) {
  Judge judge(site({.name = "smoke", .every = std::chrono::minutes(5)}));
  Seen seen;
  seen.observations = {votes(1, 1, 0)};
  must(judge.feed("smoke", seen, second_of(2)));
  EXPECT_EQ(of(judge, "outcomes", second_of(300)).state, EvidenceState::kQuiet);
  EXPECT_EQ(of(judge, "outcomes", second_of(1000)).state, EvidenceState::kBlind);
}

TEST(Judge, AnAlarmIsNotBlindedByAVanishingSignal) {
  Judge judge(site());
  Seen seen;
  for (int64_t second = 0; second < 10; ++second) seen.observations.push_back(votes(second, 0, 10));
  must(judge.feed("access", seen, second_of(10)));
  must(judge.feed("access", {.blind = "gone"}, second_of(1000)));
  EXPECT_EQ(of(judge, "outcomes", second_of(1000)).state, EvidenceState::kAlarm);
  EXPECT_EQ(of(judge, "down", second_of(1000)).state, EvidenceState::kAlarm);
}

TEST(Judge, DownNeedsNearlyAllToFail) {
  Judge probed(site({.name = "probe"}));
  int64_t second = 0;
  for (; of(probed, "down", second_of(second)).state != EvidenceState::kAlarm; second += 5) {
    ASSERT_LT(second, 100);
    Seen seen;
    seen.observations = {votes(second, 0, 1)};
    must(probed.feed("probe", seen, second_of(second + 1)));
  }
  EXPECT_EQ(second, 6 * 5) << "six probes in a row";
  Random random(4);
  Judge half(site());
  for (int64_t at = 0; at < 600; ++at) {
    Seen seen;
    seen.observations = {drawn(random, at, 3, 0.25)};
    must(half.feed("access", seen, second_of(at + 1)));
  }
  EXPECT_EQ(of(half, "outcomes", second_of(600)).state, EvidenceState::kAlarm);
  EXPECT_EQ(of(half, "down", second_of(600)).measure, "none") << "a quarter fails: bad, not down";
}

TEST(Judge, TheOldReleaseBesideItIsCompared) {
  Random random(5);
  Judge judge(site());
  Seen seen;
  for (int64_t second = 0; second < 60; ++second) {
    seen.observations.push_back(drawn(random, second, 90, 0.05, Arm::kOld));
    seen.observations.push_back(drawn(random, second, 30, 0.3));
  }
  must(judge.feed("access", seen, second_of(60)));
  const Evidence evidence = of(judge, "compared", second_of(60));
  EXPECT_EQ(evidence.state, EvidenceState::kAlarm);
  EXPECT_EQ(evidence.old_votes, 90 * 60);
  EXPECT_EQ(evidence.old_bad > 0 ? evidence.why.substr(evidence.why.find('%')) : "",
            "% of the old release's votes fail beside it");
  // A dependency is down: both fail, and the comparison says so.
  Judge both(site());
  Seen outage = hour_before(random, 0.005);
  for (int64_t second = 0; second < 60; ++second) {
    outage.observations.push_back(drawn(random, second, 90, 0.3, Arm::kOld));
    outage.observations.push_back(drawn(random, second, 30, 0.3));
  }
  must(both.feed("access", outage, second_of(60)));
  EXPECT_EQ(of(both, "outcomes", second_of(60)).state, EvidenceState::kAlarm);
  EXPECT_EQ(of(both, "compared", second_of(60)).state, EvidenceState::kQuiet);
}

TEST(Judge, SlownessIsAMeasureOfItsOwn) {
  Random random(6);
  Judge judge(site());
  Seen seen;
  for (int64_t second = -600; second < 120; ++second) {
    Observation each = votes(second, 100, 0, second < 0 ? Arm::kOld : Arm::kNew);
    const int64_t slow = random.binomial(100, second < 0 ? 0.05 : 0.25);
    each.speeds = {{1, 100 - slow, slow}};
    seen.observations.push_back(each);
  }
  must(judge.feed("access", seen, second_of(120)));
  EXPECT_EQ(of(judge, "speeds", second_of(120)).state, EvidenceState::kAlarm);
  EXPECT_NEAR(of(judge, "speeds", second_of(120)).tolerated, 0.1, 0.005);
  EXPECT_EQ(of(judge, "outcomes", second_of(120)).state, EvidenceState::kClear);
}

TEST(Judge, ABadTimeBeforeIsNoMeasureOfHealth) {
  Random random(7);
  Watched back = site();
  back.before_was_well = false;
  Judge forgiving(site()), strict(back);
  const Seen before = hour_before(random, 0.2);
  for (Judge* judge : {&forgiving, &strict}) {
    must(judge->feed("access", before, second_of(0)));
    for (int64_t second = 0; second < 60; ++second) {
      Seen seen;
      seen.observations = {votes(second, 80, 20)};
      must(judge->feed("access", seen, second_of(second + 1)));
    }
  }
  EXPECT_NE(of(forgiving, "outcomes", second_of(60)).state, EvidenceState::kAlarm) << "it was so before";
  EXPECT_EQ(of(strict, "outcomes", second_of(60)).state, EvidenceState::kAlarm);
  Watched known = back;
  known.signals[0].outcomes = Habits();
  const Votes healthy{1, 995'000, 5'000};
  known.signals[0].outcomes->add({&healthy, 1});
  Judge judge(known);
  Seen seen;
  seen.observations = {votes(0, 100, 0)};
  must(judge.feed("access", seen, second_of(1)));
  EXPECT_NEAR(of(judge, "outcomes", second_of(1)).tolerated, 0.01, 0.0005) << "the journal knows better";
}

TEST(Judge, RequestsWithoutClientsThatFailInBurstsAreWeighedLess) {
  Random random(8);
  int told_apart = 0, together = 0;
  for (int run = 0; run < 40; ++run) {
    for (const bool clients : {true, false}) {
      Judge judge(site({.name = "access", .clients = clients}));
      Seen seen;
      for (int64_t second = -3600; second < 1800; ++second) {
        const int64_t bad = random.chance(0.02) ? std::min<int64_t>(100, 25 + random.binomial(60, 0.3)) : 0;
        seen.observations.push_back(votes(second, 100 - bad, bad, second < 0 ? Arm::kOld : Arm::kNew));
      }
      must(judge.feed("access", seen, second_of(1800)));
      const bool alarm = of(judge, "outcomes", second_of(1800)).state == EvidenceState::kAlarm;
      (clients ? told_apart : together) += alarm ? 1 : 0;
    }
  }
  EXPECT_GT(told_apart, 35) << "the test would show nothing otherwise";
  EXPECT_EQ(together, 0);
}

TEST(Judge, SignalsWithoutVotesAreSilentWithoutBeingBlind) {
  Judge judge(site({.name = "alerts", .votes = false}));
  EXPECT_EQ(of(judge, "occurrences", second_of(0)).state, EvidenceState::kBlind);
  must(judge.feed("alerts", {}, second_of(10)));
  EXPECT_EQ(of(judge, "occurrences", second_of(11)).state, EvidenceState::kQuiet);
  EXPECT_EQ(of(judge, "occurrences", second_of(100)).state, EvidenceState::kBlind) << "nobody looked for 90 s";
  Seen seen;
  seen.occurrences = {{"alert", second_of(105), "High5xx", "", 1, 0, true}};
  must(judge.feed("alerts", seen, second_of(110)));
  EXPECT_EQ(of(judge, "occurrences", second_of(110)).state, EvidenceState::kAlarm);
}

TEST(Judge, ErrorLinesOfALogAreSecondsOfIt) {
  Judge judge(site({.name = "log", .votes = false}));
  Seen before;
  before.occurrences = {{"error-line", second_of(-3600), "Traceback"}};
  must(judge.feed("log", before, second_of(0)));
  for (int64_t second = 0; second < 40; ++second) {
    Seen seen;
    for (int i = 0; i < 50; ++i) seen.occurrences.push_back({"error-line", second_of(second), "Traceback"});
    must(judge.feed("log", seen, second_of(second + 1)));
  }
  EXPECT_EQ(of(judge, "lines", second_of(40)).state, EvidenceState::kAlarm);
  EXPECT_EQ(of(judge, "lines", second_of(40)).votes, 0) << "seconds are no requests";
  EXPECT_EQ(of(judge, "lines", second_of(40)).why, "40 of 40 seconds have an error line, 0.051 % was usual");
  EXPECT_EQ(of(judge, "occurrences", second_of(40)).measure, "none");
}

TEST(Judge, WhatIsNotWatchedCannotBeFed) { EXPECT_FALSE(Judge(site()).feed("other", {}, second_of(0))); }

TEST(Judge, AlphaIsSplitOverTheSignals) {
  Watched four = site();
  for (const char* name : {"b", "c", "d"}) four.signals.push_back({.name = name});
  Judge judge(four);
  Seen seen;
  seen.observations = {votes(0, 10, 0)};
  must(judge.feed("b", seen, second_of(1)));
  const std::vector<Evidence> all = judge.evidence(second_of(1));
  ASSERT_EQ(all.size(), 4);
  EXPECT_EQ(all[0].signal, "access");
  EXPECT_EQ(all[1].signal, "b");
  EXPECT_NEAR(all[1].needed, 10 * std::log10(1800 / (1e-3 / 4 * 0.4)), 0.01);
}

}  // namespace
}  // namespace backout::decide
