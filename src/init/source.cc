#include "init/source.h"

#include <algorithm>

#include "base/text.h"
#include "init/words.h"

namespace backout::init {

std::string nearest_file(const Facts& facts, std::string_view name) {
  std::string best;
  const auto depth = [](std::string_view path) { return std::count(path.begin(), path.end(), '/'); };
  for (const std::string& path : facts.tree)
    if (base_name(path) == name && !path.ends_with('/') && (best.empty() || depth(path) < depth(best))) best = path;
  return best;
}

bool is_settings(std::string_view path) {
  return path.ends_with(".py") &&
         (base_name(path).find("settings") != std::string::npos || path.find("settings/") != std::string_view::npos);
}

bool assigned(std::string_view text, std::string_view name) {
  for (const std::string_view line : lines_of(text))
    if (line.starts_with(name) && trimmed(line.substr(name.size())).starts_with('=') &&
        trimmed(trimmed(line.substr(name.size())).substr(1)) != "None")
      return true;
  return false;
}

std::string in_directory(const std::string& below, const std::string& command) {
  return below.empty() ? command : "cd " + as_word(below) + " && " + command;
}

std::string as_word(const std::string& word) {
  static constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/+:@%,";
  return !word.empty() && word.find_first_not_of(kPlain) == std::string::npos ? word : shell_quoted(word);
}

}  // namespace backout::init
