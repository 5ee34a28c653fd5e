#include <gtest/gtest.h>
#include "decide/detector/judge.h"
TEST(Smoke, Makes) {
  backout::decide::Judge judge({});
  EXPECT_TRUE(judge.evidence({}).empty());
}
