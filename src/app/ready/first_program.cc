#include "app/ready/first_program.h"

#include <algorithm>
#include <array>

namespace backout::app::ready {
namespace {

constexpr std::string_view kSpace = " \t";
constexpr std::string_view kEnds = ";&|\n";  // of a simple command

/// The first simple command of `script` as words; `rest` begins behind what ends it.
std::vector<std::string> next_command(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n;"), rest.size()));
  const std::string_view command = rest.substr(0, rest.find_first_of(kEnds));
  rest.remove_prefix(command.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(kEnds), rest.size()));
  std::vector<std::string> words;
  for (size_t at = command.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const size_t end = std::min(command.find_first_of(kSpace, at), command.size());
    words.emplace_back(command.substr(at, end - at));
    at = command.find_first_not_of(kSpace, end);
  }
  return words;
}

/// NAME=value, where the value is plain.
bool is_setting(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0 || word[0] == '=' || (word[0] >= '0' && word[0] <= '9'))
    return false;
  const bool name = word.substr(0, equals).find_first_not_of(
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
  const std::string_view value = word.substr(equals + 1);
  return name && (value.empty() || is_plain_word(value));
}

bool goes_before(std::string_view word) {
  constexpr std::array<std::string_view, 6> kBefore = {"exec", "command", "nohup", "time", "setsid", "env"};
  return std::find(kBefore.begin(), kBefore.end(), word) != kBefore.end();
}

}  // namespace

bool is_plain_word(std::string_view word) {
  return !word.empty() && word.find_first_of("$\"'`(){}<>|&;*?[]~!#=\\\n\t") == std::string_view::npos;
}

FirstProgram first_program(std::string_view script, const std::string& cwd) {
  FirstProgram found{{}, cwd};
  while (script.find_first_not_of(" \t\n;") != std::string_view::npos) {
    const std::vector<std::string> words = next_command(script);
    size_t at = 0;
    bool finds_by_path = true;  // PATH=... in front changes where programs are looked for
    while (at < words.size() && (is_setting(words[at]) || goes_before(words[at]))) {
      finds_by_path = finds_by_path && !words[at].starts_with("PATH=");
      ++at;
    }
    if (!finds_by_path) return found;
    if (at == words.size() && at > 0) continue;  // settings alone
    if (at == words.size() || !is_plain_word(words[at]) || words[at].starts_with('-')) return found;
    if (words[at] == "set") continue;
    if (words[at] == "cd") {
      if (words.size() != at + 2 || !is_plain_word(words[at + 1]) || words[at + 1].starts_with('-')) return found;
      found.cwd = words[at + 1].starts_with('/') || found.cwd.empty() ? words[at + 1] : found.cwd + "/" + words[at + 1];
      continue;
    }
    for (; at < words.size() && is_plain_word(words[at]); ++at) found.words.push_back(words[at]);
    return found;
  }
  return found;
}

}  // namespace backout::app::ready
