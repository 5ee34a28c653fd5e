// What a round of looks shows: shared by verify, tick and watch.
#pragma once
#include "app/watching/checking.h"
#include "cli/command.h"
#include "model/evidence.h"

namespace backout::cli {

/// "holds", "FAILS", "UNSEEN", "ask".
std::string_view word_of(const app::Look& look);
Json looks_json(const app::Checked& checked);
/// "versions: web-1 v2, web-2 v2", when more than one host told; empty otherwise.
std::string versions_in_words(const std::map<std::string, std::string>& by_host);

struct LookOptions {
  Version version;                      // empty: the current release
  bool promote = false;                 // mark known-good what has baked
  bool ask = false;                     // ask the manual checks
  std::vector<Evidence> evidence = {};  // what signals said just now
  Json backups;                         // what was done about them, for -o json; null: nothing was
};
/// Looks, shows, and gives the exit status.
Result<int> look_and_tell(const Globals& globals, const app::Workspace& workspace, const LookOptions& options);

}  // namespace backout::cli
