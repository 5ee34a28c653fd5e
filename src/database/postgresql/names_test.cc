#include "database/postgresql/names.h"

#include <gtest/gtest.h>

namespace backout::postgresql {
namespace {

TEST(NamesBeside, OfTheRunAndTheWord) {
  EXPECT_EQ(name_beside("shop", "RUN-0007", "new"), "shop__backout_RUN-0007_new");
  const std::string longest(28, 'x');
  EXPECT_EQ(name_beside(longest, "R1", "old"), longest + "__backout_R1_old");
}

TEST(NamesBeside, TwoThatBeginAlikeDoNotShareOne) {
  const std::string common(28, 'x');
  const std::string one = name_beside(common + "_eu", "R1", "new"), other = name_beside(common + "_us", "R1", "new");
  EXPECT_NE(one, other);
  EXPECT_NE(one, name_beside(common, "R1", "new"));
  EXPECT_TRUE(one.starts_with(common.substr(0, 19) + "_")) << one;
  EXPECT_EQ(one.size(), common.size() + std::string("__backout_R1_new").size());
  EXPECT_EQ(one, name_beside(common + "_eu", "R1", "new")) << "and it is always the same";
}

TEST(NamesBeside, AreCutBetweenCharactersAndFit) {
  std::string umlauts;
  for (int i = 0; i < 31; ++i) umlauts += "\xc3\xbc";
  const std::string name = name_beside("x" + umlauts, "RUN-0007", "undone");
  EXPECT_LE(name.size(), kLongestName);
  EXPECT_EQ(name.find("__backout_"), 28U - 0U) << name;
  EXPECT_EQ(start_of("\xc3\xbc\xc3\xbc", 3), "\xc3\xbc");
  EXPECT_EQ(start_of("\xc3\xbc", 1), "");
  EXPECT_LE(name_for_test(std::string(63, 'x')).size() + 14, kLongestName) << "with what an unfinished one bears";
  EXPECT_NE(start_of_tests(std::string(63, 'x')), start_of_tests(std::string(62, 'x')));
}

}  // namespace
}  // namespace backout::postgresql
