#include <gtest/gtest.h>

#include "plan/compose.h"
#include "plan/order.h"

namespace backout::plan {
namespace {

Step step(const std::string& id, Phase phase, std::vector<std::string> needs = {}) {
  Step made;
  made.id = StepId(id);
  made.phase = phase;
  made.action = {"command", "run", Json::object()};
  for (std::string& need : needs) made.needs.emplace_back(std::move(need));
  return made;
}

std::string ids(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& each : steps) text += each.id.str() + " ";
  return text;
}

TEST(Ordered, SortsByPhaseThenByNeedsAndKeepsTheGivenOrderOtherwise) {
  const auto sorted = ordered({step("open", Phase::kOpen), step("b", Phase::kPrepare, {"a"}),
                               step("c", Phase::kPrepare), step("a", Phase::kPrepare)});
  ASSERT_TRUE(sorted);
  EXPECT_EQ(ids(*sorted), "c a b open ");
}

TEST(Ordered, RefusesNonsenseFromADriver) {
  EXPECT_FALSE(ordered({step("a", Phase::kOpen), step("a", Phase::kOpen)}));
  EXPECT_FALSE(ordered({step("a", Phase::kOpen, {"ghost"})}));
  EXPECT_FALSE(ordered({step("a", Phase::kPrepare, {"z"}), step("z", Phase::kOpen)}));
  const auto circle = ordered({step("a", Phase::kOpen, {"b"}), step("b", Phase::kOpen, {"a"})});
  ASSERT_FALSE(circle);
  EXPECT_NE(circle.error().message.find("circle"), std::string::npos);
}

Draft shop() {
  Draft draft;
  draft.contract.site = SiteId("shop/production");
  draft.offers = {
      {Part::kService, {step("stop-worker", Phase::kClose), step("start-worker", Phase::kStart)}},
      {Part::kService, {step("stop-web", Phase::kClose), step("start-web", Phase::kStart)}},
      {Part::kDoor, {step("close-door", Phase::kClose), step("open-door", Phase::kOpen)}},
      {Part::kCode, {step("switch-code", Phase::kSwitch)}},
      {Part::kCommand, {step("flush-cache", Phase::kSwitch)}},
  };
  return draft;
}

TEST(Compose, ClosesTheDoorThenDrainsInOrderAndStartsInReverse) {
  const auto plan = compose(shop());
  ASSERT_TRUE(plan);
  EXPECT_EQ(ids(plan->contract.steps),
            "close-door stop-worker stop-web switch-code flush-cache start-web start-worker open-door ");
}

TEST(Compose, GivesTheSameIdForTheSameContractWhateverTheForecastSays) {
  Draft later = shop();
  later.earlier["close-door"] = {Millis(9), Millis(7), Millis(8)};
  later.now = wall_from_millis(99);
  const auto one = compose(shop()), two = compose(std::move(later));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->id, two->id);
  EXPECT_EQ(two->forecast.per_step.at("close-door"), Millis(8));
}

TEST(Compose, RoundTripsThroughJsonAndRefusesAChangedContract) {
  const auto plan = compose(shop());
  ASSERT_TRUE(plan);
  Json stored = to_json(*plan);
  ASSERT_TRUE(plan_from_json(stored));
  stored["contract"]["to"] = "v0.0.1";
  EXPECT_FALSE(plan_from_json(stored));
}

TEST(Forecast, CountsTheOutageFromCloseToOpenAlongTheLongestPath) {
  const Forecast seen = forecast({step("save", Phase::kPrepare), step("close", Phase::kClose),
                                  step("x", Phase::kSwitch), step("y", Phase::kSwitch), step("open", Phase::kOpen)},
                                 {{"close", {Millis(100)}},
                                  {"x", {Millis(50)}},
                                  {"y", {Millis(70)}},
                                  {"open", {Millis(1)}},
                                  {"save", {Millis(500)}}});
  EXPECT_EQ(seen.outage, Millis(171));
  EXPECT_EQ(seen.total, Millis(671));
}

}  // namespace
}  // namespace backout::plan
