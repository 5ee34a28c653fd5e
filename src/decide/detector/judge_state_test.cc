// A watch lasts hours, over many processes, kills and clocks that jump.
#include <gtest/gtest.h>

#include <cstdio>

#include "decide/detector/judge.h"
#include "decide/detector/streams_for_tests.h"

namespace backout::decide {
namespace {

using simulated::Random;
using simulated::second_of;

Watched watched_site() {
  Watched watched;
  watched.current = "v2";
  watched.before = "v1";
  watched.cutover = second_of(0);
  watched.signals = {{.name = "access"}, {.name = "metrics", .clients = false}, {.name = "log", .votes = false}};
  return watched;
}

Observation second_with(Random& random, int64_t second, Arm arm, double rate) {
  Observation observation;
  observation.second = second_of(second);
  observation.arm = arm;
  for (const int requests : {1, 2, 3, 5, 8, 40}) {
    const int64_t bad = random.binomial(20, vote_rate(rate, requests)), slow = random.binomial(20, 0.05);
    observation.outcomes.push_back({requests, 20 - bad, bad});
    observation.speeds.push_back({requests, 20 - slow, slow});
    observation.requests += 20 * requests;
    observation.failed += bad;
  }
  return observation;
}

Seen look(Random& random, int64_t from, int64_t to, double rate) {
  Seen seen;
  for (int64_t second = from; second < to; ++second) {
    seen.observations.push_back(second_with(random, second, Arm::kOld, 0.005));
    if (second >= 0) seen.observations.push_back(second_with(random, second, Arm::kNew, rate));
    if (random.chance(0.1)) seen.occurrences.push_back({"error-line", second_of(second), "Traceback"});
    if (random.chance(0.02)) seen.occurrences.push_back({"template", second_of(second), "new", "", 1, 1});
  }
  seen.position = {{"offset", to}};
  return seen;
}

std::string said(const Judge& judge, WallTime now) {
  std::string text;
  for (const Evidence& each : judge.evidence(now)) text += to_json(each).dump() + '\n';
  return text;
}

TEST(JudgeState, HandedFromProcessToProcessItIsTheSameToTheBit) {
  Random random(1);
  Judge whole(watched_site()), handed(watched_site());
  int64_t from = -600;
  while (from < 900) {
    const int64_t to = from < 0 ? 0 : from + static_cast<int64_t>(random.next() % 20);
    for (const char* signal : {"access", "metrics", "log"}) {
      Seen seen = look(random, from, to, from > 600 ? 0.02 : 0.005);
      if (random.chance(0.1)) seen = {.position = seen.position, .blind = "cannot be read"};
      ASSERT_TRUE(whole.feed(signal, seen, second_of(to)));
      ASSERT_TRUE(handed.feed(signal, seen, second_of(to)));
    }
    auto next = Judge::from_json(watched_site(), *parse_json(handed.to_json().dump()));
    ASSERT_TRUE(next) << next.error().message;
    handed = std::move(*next);
    ASSERT_EQ(said(handed, second_of(to)), said(whole, second_of(to))) << to;
    EXPECT_EQ(handed.position("access"), Json({{"offset", to}}));
    from = to;
  }
  EXPECT_EQ(handed.to_json().dump(), whole.to_json().dump());
  EXPECT_NE(said(whole, second_of(900)).find("\"alarm\""), std::string::npos);
}

TEST(JudgeState, IsSmall) {
  Random random(2);
  Watched one = watched_site();
  one.signals.resize(1);
  Judge judge(one);
  ASSERT_TRUE(judge.feed("access", look(random, -600, 0, 0.005), second_of(0)));
  const size_t idle = judge.to_json().dump().size();
  ASSERT_TRUE(judge.feed("access", look(random, 0, 1800, 0.005), second_of(1800)));
  const size_t busy = judge.to_json().dump().size();
  std::printf("  %zu bytes idle, %zu with all measures and six sizes of votes\n", idle, busy);
  EXPECT_LT(idle, 1000);
  EXPECT_LT(busy, 4000);
}

TEST(JudgeState, AKilledLookIsLostAndNothingElse) {
  Random random(3);
  Judge judge(watched_site());
  ASSERT_TRUE(judge.feed("access", look(random, 0, 100, 0.005), second_of(100)));
  const Json stored = judge.to_json();
  const Seen lost = look(random, 100, 105, 0.005);
  ASSERT_TRUE(judge.feed("access", lost, second_of(105)));
  auto again = Judge::from_json(watched_site(), stored);
  ASSERT_TRUE(again);
  EXPECT_EQ(get_int(again->position("access"), "offset"), 100) << "the look is taken again from here";
  ASSERT_TRUE(again->feed("access", lost, second_of(105)));
  EXPECT_EQ(again->to_json(), judge.to_json());
}

TEST(JudgeState, SecondsToldAgainAreCountedOnce) {
  Random random(4);
  Judge once(watched_site()), twice(watched_site());
  Seen seen = look(random, 0, 300, 0.008);
  std::erase_if(seen.occurrences, [](const Occurrence& each) { return each.kind == "template"; });  // has no second
  const Seen more = look(random, 300, 310, 0.008);
  ASSERT_TRUE(once.feed("access", seen, second_of(300)));
  ASSERT_TRUE(twice.feed("access", seen, second_of(300)));
  ASSERT_TRUE(twice.feed("access", seen, second_of(300)));
  ASSERT_TRUE(once.feed("access", more, second_of(310)));
  ASSERT_TRUE(twice.feed("access", more, second_of(310)));
  EXPECT_EQ(said(once, second_of(310)), said(twice, second_of(310)));
  ASSERT_EQ(twice.remarks("access").size(), 1);
  EXPECT_EQ(twice.remarks("access")[0], "600 seconds were told again or too late, and left out");
}

TEST(JudgeState, ClocksThatJumpNeitherBlindNorDeafenIt) {
  for (const int64_t jump : {-86'400, -3'600, -100, 100, 3'600, 86'400}) {
    Random random(5);
    Judge judge(watched_site());
    ASSERT_TRUE(judge.feed("access", look(random, -600, 0, 0.005), second_of(0)));
    for (int64_t second = 0; second < 60; ++second)
      ASSERT_TRUE(judge.feed("access", look(random, second, second + 1, 0.005), second_of(second + 1)));
    EXPECT_EQ(said(judge, second_of(60)).find("\"alarm\""), std::string::npos);
    int64_t second = 60;
    for (; second < 260 && said(judge, second_of(second + jump)).find("\"alarm\"") == std::string::npos; ++second) {
      const int64_t at = second + jump;
      Seen seen;
      seen.observations = {second_with(random, at, Arm::kNew, 0.3)};
      ASSERT_TRUE(judge.feed("access", seen, second_of(at + 1)));
    }
    EXPECT_LE(second, 60 + (jump == -100 ? 105 : 4))
        << jump << ": at most two minutes, when it cannot be told from late";
    // and when the clock is right again
    ASSERT_TRUE(judge.feed("access", look(random, second, second + 1, 0.005), second_of(second + 1)));
    EXPECT_EQ(said(judge, second_of(second + 2)).find("\"blind\",\"votes\":0,\"why\":\"nothing"), std::string::npos);
  }
}

TEST(JudgeState, AConfigurationThatChangedMeanwhile) {
  Random random(6);
  Judge judge(watched_site());
  for (const char* signal : {"access", "metrics", "log"})
    ASSERT_TRUE(judge.feed(signal, look(random, -60, 60, 0.005), second_of(60)));
  Watched changed = watched_site();
  changed.signals = {{.name = "access"}, {.name = "probe"}};
  const auto next = Judge::from_json(changed, judge.to_json());
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(next->outcomes_of("access").to_json(), judge.outcomes_of("access").to_json());
  EXPECT_EQ(next->position("probe"), Json());
  EXPECT_EQ(next->outcomes_of("metrics").votes(), 0) << "not watched any more";
}

/// Any change of the stored document is refused or read; nothing crashes, and no number is none.
TEST(JudgeState, BrokenDocumentsAreRefusedOrRead) {
  constexpr uint64_t kSeed = 7;
  std::printf("  seed %llu\n", static_cast<unsigned long long>(kSeed));
  Random random(kSeed);
  Judge judge(watched_site());
  for (const char* signal : {"access", "metrics", "log"})
    ASSERT_TRUE(judge.feed(signal, look(random, -60, 60, 0.02), second_of(60)));
  const std::string whole = judge.to_json().dump();
  EXPECT_FALSE(Judge::from_json(watched_site(), Json()));
  EXPECT_FALSE(Judge::from_json(watched_site(), {{"format", 2}}));
  const Json flat = judge.to_json().flatten();
  const Json odd[] = {
      Json(), "x", -1, 1e308, Json::array(), Json::object(), true, 9'223'372'036'854'775'807, Json::array({1, 2})};
  int read = 0, refused = 0;
  for (int i = 0; i < 1500; ++i) {
    Json changed;
    if (i % 2 == 0) {
      changed = judge.to_json();
      auto victim = flat.begin();
      std::advance(victim, static_cast<std::ptrdiff_t>(random.next() % flat.size()));
      Json::json_pointer where(victim.key());
      if (random.chance(0.3) && !where.empty()) where.pop_back();
      changed[where] = odd[random.next() % std::size(odd)];
    } else {
      std::string text = whole;
      for (int j = 0; j < 3; ++j) text[random.next() % text.size()] = static_cast<char>(random.next() % 256);
      auto parsed = parse_json(text);
      if (!parsed) continue;
      changed = *parsed;
    }
    auto next = Judge::from_json(watched_site(), changed);
    next ? ++read : ++refused;
    if (!next) continue;
    (void)said(*next, second_of(61));
    ASSERT_TRUE(next->feed("access", look(random, 60, 62, 0.02), second_of(62)));
    (void)said(*next, second_of(62));
  }
  EXPECT_GT(read, 50);
  EXPECT_GT(refused, 50);
}

TEST(JudgeState, SourcesThatTellNonsenseDoNotBreakIt) {
  Judge judge(watched_site());
  Seen seen;
  for (const int64_t millis : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX}) {
    Observation each;
    each.second = wall_from_millis(millis);
    each.outcomes = {{1, 0, 100}};
    seen.observations.push_back(each);
    seen.occurrences.push_back({"error-line", wall_from_millis(millis), "x"});
  }
  Observation empty;
  empty.second = second_of(1);
  empty.outcomes = {{0, 0, 0}, {-5, 3, 0}, {1, -3, -3}};
  seen.observations.push_back(empty);
  ASSERT_TRUE(judge.feed("access", seen, second_of(2)));
  EXPECT_EQ(said(judge, second_of(2)).find("\"alarm\""), std::string::npos);
}

/// The whole judge over healthy watches: the bound is for all its measures together.
TEST(JudgeState, HealthyWatchesOfTheWholeJudge) {
  Random random(8);
  int alarms = 0;
  constexpr int kWatches = 100;
  for (int run = 0; run < kWatches; ++run) {
    Watched one = watched_site();
    one.signals.resize(1);
    one.signals[0].tolerance = kStrict;
    Judge judge(one);
    Seen seen;
    for (int64_t second = -300; second < 600; ++second)
      for (const Arm arm : {Arm::kOld, Arm::kNew}) {
        if (second < 0 && arm == Arm::kNew) continue;
        Observation each;
        each.second = second_of(second);
        each.arm = arm;
        const int64_t bad = random.binomial(50, 0.01), slow = random.binomial(50, 0.05);
        each.outcomes = {{1, 50 - bad, bad}};
        each.speeds = {{1, 50 - slow, slow}};
        seen.observations.push_back(each);
      }
    ASSERT_TRUE(judge.feed("access", seen, second_of(600)));
    alarms += said(judge, second_of(600)).find("\"alarm\"") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(alarms, 0);
}

}  // namespace
}  // namespace backout::decide
