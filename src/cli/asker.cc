#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cli/progress_view.h"

namespace backout::cli {
namespace {
Result<std::string> typed(const std::string& question) {
  if (!can_ask()) return Error{Code::kUnavailable, "standard input is not a terminal", ""};
  std::printf("%s ", one_line(question).c_str());
  std::fflush(stdout);
  char answer[4096];
  if (std::fgets(answer, sizeof answer, stdin) == nullptr) return Error{Code::kUnavailable, "no answer", ""};
  return std::string(trimmed(answer));
}
bool is_yes(const std::string& words) { return words == "y" || words == "Y" || words == "yes" || words == "Yes"; }
}  // namespace

Result<run::Asker::Answer> TerminalAsker::ask(const std::string& question, const std::string& role) {
  const std::string words = TRY(typed(question + (role.empty() ? "" : " (" + role + ")") + " [y/N]"));
  return Answer{is_yes(words), words, app::acting_person()};
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
