// Orders of many random graphs, and what follows from an order.
#include "plan/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace backout::plan {
namespace {

Step step(const std::string& id, Phase phase, const std::vector<std::string>& needs = {}) {
  Step made;
  made.id = StepId(id);
  made.phase = phase;
  for (const std::string& need : needs) made.needs.emplace_back(need);
  return made;
}

std::vector<Step> random_graph(std::mt19937& engine) {
  std::vector<Step> steps;
  const auto up_to = [&](size_t most) { return std::uniform_int_distribution<size_t>(0, most)(engine); };
  for (size_t i = 0; i < 3 + up_to(12); ++i) {
    Step made = step("s" + std::to_string(i), kPhases[up_to(7)]);
    for (const Step& other : steps)
      if (other.phase <= made.phase && up_to(3) == 0) made.needs.push_back(other.id);
    steps.push_back(std::move(made));
  }
  std::shuffle(steps.begin(), steps.end(), engine);
  return steps;
}

TEST(Order, OfRandomGraphsNeverPutsAStepBeforeWhatItNeedsOrBeforeAnEarlierPhase) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 engine(seed);
  for (int i = 0; i < 300; ++i) {
    const std::vector<Step> given = random_graph(engine);
    const auto sorted = ordered(given);
    ASSERT_TRUE(sorted) << sorted.error().message;
    ASSERT_EQ(sorted->size(), given.size());
    std::set<StepId> done;
    for (const Step& each : *sorted) {
      EXPECT_TRUE(is_ready(each, *sorted, [&](const StepId& id) { return done.count(id) != 0; })) << each.id.str();
      done.insert(each.id);
    }
    EXPECT_EQ(done.size(), given.size()) << "each step once";
    EXPECT_EQ(ordered(*sorted).value(), *sorted) << "an order stays as it is";
  }
}

TEST(Order, NamesBothStepsOfANeedThatComesLaterOrIsNotThere) {
  const auto later = ordered({step("early", Phase::kPrepare, {"late"}), step("late", Phase::kOpen)});
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Code::kInternal);
  EXPECT_NE(later.error().message.find("'early'"), std::string::npos);
  EXPECT_NE(later.error().message.find("'late'"), std::string::npos);
  const auto ghost = ordered({step("a", Phase::kPrepare, {"ghost"})});
  ASSERT_FALSE(ghost);
  EXPECT_NE(ghost.error().message.find("'ghost'"), std::string::npos);
}

TEST(Order, RefusesAStepThatNeedsItself) { EXPECT_FALSE(ordered({step("a", Phase::kOpen, {"a"})})); }

TEST(IsReady, WaitsForEarlierPhasesAndNeedsAndForNothingElse) {
  const std::vector<Step> steps = {step("save", Phase::kPrepare), step("a", Phase::kSwitch),
                                   step("b", Phase::kSwitch, {"a"}), step("c", Phase::kSwitch),
                                   step("open", Phase::kOpen)};
  const auto ready = [&](const std::string& id, const std::set<std::string>& done) {
    const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& each) { return each.id.str() == id; });
    return is_ready(*found, steps, [&](const StepId& each) { return done.count(each.str()) != 0; });
  };
  EXPECT_TRUE(ready("save", {}));
  EXPECT_FALSE(ready("a", {}));
  EXPECT_TRUE(ready("a", {"save"}));
  EXPECT_FALSE(ready("b", {"save"}));
  EXPECT_TRUE(ready("b", {"save", "a"}));
  EXPECT_TRUE(ready("c", {"save"})) << "beside a and b";
  EXPECT_FALSE(ready("open", {"save", "a", "b"}));
}

}  // namespace
}  // namespace backout::plan
