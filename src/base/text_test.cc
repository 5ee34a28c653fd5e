#include "base/text.h"

#include <gtest/gtest.h>

namespace backout {
namespace {

TEST(Sanitised, ReplacesInvalidBytesAndDropsEscapeSequencesIntroducers) {
  EXPECT_EQ(sanitised("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(sanitised("\x1B[31mred\n\tok\r"), "[31mred\n\tok");
  EXPECT_EQ(sanitised("\xC3\xA9\xE2\x82\xAC"), "\xC3\xA9\xE2\x82\xAC");
  EXPECT_EQ(sanitised("a\xE2\x80\xAEz\xE2\x81\xA6."), "az.");  // U+202E, U+2066
  EXPECT_EQ(sanitised("\xC2\x9B"
                      "31m"),
            "31m");
  EXPECT_EQ(sanitised("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Nearest, FindsTheSlipAndNothingFarAway) {
  EXPECT_EQ(nearest("chekcs", {"checks", "code"}), "checks");
  EXPECT_EQ(nearest("zebra", {"checks", "code"}), std::nullopt);
}

TEST(Duration, ParsesUnitsAndRefusesBareNumbers) {
  EXPECT_EQ(parse_duration("250ms"), Millis(250));
  EXPECT_EQ(parse_duration("5m"), Millis(300'000));
  EXPECT_EQ(parse_duration("30"), std::nullopt);
  EXPECT_EQ(parse_duration("s"), std::nullopt);
  EXPECT_EQ(parse_duration("-3s"), std::nullopt);
  EXPECT_EQ(parse_duration("9999999999999999d"), std::nullopt);
}

TEST(ShellQuoted, KeepsEveryByteAsData) { EXPECT_EQ(shell_quoted("it's $(x)"), "'it'\\''s $(x)'"); }

TEST(Shortened, NeverCutsACharacterInTwo) { EXPECT_EQ(shortened("aé€", 3), "aé..."); }

TEST(ForPeople, NamesTheUnit) {
  EXPECT_EQ(for_people(Millis(230)), "0.2 s");
  EXPECT_EQ(for_people(Millis(48'200)), "48 s");
  EXPECT_EQ(for_people(Millis(192'000)), "3 min 12 s");
  EXPECT_EQ(bytes_for_people(2'100'000'000), "2.1 GB");
  EXPECT_EQ(counted(1, "row"), "1 row");
}

}  // namespace
}  // namespace backout
