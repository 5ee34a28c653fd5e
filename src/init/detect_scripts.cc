// The team's own deploy script: how it builds a release, and where the code comes from. Lines are looked at, nothing is
// run; a line is taken only when it is wholly understood.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

constexpr std::string_view kVersion = "$(git describe --tags --always)";

bool builds(std::string_view line) {
  static constexpr std::string_view kTools[] = {
      "python3 -m venv", "python -m venv", "venv/bin/",        ".venv/bin/",  "pip install", "pip3 install", "npm ",
      "yarn ",           "pnpm ",          "bundle ",          "make",        "go build",    "composer ",    "poetry ",
      "./build",         "npx ",           "bin/rails assets", "cargo build", "cmake "};
  static constexpr std::string_view kNot[] = {"migrat", "restart", "reload", "npm start",
                                              "pm2",    "db:",     "serve",  "celery"};
  const bool is_version_file =
      line.starts_with("echo ") &&
      (line.ends_with(">VERSION") || line.ends_with(">version.txt") || line.ends_with(">REVISION"));
  if (std::any_of(std::begin(kNot), std::end(kNot),
                  [&](std::string_view word) { return line.find(word) != std::string_view::npos; }))
    return false;
  if (line == "make" || line.starts_with("make ")) return true;
  return is_version_file || std::any_of(std::begin(kTools), std::end(kTools), [&](std::string_view tool) {
           return tool != "make" && line.starts_with(tool);
         });
}

/// "(cd there && command)" -> "command".
std::string bare(std::string_view line) {
  line = trimmed(line);
  const bool subshell = line.starts_with('(');
  if (subshell) line.remove_prefix(1);
  line = trimmed(line);
  if (line.starts_with("cd ")) {
    const size_t end = line.find(" && ");
    if (end == std::string_view::npos) return "";
    line = trimmed(line.substr(end + 4));
  }
  if (subshell && line.ends_with(')')) line.remove_suffix(1);
  return std::string(trimmed(line));
}

/// `echo "$version" >"releases/$version/VERSION"` as the build says it, from inside the release.
std::string as_version_file(const std::string& line) {
  const size_t arrow = line.rfind('>');
  if (!line.starts_with("echo ") || arrow == std::string::npos || arrow + 1 == line.size()) return line;
  const std::vector<std::string> target = words_of(std::string_view(line).substr(arrow + 1));
  const std::string name = target.size() == 1 ? base_name(target.front()) : "";
  return name == "VERSION" || name == "version.txt" || name == "REVISION" ? line.substr(0, arrow) + ">" + name : line;
}

/// The name of the release in the script ("$1", or a variable that is set to it) becomes what git calls it.
std::string with_version(std::string line, const std::string& variable) {
  for (const std::string& name : {"${" + variable + "}", "$" + variable, std::string("${1}"), std::string("$1")})
    if (name != "$" && name != "${}") line = replaced(std::move(line), name, std::string("\x01"));
  return replaced(std::move(line), "\x01", kVersion);
}

std::string version_variable(std::string_view text) {
  for (std::string_view line : lines_of(text)) {
    line = trimmed(line);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const std::string_view value = line.substr(equals + 1);
    if (value == "$1" || value == "\"$1\"" || value.starts_with("${1:") || value.starts_with("\"${1:"))
      return std::string(line.substr(0, equals));
  }
  return "";
}

}  // namespace

void detect_scripts(const Facts& facts, Draft& draft) {
  for (const FileFact& script : facts.scripts) {
    const std::string variable = version_variable(script.text);
    std::vector<Seen> build;
    bool whole = true;
    int number = 0;
    for (const std::string_view line : lines_of(script.text)) {
      ++number;
      if (trimmed(line).starts_with('#')) continue;
      for (const std::string& word : words_of(line))
        if (word.ends_with(".git") && word.find('$') == std::string::npos && line.find("git") < line.find(word))
          take(draft.git, without_password(word).first, fmt::format("{}, line {}", script.path, number));
      const std::string command = as_version_file(bare(line));
      if (!builds(command)) continue;
      const std::string said = with_version(command, variable);
      const bool understood = replaced(said, kVersion, "").find('$') == std::string::npos &&
                              said.find('`') == std::string::npos && !said.ends_with('\\') &&
                              !holds_secret(words_of(said));
      whole = whole && understood;
      if (understood) build.push_back({said, fmt::format("{}, line {}", script.path, number)});
    }
    if (!whole) {
      draft.remarks.push_back(fmt::format(
          "{} builds in its own way, which was not wholly understood: compare code.build with it", script.path));
      continue;
    }
    if (build.empty()) continue;
    draft.build = std::move(build);
    return;
  }
}

}  // namespace backout::init
