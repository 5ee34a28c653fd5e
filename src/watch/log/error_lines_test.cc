#include "watch/log/error_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace backout::watch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
const WallTime kNow = wall_from_millis(1'763'733'800'000);  // 2025-11-21T14:03:20Z

std::vector<std::string> told_by(ErrorLines& lines) {
  std::vector<std::string> told;
  for (const Occurrence& each : lines.take())
    told.push_back(fmt::format("{} {}x {}", each.kind, each.count, each.what));
  return told;
}
std::vector<Pattern> patterns(std::initializer_list<const char*> list) {
  std::vector<Pattern> compiled;
  for (const char* each : list) compiled.push_back(Pattern::compile(each).value());
  return compiled;
}
const std::string kKnown = "2025-11-21 14:00:00 ERROR payment 17 of user bob@example.com declined\n";
const std::string kNew = "2025-11-21 14:03:11 ERROR coupon 'X7' has no owner 99\n";

TEST(ErrorLinesTest, CountsByKindAndCallsNewWhatTheOldReleaseNeverWrote) {
  const ErrorLines::Rules rules;
  ErrorLines lines(rules);
  lines.learn(kKnown + "all is well\n");
  lines.read(kKnown + kKnown + kNew + kNew + kNew + "INFO fine\n\n", 0, kNow);
  EXPECT_THAT(told_by(lines), ElementsAre("error-line 2x # # ERROR payment # of user # declined",
                                          "template 3x # # ERROR coupon '*' has no owner #",
                                          "error-line 3x # # ERROR coupon '*' has no owner #"));
  EXPECT_EQ(lines.lines(), 6);
  EXPECT_EQ(lines.errors(), 5);
}

TEST(ErrorLinesTest, OneStrayLineIsNoWitnessButThreeLooksWithOneAre) {
  const ErrorLines::Rules rules;
  Json memory;
  for (int look = 0; look < 5; ++look) {
    ErrorLines lines(rules);
    lines.remember(memory);
    if (look == 0) lines.learn(kKnown);
    lines.read(kNew, 0, kNow);
    const auto told = told_by(lines);
    EXPECT_EQ(told.size(), look == 2 ? 2U : 1U) << "told once, at the third: look " << look;
    memory = Json::parse(lines.memory().dump());
  }
}

TEST(ErrorLinesTest, WithNothingToCompareWithNoKindIsNew) {
  const ErrorLines::Rules rules;
  ErrorLines lines(rules);
  lines.read(kNew + kNew + kNew + kNew, 0, kNow);
  EXPECT_THAT(told_by(lines), ElementsAre("error-line 4x # # ERROR coupon '*' has no owner #"));
  EXPECT_FALSE(lines.has_learnt());
}

TEST(ErrorLinesTest, PatternsOfTheUserDecideWhatCounts) {
  const ErrorLines::Rules rules{
      .errors = patterns({"gateway down"}), .ignore = patterns({"probe"}), .templates = false};
  ErrorLines lines(rules);
  lines.learn("x\n");
  lines.read("gateway down 1\nprobe: gateway down\n" + kNew + kNew + kNew, 0, kNow);
  EXPECT_THAT(told_by(lines), ElementsAre("error-line 1x gateway down #"));
}

TEST(ErrorLinesTest, TimesAreTheLinesOwnAndNeverInTheFuture) {
  const ErrorLines::Rules rules;
  ErrorLines lines(rules);
  lines.read("2025-11-21 16:01:00 ERROR one\nERROR two\n2031-01-01 00:00:00 ERROR three\n", 120, kNow);
  const auto told = lines.take();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(to_iso(told[0].at), "2025-11-21T14:01:00.000Z");
  EXPECT_EQ(to_iso(told[1].at), "2025-11-21T14:01:00.000Z") << "with the line before";
  EXPECT_EQ(told[2].at, kNow);
}

TEST(ErrorLinesTest, StaysBoundedWhateverComes) {
  const ErrorLines::Rules rules;
  ErrorLines lines(rules);
  std::string text;
  for (int each = 0; each < 5000; ++each) {
    std::string word;
    for (int rest = each + 1; rest > 0; rest /= 20) word += static_cast<char>('g' + rest % 20);
    text += "ERROR " + word + " broke\n";
  }
  lines.learn(text);
  lines.read(text, 0, kNow);
  EXPECT_LE(lines.take().size(), 2 * kNewKinds + kToldKinds);
  EXPECT_GT(lines.kinds_left_out(), 0);
  EXPECT_LT(lines.memory().dump().size(), 100'000U);
  lines.read("ERROR " + std::string(1 << 20, 'x') + "\n" + std::string("ERROR \xff\x00\x1b[31m\n", 12), 0, kNow);
  for (const Occurrence& each : lines.take()) EXPECT_LE(each.what.size(), 300U);
}

TEST(ErrorLinesTest, AMemoryThatIsNoneIsNothing) {
  const ErrorLines::Rules rules;
  ErrorLines lines(rules);
  lines.remember(Json::parse(R"({"known": [1, "a"], "new": {"x": 7, "y": ["a", true], "z": [1, 1]}})"));
  EXPECT_TRUE(lines.has_learnt());
  EXPECT_EQ(lines.memory(), Json::parse(R"({"known": ["a"]})"));
}

}  // namespace
}  // namespace backout::watch
