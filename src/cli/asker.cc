#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cli/progress_view.h"

namespace backout::cli {
namespace {
constexpr Millis kBetweenLooks{300};

Result<std::string> typed(const std::string& question) {
  if (!can_ask()) return Error{Code::kUnavailable, "standard input is not a terminal", ""};
  std::printf("%s ", one_line(question).c_str());
  std::fflush(stdout);
  char answer[4096];
  if (std::fgets(answer, sizeof answer, stdin) == nullptr) return Error{Code::kUnavailable, "no answer", ""};
  return std::string(trimmed(answer));
}
bool is_yes(const std::string& words) { return words == "y" || words == "Y" || words == "yes" || words == "Yes"; }

/// "y the total is right": the word, and what was seen.
run::Asker::Answer answer_from(const std::string& line) {
  const std::string word = line.substr(0, line.find(' '));
  return {is_yes(word), word, app::acting_person(), std::string(trimmed(std::string_view(line).substr(word.size())))};
}

/// Whether a line came within a moment.
bool line_is_there(Millis wait) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, static_cast<int>(wait.count())) > 0;
}
}  // namespace

Result<run::Asker::Answer> TerminalAsker::ask(const std::string& question, const std::string& role) {
  return answer_from(TRY(typed(question + (role.empty() ? "" : " (" + role + ")") + " [y/N]")));
}

Result<run::Asker::Answer> TerminalAsker::ask_or_hear(const std::string& question, const std::string& role,
                                                      const Elsewhere& elsewhere, bool patient) {
  if (!can_ask() && !patient) return Error{Code::kUnavailable, "standard input is not a terminal", ""};
  if (can_ask()) {
    std::printf("%s%s [y/N] ", one_line(question).c_str(), role.empty() ? "" : (" (" + one_line(role) + ")").c_str());
    std::fflush(stdout);
  }
  while (true) {
    auto heard = elsewhere();
    if (can_ask() && (!heard || *heard)) std::printf("\n");
    if (!heard) return std::move(heard).error();
    if (*heard) {
      if (can_ask())
        std::printf("answered '%s' by %s\n", one_line((*heard)->words).c_str(), one_line((*heard)->by).c_str());
      return std::move(**heard);
    }
    if (!can_ask()) {
      system_clock().wait(kBetweenLooks, {});
    } else if (line_is_there(kBetweenLooks)) {
      char line[1024];
      if (std::fgets(line, sizeof line, stdin) == nullptr) return Error{Code::kUnavailable, "no answer", ""};
      return answer_from(std::string(trimmed(line)));
    }
  }
}

Result<std::string> typed_line(const std::string& question) { return typed(question); }

bool can_ask() { return isatty(STDIN_FILENO) != 0; }

Result<bool> confirm(const std::string& question, const std::string& word) {
  auto words = typed(question + (word.empty() ? " [y/N]" : " Type " + word + " to go on:"));
  if (!words)
    return Error{Code::kRefused, "nobody confirmed: standard input is not a terminal", "in scripts say --yes"};
  return word.empty() ? is_yes(*words) : *words == word;
}

}  // namespace backout::cli
