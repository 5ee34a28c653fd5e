#include "model/step_word.h"

#include <gtest/gtest.h>

namespace backout {
namespace {

TEST(StepWord, is_made_of_a_name_in_any_alphabet) {
  EXPECT_EQ(step_word("Turn the flag ON!"), "turn-the-flag-on");
  EXPECT_EQ(step_word("/health?deep=1"), "health-deep-1");
  EXPECT_EQ(step_word("celery@2.service"), "celery-2.service");
  EXPECT_EQ(step_word("курс").size(), 9U);
  EXPECT_NE(step_word("курс"), step_word("支払い"));
  EXPECT_EQ(step_word("курс"), step_word("курс"));
  EXPECT_NE(step_word("***"), step_word("+"));
}

TEST(StepWord, of_long_names_with_the_same_beginning_are_different) {
  const std::string same(80, 'a');
  EXPECT_EQ(step_word(same + "1").size(), 60U);
  EXPECT_NE(step_word(same + "1"), step_word(same + "2"));
  EXPECT_EQ(step_word(std::string(60, 'a')), std::string(60, 'a'));
}

}  // namespace
}  // namespace backout
