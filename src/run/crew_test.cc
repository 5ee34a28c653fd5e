#include "run/crew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace backout::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Crews : ::testing::Test {
  std::vector<Step> steps;
  std::vector<Crew::Task> tasks;
  std::vector<std::string> ended;
  std::set<std::string> fail;

  void have(const std::vector<std::pair<std::string, std::vector<std::string>>>& graph, const std::string& host = "a") {
    for (const auto& [id, needs] : graph) {
      Step step;
      step.id = StepId(id);
      for (const std::string& need : needs) step.needs.emplace_back(need);
      steps.push_back(std::move(step));
    }
    for (const Step& step : steps) tasks.push_back({&step, host});
  }
  void run(int size) {
    Crew crew(size, [&](const Crew::Task& task) -> Result<Outcome> {
      return Outcome{fail.count(task.step->id.str()) != 0 ? OutcomeKind::kFailed : OutcomeKind::kApplied, ""};
    });
    run(crew);
  }
  void run(Crew& crew) {
    crew.run(tasks, [&](const Crew::Task& task, Result<Outcome> outcome) {
      ended.push_back(task.step->id.str());
      return outcome && outcome->succeeded();
    });
  }
};

TEST_F(Crews, OfOneKeepsTheGivenOrder) {
  have({{"c", {}}, {"a", {}}, {"b", {}}});
  run(1);
  EXPECT_THAT(ended, ElementsAre("c", "a", "b"));
}

TEST_F(Crews, BeginsATaskWhenAllThatItNeedsHasSucceeded) {
  have({{"d", {"b", "c"}}, {"c", {"a"}}, {"b", {"a"}}, {"a", {}}});
  run(1);
  EXPECT_THAT(ended, ElementsAre("a", "c", "b", "d"));
}

TEST_F(Crews, WaitsForANeedOnAllItsHosts) {
  have({{"a", {}}, {"b", {"a"}}});
  tasks.insert(tasks.begin() + 1, {&steps[0], "other"});
  run(2);
  EXPECT_THAT(ended, ElementsAre("a", "a", "b"));
}

TEST_F(Crews, CountsANeedOutsideThePhaseAsMet) {
  have({{"b", {"from-an-earlier-phase"}}});
  run(1);
  EXPECT_THAT(ended, ElementsAre("b"));
}

TEST_F(Crews, BeginsNothingAfterABadEnd) {
  have({{"a", {}}, {"b", {}}, {"c", {}}});
  fail = {"b"};
  run(1);
  EXPECT_THAT(ended, ElementsAre("a", "b"));
}

TEST_F(Crews, OfNobodyStillWorks) {
  have({{"a", {}}});
  run(0);
  EXPECT_THAT(ended, ElementsAre("a")) << "a phase without workers must not look like a phase that is done";
}

/// Counts who is at work, and lets them leave when `all_in` are there, or nobody more comes in 5 s.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0, most = 0, all_in = 0;
  bool open = false;
  void through() {
    std::unique_lock lock(mutex);
    most = std::max(most, ++inside);
    if (inside >= all_in) open = true;
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(5), [&] { return open; });
    --inside;
  }
};

TEST_F(Crews, WorksOnAsManyTasksAtOnceAsAllowedAndOnNoMore) {
  have({{"a", {}}, {"b", {}}, {"c", {}}, {"d", {}}, {"e", {}}, {"f", {}}, {"g", {}}});
  Gate gate;
  gate.all_in = 3;
  Crew crew(3, [&](const Crew::Task&) -> Result<Outcome> {
    gate.through();
    return Outcome{OutcomeKind::kApplied, ""};
  });
  run(crew);
  EXPECT_TRUE(gate.open) << "never three at once";
  EXPECT_EQ(gate.most, 3);
  EXPECT_EQ(ended.size(), 7U);
}

TEST_F(Crews, WaitsForWhatIsUnderWayWhenAnotherEndsBadly) {
  have({{"bad", {}}, {"slow", {}}, {"never", {}}});
  std::atomic<bool> bad_ended = false;
  Crew crew(2, [&](const Crew::Task& task) -> Result<Outcome> {
    if (task.step->id.str() == "bad") return Outcome{OutcomeKind::kFailed, ""};
    for (int i = 0; i < 5000 && !bad_ended; ++i) std::this_thread::sleep_for(Millis(1));
    return Outcome{OutcomeKind::kApplied, ""};
  });
  crew.run(tasks, [&](const Crew::Task& task, Result<Outcome> outcome) {
    ended.push_back(task.step->id.str());
    bad_ended = true;
    return outcome && outcome->succeeded();
  });
  EXPECT_THAT(ended, ElementsAre("bad", "slow"));
}

TEST_F(Crews, HasNothingToDoWithoutTasks) {
  run(4);
  EXPECT_THAT(ended, IsEmpty());
}

}  // namespace
}  // namespace backout::run
