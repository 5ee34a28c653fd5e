#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "app/site/known.h"
#include "base/text.h"
#include "cli/completion.h"
#include "cli/failure.h"
#include "cli/opened.h"

namespace backout::cli {
namespace {

/// Only words that need no quotes in any shell: a completion must never say more than a word.
bool is_plain(const std::string& word) {
  static constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/@:%=";
  return !word.empty() && word.size() < 200 && word.front() != '-' &&
         word.find_first_not_of(kPlain) == std::string::npos;
}

/// "backout.staging.yaml" beside the file -> "staging".
std::set<std::string> environments(const Globals& globals) {
  namespace fs = std::filesystem;
  const std::string directory = globals.where.directory.empty() ? "." : globals.where.directory;
  const fs::path file = globals.where.file.empty() ? fs::path("backout.yaml") : fs::path(globals.where.file);
  const fs::path place = file.is_absolute() ? file.parent_path() : fs::path(directory) / file.parent_path();
  std::set<std::string> found;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(place, failure)) {
    const std::string name = entry.path().filename().string(), start = file.stem().string() + ".",
                      end = file.extension().string();
    if (name.size() > start.size() + end.size() && name.starts_with(start) && name.ends_with(end))
      found.insert(name.substr(start.size(), name.size() - start.size() - end.size()));
  }
  return found;
}

}  // namespace

int completion(const CommandWords& program, const std::string& shell) {
  const auto script = completion_script(program, shell);
  if (!script) return fail(script.error());
  std::fputs(script->c_str(), stdout);
  return 0;
}

int complete(const Globals& globals, const std::string& what) {
  std::set<std::string> words;
  if (what == "environments") words = environments(globals);
  if (what == "answers")
    for (const std::string& key : app::answer_names()) words.insert(key + "=");
  if (what == "versions" || what == "runs") {
    const auto known = app::known_words(globals.where);
    if (known) words = what == "versions" ? known->versions : known->runs;
  }
  for (const std::string& word : words)
    if (is_plain(word)) std::printf("%s\n", word.c_str());
  return 0;
}

}  // namespace backout::cli
