#include "app/site/known.h"

#include "config/config.h"
#include "init/settle.h"
#include "os/file.h"

namespace backout::app {

Result<KnownWords> known_words(const Where& where) {
  const std::string directory = where.directory.empty() ? "" : where.directory + "/";
  const std::string file = where.file.empty()            ? directory + "backout.yaml"
                           : where.file.starts_with('/') ? where.file
                                                         : directory + where.file;
  const Site site = TRY(config::load(file, where.environment));
  const std::string state = TRY(state_directory(where, site));
  if (!os::exists(state + "/journal.db")) return Error{Code::kNotFound, "no journal in " + state, ""};
  const auto journal = TRY(journal::Journal::open(state, "completion", system_clock()));
  KnownWords words;
  for (const Release& release : TRY(journal->releases(site.id))) words.versions.insert(release.version.str());
  for (const journal::RunRow& run : TRY(journal->runs(site.id))) {
    words.runs.insert(run.id.str());
    if (!run.incident.empty()) words.runs.insert(run.incident.str());
  }
  return words;
}

std::vector<std::string> answer_names() {
  std::vector<std::string> names;
  for (const init::AnswerKey& key : init::answer_keys()) names.emplace_back(key.key);
  return names;
}

}  // namespace backout::app
