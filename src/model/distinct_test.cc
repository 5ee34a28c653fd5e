#include "model/distinct.h"

#include <gtest/gtest.h>

#include <random>

namespace backout {
namespace {

TEST(Distinct, CountsWithinFivePercentFromNoneToMillions) {
  std::mt19937_64 random(7);
  Distinct set;
  EXPECT_EQ(set.count(), 0);
  int64_t added = 0;
  for (const int64_t upto : {1, 10, 100, 1'000, 10'000, 100'000, 3'000'000}) {
    for (; added < upto; ++added) set.add(random());
    EXPECT_NEAR(static_cast<double>(set.count()), static_cast<double>(upto), 0.05 * static_cast<double>(upto) + 0.5);
  }
}

TEST(Distinct, TheSameThingAgainChangesNothing) {
  Distinct set;
  for (int i = 0; i < 1000; ++i) set.add(0x123456789abcdef0U);
  EXPECT_EQ(set.count(), 1);
}

TEST(Distinct, MergedSetsCountTheirUnion) {
  std::mt19937_64 random(8);
  Distinct both, a, b;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t hash = random();
    both.add(hash);
    if (i < 12'000) a.add(hash);
    if (i > 8'000) b.add(hash);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
}

TEST(Distinct, GoesToTextAndBack) {
  std::mt19937_64 random(9);
  Distinct set;
  for (int i = 0; i <= 5000; ++i) {
    if (i == 0 || i == 1 || i == 50 || i == 5000) {
      const std::string text = set.to_text();
      EXPECT_LE(text.size(), 4096U);
      const auto back = Distinct::from_text(text);
      ASSERT_TRUE(back);
      EXPECT_EQ(back->to_text(), text);
      EXPECT_EQ(back->count(), set.count());
    }
    set.add(random());
  }
  set.add(0);  // the highest rank there is
  EXPECT_TRUE(Distinct::from_text(set.to_text()));
}

TEST(Distinct, WhatIsNoSuchTextIsRefused) {
  for (const std::string& text : {std::string(), std::string("abc"), std::string("~ab"), std::string("~\xff\xff\xff"),
                                  std::string(4096, '\x01'), std::string(4096, 'z')})
    EXPECT_FALSE(Distinct::from_text(text)) << text.substr(0, 10);
}

}  // namespace
}  // namespace backout
