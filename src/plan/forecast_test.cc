#include "plan/forecast.h"

#include <gtest/gtest.h>

namespace backout::plan {
namespace {

Step step(const std::string& id, Phase phase, const std::vector<std::string>& needs = {},
          StepKind kind = StepKind::kEffect) {
  Step made;
  made.id = StepId(id);
  made.phase = phase;
  made.kind = kind;
  for (const std::string& need : needs) made.needs.emplace_back(need);
  return made;
}

TEST(Forecast, OfNothingIsNothing) {
  const Forecast seen = forecast({}, {});
  EXPECT_EQ(seen.total, Millis(0));
  EXPECT_EQ(seen.outage, Millis(0));
}

TEST(Forecast, AddsUpNeedsAndLetsTheRestGoBesideThem) {
  const Durations earlier = {{"a", {Millis(10)}}, {"b", {Millis(20)}}, {"c", {Millis(25)}}};
  EXPECT_EQ(
      forecast({step("a", Phase::kSwitch), step("b", Phase::kSwitch, {"a"}), step("c", Phase::kSwitch)}, earlier).total,
      Millis(30));
  EXPECT_EQ(forecast({step("a", Phase::kSwitch), step("b", Phase::kSwitch), step("c", Phase::kSwitch)}, earlier).total,
            Millis(25));
}

TEST(Forecast, TakesTheMedianSoThatOneSlowNightDoesNotCount) {
  const Forecast seen = forecast({step("a", Phase::kSwitch)}, {{"a", {Millis(9000), Millis(10), Millis(12)}}});
  EXPECT_EQ(seen.per_step.at("a"), Millis(12));
  EXPECT_EQ(seen.source, "3 earlier runs");
}

TEST(Forecast, GuessesByKindAndSaysThatItGuesses) {
  const Forecast seen =
      forecast({step("effect", Phase::kSwitch), step("look", Phase::kSwitch, {}, StepKind::kLook),
                step("ask", Phase::kSwitch, {}, StepKind::kAsk), step("record", Phase::kSwitch, {}, StepKind::kRecord)},
               {});
  EXPECT_EQ(seen.per_step.at("effect"), Millis(2000));
  EXPECT_EQ(seen.per_step.at("look"), Millis(1000));
  EXPECT_EQ(seen.per_step.at("ask"), Millis(60'000));
  EXPECT_EQ(seen.per_step.at("record"), Millis(0));
  EXPECT_NE(seen.source.find("a guess"), std::string::npos);
  const Forecast half = forecast({step("a", Phase::kSwitch), step("b", Phase::kSwitch)}, {{"a", {Millis(1)}}});
  EXPECT_EQ(half.source, "1 earlier run, a guess where a step is new");
}

TEST(Forecast, CountsNoOutageWhenNothingIsClosed) {
  const Forecast seen = forecast({step("a", Phase::kSwitch), step("open", Phase::kOpen)}, {});
  EXPECT_EQ(seen.outage, Millis(0));
  EXPECT_GT(seen.total, Millis(0));
}

TEST(Forecast, CountsNoOutageWhereUsersStay) {
  Step stay = step("stay", Phase::kClose);
  stay.action.args["users_stay"] = true;
  const Forecast seen = forecast({stay, step("handover", Phase::kStart)}, {});
  EXPECT_EQ(seen.outage, Millis(0));
  EXPECT_GT(forecast({stay, step("stop", Phase::kClose), step("handover", Phase::kStart)}, {}).outage, Millis(0));
}

TEST(Forecast, CountsTheOutageToTheEndOfCheckWhenNoStepOpens) {
  const Forecast seen =
      forecast({step("stop", Phase::kClose), step("start", Phase::kStart), step("tidy", Phase::kSettle)},
               {{"stop", {Millis(5)}}, {"start", {Millis(7)}}, {"tidy", {Millis(100)}}});
  EXPECT_EQ(seen.outage, Millis(12));
}

}  // namespace
}  // namespace backout::plan
