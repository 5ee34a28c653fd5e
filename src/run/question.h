// Questions of a run to people, as its journal has them. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/event.h"

namespace backout::run {

struct Question {
  std::string step, question, role;
  WallTime asked_at{};
  std::optional<Json> answer;  // {answer, yes, by, note}; none: nobody answered yet
};

/// Questions whose step has not come to an end, or came to one only because nobody answered; oldest first. `events`: of
/// one run, in order.
std::vector<Question> open_questions(const std::vector<Event>& events);

}  // namespace backout::run
