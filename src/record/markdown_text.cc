#include "record/markdown_text.h"

#include <algorithm>

#include "base/text.h"

namespace backout::record {
namespace {

constexpr std::string_view kMarkup = R"(\`*_[]<>|~&#!$)";
constexpr std::string_view kPlainInShell = "%+,-./:=@_";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kPlainInShell.find(c) != std::string_view::npos;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : one_line(text)) {
    if (kMarkup.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string code_block(std::string_view text) {
  const std::string clean = sanitised(text);
  if (trimmed(clean).empty()) return "";
  std::string block;
  size_t end = clean.size();
  while (end > 0 && (clean[end - 1] == '\n' || clean[end - 1] == ' ')) --end;
  for (const std::string& line : split(std::string_view(clean).substr(0, end), '\n')) {
    // An empty line keeps its place in the block, without blanks at its end.
    block += line.empty() ? "\n" : "    " + line + "\n";
  }
  return block;
}

std::string typed(const std::vector<std::string>& argv) {
  std::vector<std::string> words;
  for (const std::string& word : argv)
    words.push_back(!word.empty() && std::all_of(word.begin(), word.end(), is_plain) ? word : shell_quoted(word));
  return join(words, " ");
}

}  // namespace backout::record
