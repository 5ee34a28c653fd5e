#include "cli/said_once.h"

#include <gtest/gtest.h>

namespace backout::cli {
namespace {

TEST(SaidOnce, each_reason_to_wait_is_told_once) {
  SaidOnce said;
  EXPECT_TRUE(said.is_news("attempt 1/200: worker runs for 13 ms only: shop:v1 (199aa71e1021)"));
  EXPECT_FALSE(said.is_news("attempt 2/200: worker runs for 263 ms only: shop:v1 (199aa71e1021)"));
  EXPECT_FALSE(said.is_news("attempt 9/200: worker runs for 1.2 s only: shop:v1 (199aa71e1021)"));
  EXPECT_TRUE(said.is_news("attempt 10/200: web is not healthy yet"));
  EXPECT_FALSE(said.is_news("attempt 12/200: worker runs for 1 min 2 s only: shop:v1 (199aa71e1021)"));
  EXPECT_FALSE(said.is_news("attempt 200/200: web is not healthy yet"));
}

TEST(SaidOnce, what_has_always_another_reason_falls_silent) {
  SaidOnce said;
  int news = 0;
  for (char each = 'a'; each <= 'z'; ++each) news += said.is_news(std::string("because of ") + each) ? 1 : 0;
  EXPECT_EQ(news, 8);
}

}  // namespace
}  // namespace backout::cli
