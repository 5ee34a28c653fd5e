#include <gtest/gtest.h>

#include "decide/detector/all_clear.h"
#include "decide/detector/streams_for_tests.h"
#include "decide/detector/told.h"
#include "decide/detector/two_arm.h"

namespace backout::decide {
namespace {

using simulated::Random;
using simulated::second_of;

TEST(TwoArm, AFewRequestsOfTheCanaryAreCompared) {
  // One request of the new release in ten seconds, one of the old a second: no second has both.
  TwoArm arms(1.8e6);
  int64_t second = 0;
  for (; !arms.alarm() && second < 600; ++second) {
    const Votes now{1, 0, 1}, then{1, 1, 0};
    if (second % 10 == 5)
      arms.update({&now, 1}, {}, second_of(second));
    else
      arms.update({}, {&then, 1}, second_of(second));
  }
  EXPECT_TRUE(arms.alarm());
  EXPECT_LE(second, 120);
  EXPECT_EQ(arms.newer().votes, arms.newer().bad);
  EXPECT_EQ(arms.older().bad, 0);
}

TEST(TwoArm, OneArmAloneSaysNothing) {
  TwoArm arms(1.8e6);
  for (int64_t second = 0; second < 1000; ++second) {
    const Votes now{1, 0, 50};
    arms.update({&now, 1}, {}, second_of(second));
  }
  EXPECT_FALSE(arms.alarm());
  EXPECT_FALSE(arms.comparable());
  EXPECT_EQ(arms.decibels(), 0);
}

TEST(TwoArm, SizesAreComparedWithTheirOwn) {
  // The old release serves clients of twelve requests, the new one of one: both fail in 0.5 % of requests.
  Random random(2);
  TwoArm arms(1.8e6);
  for (int64_t second = 0; second < 3000; ++second) {
    const int64_t few = random.binomial(50, 0.005), many = random.binomial(50, vote_rate(0.005, 12));
    const int64_t small = random.binomial(5, 0.005), large = random.binomial(2, vote_rate(0.005, 12));
    const Votes now[] = {{1, 50 - few, few}, {12, 2 - large, large}};
    const Votes then[] = {{1, 5 - small, small}, {12, 50 - many, many}};
    arms.update(now, then, second_of(second));
  }
  EXPECT_FALSE(arms.alarm());
}

TEST(TwoArm, TheStateGoesToJsonAndBack) {
  Random random(3);
  TwoArm whole(1.8e6), handed(1.8e6);
  for (int64_t second = 0; second < 500; ++second) {
    std::vector<Votes> now, then;
    if (random.chance(0.3)) now = {{static_cast<int>(1 + random.next() % 3), 1, random.chance(0.1) ? 1 : 0}};
    if (random.chance(0.6)) then = {{static_cast<int>(1 + random.next() % 3), 3, random.chance(0.1) ? 1 : 0}};
    whole.update(now, then, second_of(second));
    handed.update(now, then, second_of(second));
    TwoArm next(1.8e6);
    ASSERT_TRUE(next.restore(*parse_json(handed.to_json().dump())));
    handed = next;
  }
  EXPECT_EQ(whole.to_json(), handed.to_json());
  EXPECT_FALSE(handed.restore(Json()));
}

TEST(AllClear, IsLostWhenItGoesWrongLater) {
  AllClear clear(0.005);
  const Votes good{1, 100, 0}, bad{1, 90, 10};
  EXPECT_GT(clear.good_votes_needed(), 300);
  int seconds = 0;
  for (; !clear.clear(); ++seconds) clear.update({&good, 1});
  EXPECT_EQ(seconds, 4);
  EXPECT_EQ(clear.good_votes_needed(), 0);
  for (int i = 0; i < 10'000; ++i) clear.update({&good, 1});
  EXPECT_TRUE(clear.clear());
  clear.update({&bad, 1});
  EXPECT_FALSE(clear.clear());
}

TEST(AllClear, AHealthyBadVoteDoesNotTakeItAway) {
  AllClear clear(0.005);
  const Votes good{1, 199, 1};
  for (int i = 0; i < 20; ++i) clear.update({&good, 1});
  for (int i = 0; i < 1000; ++i) {
    clear.update({&good, 1});
    EXPECT_TRUE(clear.clear());
  }
}

TEST(AllClear, HoldsAtExtremesAndGoesToJson) {
  for (const double p : {0.0, 1e-9, 0.3, 0.9, 1.0})
    for (const int64_t bad : {int64_t{0}, int64_t{1'000'000'000}}) {
      AllClear clear(p);
      const Votes votes{3, 1'000'000'000, bad};
      clear.update({&votes, 1});
      AllClear back(p);
      ASSERT_TRUE(back.restore(*parse_json(clear.to_json().dump())));
      EXPECT_EQ(back.clear(), clear.clear());
      EXPECT_GE(clear.good_votes_needed(), 0);
    }
}

TEST(Told, ASecondIsCountedOnce) {
  Told told;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(told.admit(second_of(i), second_of(i)));
  EXPECT_FALSE(told.admit(second_of(9), second_of(10)));
  EXPECT_FALSE(told.admit(second_of(3), second_of(10)));
  EXPECT_EQ(told.left_out(), 2);
  EXPECT_TRUE(told.admit(second_of(10), second_of(10)));
}

TEST(Told, AllOfAnHourToldAgainIsLeftOut) {
  Told told;
  for (int i = 0; i < 3600; ++i) told.admit(second_of(i), second_of(i));
  told.end_look();
  for (int i = 0; i < 3000; ++i) EXPECT_FALSE(told.admit(second_of(i), second_of(3600)));
  told.end_look();
  EXPECT_TRUE(told.admit(second_of(3600), second_of(3600)));
}

TEST(Told, AClockThatWasSetBackIsBelieved) {
  Told both;  // of this machine: our own clock went back too
  EXPECT_TRUE(both.admit(second_of(7200), second_of(7200)));
  EXPECT_TRUE(both.admit(second_of(3600), second_of(3600)));
  EXPECT_TRUE(both.admit(second_of(3601), second_of(3601)));
  EXPECT_EQ(both.jumps(), 1);
  Told remote;  // of another machine: from the second look on
  EXPECT_TRUE(remote.admit(second_of(7200), second_of(7200)));
  remote.end_look();
  EXPECT_FALSE(remote.admit(second_of(3601), second_of(7201)));
  remote.end_look();
  EXPECT_TRUE(remote.admit(second_of(3602), second_of(7202)));
  EXPECT_TRUE(remote.admit(second_of(3603), second_of(7203)));
}

TEST(Told, AClockThatWasAheadIsForgotten) {
  Told told;
  EXPECT_TRUE(told.admit(second_of(100'000), second_of(5)));
  EXPECT_TRUE(told.admit(second_of(6), second_of(6)));
  Told back;
  back.restore(told.to_json());
  EXPECT_EQ(back.to_json(), told.to_json());
  EXPECT_TRUE(back.admit(second_of(7), second_of(7)));
}

}  // namespace
}  // namespace backout::decide
