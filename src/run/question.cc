#include "run/question.h"

#include <algorithm>

namespace backout::run {

std::vector<Question> open_questions(const std::vector<Event>& events) {
  std::vector<Question> open;
  for (const Event& event : events) {
    const std::string step = get_string(event.body, "step");
    const auto at = std::find_if(open.begin(), open.end(), [&](const Question& each) { return each.step == step; });
    if (event.type == EventType::kRunEnded) open.clear();
    if (event.type == EventType::kQuestionAsked && !step.empty()) {
      Question asked{step, get_string(event.body, "question"), get_string(event.body, "role"), event.at, std::nullopt};
      if (at == open.end())
        open.push_back(std::move(asked));
      else
        *at = std::move(asked);
    }
    if (at == open.end()) continue;
    if (event.type == EventType::kQuestionAnswered) at->answer = event.body;
    if (event.type == EventType::kStepEnded && get_string(get(event.body, "outcome"), "kind") != "unknown")
      open.erase(at);
  }
  return open;
}

}  // namespace backout::run
