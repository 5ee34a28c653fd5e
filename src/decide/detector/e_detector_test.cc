#include "decide/detector/e_detector.h"

#include <gtest/gtest.h>

#include "decide/detector/streams_for_tests.h"

namespace backout::decide {
namespace {

using simulated::Random;
using simulated::second_of;

void give(EDetector& detector, int64_t second, int64_t good, int64_t bad, int requests = 1) {
  const Votes votes{requests, good, bad};
  detector.update({&votes, 1}, second_of(second));
}

TEST(EDetector, FiveVotesThatAllFailAreEnough) {
  EDetector detector(0.005, {1.8e8});
  for (int vote = 1; vote <= 5; ++vote) {
    EXPECT_FALSE(detector.alarm()) << vote;
    give(detector, vote, 0, 1);
  }
  EXPECT_TRUE(detector.alarm());
  EXPECT_EQ(detector.onset(), second_of(1));
  EXPECT_EQ(detector.first_bad(), second_of(1));
  EXPECT_EQ(detector.alarm_at(), second_of(5));
  EXPECT_NEAR(detector.needed(), 82.55, 0.01);
  EXPECT_GE(detector.decibels(), detector.needed());
}

TEST(EDetector, TheAlarmStaysAndItsEvidenceToo) {
  EDetector detector(0.005, {1.8e8});
  give(detector, 1, 60, 40);
  ASSERT_TRUE(detector.alarm());
  const double decibels = detector.decibels();
  for (int second = 2; second < 100; ++second) give(detector, second, 100, 0);
  EXPECT_TRUE(detector.alarm());
  EXPECT_EQ(detector.decibels(), decibels);
  EXPECT_EQ(detector.alarm_at(), second_of(1));
}

TEST(EDetector, TheOnsetIsWhereTheWalkTurned) {
  Random random(3);
  for (int i = 0; i < 50; ++i) {
    EDetector detector(0.005, {1.8e6});
    int64_t second = 0;
    for (; !detector.alarm(); ++second) {
      const int64_t bad = random.binomial(50, second < 300 ? 0.002 : 0.06);
      give(detector, second, 50 - bad, bad);
    }
    EXPECT_NEAR(static_cast<double>(to_millis(detector.onset()) - to_millis(second_of(300))), 0, 10'000);
  }
}

TEST(EDetector, SaysHowMuchIsStillNeeded) {
  EDetector detector(0.005, {1.8e8});
  EXPECT_EQ(detector.forecast(second_of(0)).votes, 0) << "nothing is known yet";
  for (int second = 0; second < 20; ++second) give(detector, second, 100, 0);
  EXPECT_EQ(detector.forecast(second_of(20)).votes, 0) << "nothing fails";
  give(detector, 20, 194, 6);
  const EDetector::Forecast forecast = detector.forecast(second_of(20));
  ASSERT_FALSE(detector.alarm());
  // The share of late is what counts: go on with it, and the alarm comes about then.
  EDetector on(0.02, {1.8e8});
  for (int second = 0; second < 3; ++second) give(on, second, 92, 8);
  const EDetector::Forecast needed = on.forecast(second_of(2));
  ASSERT_GT(needed.votes, 0);
  int64_t more = 0;
  for (int second = 3; !on.alarm(); ++second, more += 100) give(on, second, 92, 8);
  EXPECT_NEAR(static_cast<double>(more), static_cast<double>(needed.votes), 101);
  EXPECT_NEAR(static_cast<double>(needed.time.count()), 10.0 * static_cast<double>(needed.votes), 20);
  EXPECT_EQ(on.forecast(second_of(99)).votes, 0) << "the alarm is there";
  EXPECT_GE(forecast.votes, 0);
}

TEST(EDetector, MoreBadVotesAreNeverLessEvidence) {
  Random random(4);
  for (int i = 0; i < 100; ++i) {
    const double p0 = std::pow(10, -4 * random.uniform());
    const auto requests = static_cast<int>(1 + random.next() % 30);
    EDetector fewer(p0, {1e12}), more(p0, {1e12});
    double before = 0;
    for (int second = 0; second < 50; ++second) {
      const auto votes = static_cast<int64_t>(random.next() % 200);
      const int64_t bad = random.binomial(votes, 0.05);
      const int64_t extra = votes > bad && random.chance(0.2) ? 1 : 0;
      give(fewer, second, votes - bad, bad, requests);
      give(more, second, votes - bad - extra, bad + extra, requests);
      ASSERT_GE(more.decibels(), fewer.decibels()) << "seed 4, " << i;
      before = more.decibels();
    }
    EXPECT_GE(before, 0);
  }
}

TEST(EDetector, ASecondAtOnceIsNearlyTheSameAsItsVotesOneByOne) {
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    EDetector batch(0.005, {1e300}), single(0.005, {1e300});
    for (int second = 0; second < 60; ++second) {
      const int64_t bad = random.binomial(20, 0.1);
      give(batch, second, 20 - bad, bad);
      // the bad ones spread evenly
      for (int vote = 0; vote < 20; ++vote) {
        const bool is_bad = (vote + 1) * bad / 20 > vote * bad / 20;
        give(single, second, is_bad ? 0 : 1, is_bad ? 1 : 0);
      }
    }
    EXPECT_LE(batch.decibels(), single.decibels() + 1) << "fewer beginnings";
    EXPECT_GE(batch.decibels(), single.decibels() - 20) << "seed 5";
  }
}

TEST(EDetector, TheStateGoesToJsonAndBackInTheMiddleOfAStream) {
  Random random(6);
  for (int i = 0; i < 30; ++i) {
    const double p0 = 0.001 + 0.05 * random.uniform();
    EDetector whole(p0, {1.8e6, 1.5}), handed(p0, {1.8e6, 1.5});
    for (int second = 0; second < 200; ++second) {
      const int64_t bad = random.binomial(30, second > 150 ? 0.1 : p0);
      give(whole, second, 30 - bad, bad);
      give(handed, second, 30 - bad, bad);
      EDetector next(p0, {1.8e6, 1.5});
      ASSERT_TRUE(next.restore(*parse_json(handed.to_json().dump())));
      handed = next;
    }
    EXPECT_EQ(whole.to_json().dump(), handed.to_json().dump()) << "seed 6, " << i;
    EXPECT_EQ(whole.decibels(), handed.decibels());
    EXPECT_EQ(whole.alarm_at(), handed.alarm_at());
  }
}

TEST(EDetector, AStateThatIsNoneIsRefused) {
  EDetector detector(0.005, {1.8e8});
  give(detector, 1, 9, 1);
  EXPECT_FALSE(detector.restore(Json()));
  Json state = detector.to_json();
  EXPECT_FALSE(EDetector(0.05, {1.8e8}).restore(state)) << "of another tolerance";
  for (const Json& wrong : {Json("x"), Json(), Json::array({1, 2}), Json::object()}) {
    Json changed = state;
    changed["mixture"]["log_r"] = wrong;
    EXPECT_FALSE(detector.restore(changed));
    changed = state;
    changed["mixture"]["log_r"][0] = wrong;
    EXPECT_FALSE(detector.restore(changed));
  }
}

TEST(EDetector, ExtremesStayNumbers) {
  for (const double p0 : {0.0, 1e-300, 1e-9, 0.005, 0.5, 0.74, 0.999, 1.0}) {
    for (const int64_t good : {int64_t{0}, int64_t{1}, int64_t{1'000'000'000}})
      for (const int64_t bad : {int64_t{0}, int64_t{1}, int64_t{1'000'000'000}})
        for (const int requests : {1, 1000, 2'000'000'000}) {
          EDetector detector(p0, {1.8e8});
          for (int second = 0; second < 5; ++second) give(detector, second, good, bad, requests);
          EXPECT_TRUE(std::isfinite(detector.decibels()));
          EXPECT_GE(detector.forecast(second_of(9)).votes, 0);
          EDetector back(p0, {1.8e8});
          ASSERT_TRUE(back.restore(*parse_json(detector.to_json().dump()))) << detector.to_json();
          EXPECT_EQ(back.decibels(), detector.decibels());
        }
  }
  EDetector none(0.005, {1.8e8});
  give(none, 1, 0, 0);
  none.update({}, second_of(2));
  EXPECT_EQ(none.votes(), 0);
  EXPECT_EQ(none.decibels(), 0);
  EXPECT_FALSE(EDetector(0.8, {1.8e8}).can_alarm()) << "nothing stands out";
}

TEST(EDetector, MillionsOfGoodVotesDoNotDullIt) {
  EDetector detector(0.005, {1.8e8});
  for (int second = 0; second < 10'000; ++second) give(detector, second, 1'000'000, 2'000);
  int64_t votes = 0;
  for (; !detector.alarm(); ++votes) give(detector, 10'000 + votes, 0, 1);
  EXPECT_LE(votes, 6);
}

TEST(EDetector, AVoteOfManyRequestsWeighsWhatItsClientCouldShow) {
  EXPECT_DOUBLE_EQ(vote_rate(0.005, 1), 0.005);
  EXPECT_NEAR(vote_rate(0.005, 10), 1 - std::pow(0.995, 10), 1e-12);
  EDetector single(0.005, {1e300}), many(0.005, {1e300});
  give(single, 1, 0, 1, 1);
  give(many, 1, 0, 1, 1000);
  EXPECT_GT(single.decibels(), 15);
  EXPECT_LT(many.decibels(), 1) << "of a thousand requests of a healthy release one fails";
}

TEST(EDetector, OverdispersionDividesWhatIsSaid) {
  EDetector plain(0.005, {1.8e8}), divided(0.005, {1.8e8, 4});
  give(plain, 1, 80, 20);
  give(divided, 1, 80, 20);
  EXPECT_NEAR(divided.decibels(), plain.decibels() / 4, 6);
}

}  // namespace
}  // namespace backout::decide
