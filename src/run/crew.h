// Crew: runs tasks of one phase, as many at once as allowed, each as soon as what it needs has succeeded. After the
// first task that ends badly no new one begins; those under way are waited for, so that every outcome is known.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/outcome.h"
#include "model/step.h"

namespace backout::run {

class Crew {
 public:
  struct Task {
    const Step* step;
    std::string host;
  };
  /// A `size` below 1 counts as 1.
  Crew(int size, std::function<Result<Outcome>(const Task&)> work)
      : size_(size < 1 ? 1 : size), work_(std::move(work)) {}
  /// `ended` is called on the calling thread for each task, in order of their ends; false means that it ended badly.
  /// Needs on steps that are not among `tasks` count as met: phases are barriers. Returns a task that nothing kept from
  /// beginning but its needs, which never come true (a circle); null when there is none.
  const Task* run(const std::vector<Task>& tasks, const std::function<bool(const Task&, Result<Outcome>)>& ended);

 private:
  const int size_;
  const std::function<Result<Outcome>(const Task&)> work_;
};

}  // namespace backout::run
