#include "run/crew.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace backout::run {
namespace {

struct Ended {
  size_t task;
  Result<Outcome> result;
};

}  // namespace

const Crew::Task* Crew::run(const std::vector<Task>& tasks,
                            const std::function<bool(const Task&, Result<Outcome>)>& ended) {
  enum class Stage { kWaiting, kRunning, kDone };
  std::vector<Stage> stages(tasks.size(), Stage::kWaiting);
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Ended> inbox;
  std::vector<std::jthread> threads(tasks.size());  // below what they use: they end first
  int running = 0;
  bool badly = false;

  const auto met = [&](const StepId& need) {
    for (size_t i = 0; i < tasks.size(); ++i)
      if (tasks[i].step->id == need && stages[i] != Stage::kDone) return false;
    return true;
  };
  const auto begin_ready_ones = [&] {
    for (size_t i = 0; i < tasks.size() && running < size_ && !badly; ++i) {
      const std::vector<StepId>& needs = tasks[i].step->needs;
      if (stages[i] != Stage::kWaiting || !std::all_of(needs.begin(), needs.end(), met)) continue;
      stages[i] = Stage::kRunning;
      ++running;
      threads[i] = std::jthread([&, i] {
        Result<Outcome> result = work_(tasks[i]);
        const std::lock_guard lock(mutex);
        inbox.push_back({i, std::move(result)});
        arrived.notify_one();
      });
    }
  };

  begin_ready_ones();
  while (running > 0) {
    std::unique_lock lock(mutex);
    arrived.wait(lock, [&] { return !inbox.empty(); });
    Ended end = std::move(inbox.front());
    inbox.pop_front();
    lock.unlock();
    --running;
    stages[end.task] = Stage::kDone;
    if (!ended(tasks[end.task], std::move(end.result))) badly = true;
    begin_ready_ones();
  }
  for (size_t i = 0; i < tasks.size() && !badly; ++i)
    if (stages[i] == Stage::kWaiting) return &tasks[i];
  return nullptr;
}

}  // namespace backout::run
