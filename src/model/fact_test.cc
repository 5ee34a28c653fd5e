#include "model/fact.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/text.h"
#include "model/rule.h"

namespace backout {
namespace {

std::string read_as(FactId id, std::string_view text) {
  const auto value = fact_value_from(id, text);
  return value ? fact_value_text(id, *value) : value.error().message;
}

TEST(Fact, EachHasANameAQuestionAndARuleForNotBeingKnown) {
  std::set<std::string_view> names;
  for (const FactKind& kind : all_fact_kinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_EQ(fact_named(kind.name), kind.id);
    EXPECT_FALSE(kind.unknown.empty()) << kind.name;
    EXPECT_TRUE(kind.question.ends_with('?')) << kind.name;
    EXPECT_EQ(kind.scale == FactScale::kLevels, !kind.levels.empty()) << kind.name;
    EXPECT_FALSE(kind.symptom && kind.scale != FactScale::kYesNo) << kind.name;
  }
  EXPECT_FALSE(fact_named("severty"));
}

TEST(Fact, ValuesAreReadAsPeopleWriteThem) {
  EXPECT_EQ(read_as(FactId::kSeverity, "sev1"), "sev1");
  EXPECT_EQ(read_as(FactId::kSeverity, "Critical"), "sev1");
  EXPECT_EQ(read_as(FactId::kSeverity, "P2"), "sev3");
  EXPECT_EQ(read_as(FactId::kUsers, "60%"), "60 %");
  EXPECT_EQ(read_as(FactId::kUsers, " 13.75 % "), "13.8 %");
  EXPECT_EQ(read_as(FactId::kErrorRate, "0.25"), "0.25 %");
  EXPECT_EQ(read_as(FactId::kMigration, "M3"), "breaking");
  EXPECT_EQ(read_as(FactId::kMigration, "irreversible"), "destructive");
  EXPECT_EQ(read_as(FactId::kHotfix, "20m"), "20 min");
  EXPECT_EQ(read_as(FactId::kHotfix, "none"), "none");
  EXPECT_EQ(read_as(FactId::kLatency, "1.5x"), "1.5x");
  EXPECT_EQ(read_as(FactId::kLatency, "+50%"), "1.5x");
  EXPECT_EQ(read_as(FactId::kRowsLost, "37"), "37");
  EXPECT_EQ(read_as(FactId::kAuth, "yes"), "yes");
  EXPECT_EQ(read_as(FactId::kAuth, "unknown"), "unknown");
  EXPECT_EQ(read_as(FactId::kData, "loss"), "corruption");
}

TEST(Fact, WhatIsNoValueSaysWhatIsExpected) {
  EXPECT_EQ(read_as(FactId::kHotfix, "soon"), "hotfix: expected a duration, such as 20m, or none, got 'soon'");
  EXPECT_EQ(read_as(FactId::kUsers, "120%"), "users: expected a percentage, such as 60%, got '120%'");
  EXPECT_EQ(read_as(FactId::kUsers, "nan"), "users: expected a percentage, such as 60%, got 'nan'");
  EXPECT_EQ(read_as(FactId::kSeverity, "sev9"), "severity: expected one of sev4, sev3, sev2, sev1, got 'sev9'");
  EXPECT_EQ(read_as(FactId::kAuth, "perhaps\x1b[31m"), "auth: expected yes or no, got 'perhaps[31m'");
  EXPECT_EQ(read_as(FactId::kRowsLost, "-3"), "rows_lost: expected a whole number, got '-3'");
}

TEST(Fact, UnknownIsAValueOfItsOwn) {
  Facts facts;
  EXPECT_FALSE(facts.known(FactId::kMigration));
  EXPECT_EQ(facts.value(FactId::kMigration), level_of(FactId::kMigration, "breaking"));
  EXPECT_EQ(facts.value(FactId::kHotfix), kNever);
  EXPECT_EQ(facts.value(FactId::kUsers), std::nullopt);
  EXPECT_FALSE(facts.yes(FactId::kAuth));
}

TEST(Fact, GoesThroughJson) {
  Facts facts;
  facts.set(FactId::kUsers, 13.8, "signal shop-log", wall_from_millis(1000), "141 of 1,020 clients");
  facts.set(FactId::kAuth, Fact{.value = 1, .source = "told by dana", .at = {}, .confidence = 0.8, .detail = ""});
  const Json json = to_json(facts);
  const Result<Facts> back = facts_from_json(json);
  ASSERT_TRUE(back);
  EXPECT_EQ(json, to_json(*back));
  EXPECT_FALSE(facts_from_json(Json{{{"name", "nonsense"}}}));
}

std::string condition(FactId id, const std::vector<std::string>& any_of) {
  const auto predicate = predicate_from(id, any_of);
  if (!predicate) return predicate.error().message;
  std::string holds;
  for (const double value : {0.0, 9.0, 10.0, 30.0, 50.0, 80.0, 100.0}) holds += predicate->holds(value) ? '1' : '0';
  return holds;
}

TEST(Predicate, ComparisonsRangesAndLists) {
  EXPECT_EQ(condition(FactId::kUsers, {">50%"}), "0000011");
  EXPECT_EQ(condition(FactId::kUsers, {">=50%"}), "0000111");
  EXPECT_EQ(condition(FactId::kUsers, {"<10%"}), "1100000");
  EXPECT_EQ(condition(FactId::kUsers, {"<=10%"}), "1110000");
  EXPECT_EQ(condition(FactId::kUsers, {"10%..50%"}), "0011000");
  EXPECT_EQ(condition(FactId::kUsers, {"10% to 50%"}), "0011100");
  EXPECT_EQ(condition(FactId::kUsers, {"<10%", ">=80%"}), "1100011");
  EXPECT_EQ(condition(FactId::kUsers, {"50%"}), "users: '50%' is a single value, which is hardly ever met");
  EXPECT_EQ(condition(FactId::kUsers, {"50%..10%"}), "users: '50%..10%' goes from more to less");
  EXPECT_EQ(condition(FactId::kUsers, {}), "users: '' says nothing");
}

TEST(Predicate, LevelsAndTheUnknown) {
  Facts facts;
  const auto worse = predicate_from(FactId::kSeverity, {"sev2 or worse"});
  ASSERT_TRUE(worse);
  EXPECT_EQ(worse->holds(facts), Predicate::Holds::kOpen);
  facts.set(FactId::kSeverity, level_of(FactId::kSeverity, "sev1"), "told");
  EXPECT_EQ(worse->holds(facts), Predicate::Holds::kYes);
  facts.set(FactId::kSeverity, level_of(FactId::kSeverity, "sev3"), "told");
  EXPECT_EQ(worse->holds(facts), Predicate::Holds::kNo);
  const auto unknown = predicate_from(FactId::kUsers, {"<10%", "unknown"});
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->holds(facts), Predicate::Holds::kYes);
  const auto breaking = predicate_from(FactId::kMigration, {"breaking or worse"});
  ASSERT_TRUE(breaking);
  EXPECT_EQ(breaking->holds(facts), Predicate::Holds::kYes) << "an unknown migration counts as breaking";
}

TEST(Predicate, WhateverIsWrittenIsReadOrRefused) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string pieces[] = {"<", ">", "=", "%", "..", " to ", " or worse", "sev1", "1e9",
                                "-", "x", "+", "m", "h",  "99",   ".",         "\xff", "unknown"};
  for (int time = 0; time < 20'000; ++time) {
    std::string text;
    for (size_t count = random() % 5; count > 0; --count) text += pieces[random() % std::size(pieces)];
    const FactId id = all_fact_kinds()[random() % kFactCount].id;
    const auto predicate = predicate_from(id, {text});
    EXPECT_TRUE(predicate || predicate.error().message.size() < 300U) << text;
  }
}

}  // namespace
}  // namespace backout
