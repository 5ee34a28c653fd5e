#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

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
bool is_one_of(const std::string& words, std::initializer_list<std::string_view> wanted) {
  return std::find(wanted.begin(), wanted.end(), words) != wanted.end();
}
bool is_yes(const std::string& words) { return is_one_of(words, {"y", "Y", "yes", "Yes", "YES"}); }
/// Enter alone is the No that [y/N] promises.
bool is_no(const std::string& words) { return is_one_of(words, {"", "n", "N", "no", "No", "NO"}); }

constexpr const char* kNeitherYesNorNo = "neither yes nor no; please answer y or n:";

/// "y the total is right": the word, and what was seen. A slip of the finger is no answer: none, to be asked again.
std::optional<run::Asker::Answer> answer_from(const std::string& line) {
  const std::string word = line.substr(0, line.find(' '));
  if (!is_yes(word) && !is_no(word)) return std::nullopt;
  return run::Asker::Answer{is_yes(word), word, app::acting_person(),
                            std::string(trimmed(std::string_view(line).substr(word.size())))};
}

/// Whether a line came within a moment.
bool line_is_there(Millis wait) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, static_cast<int>(wait.count())) > 0;
}
}  // namespace

Result<run::Asker::Answer> TerminalAsker::ask(const std::string& question, const std::string& role) {
  std::string line = TRY(typed(question + (role.empty() ? "" : " (" + role + ")") + " [y/N]"));
  while (true) {
    if (auto answer = answer_from(line)) return std::move(*answer);
    line = TRY(typed(kNeitherYesNorNo));
  }
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
      if (auto answer = answer_from(std::string(trimmed(line)))) return std::move(*answer);
      std::printf("%s ", kNeitherYesNorNo);
      std::fflush(stdout);
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
