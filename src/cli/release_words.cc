#include "cli/release_words.h"

#include "app/history/ci.h"
#include "app/watching/baking.h"
#include "base/text.h"
#include "cli/moments.h"

namespace backout::cli {

std::string words_of(const app::Candidate& candidate, WallTime now) {
  if (!candidate.release) return "not recorded: found as a " + candidate.found;
  const Release& release = *candidate.release;
  std::vector<std::string> words{std::string(name_of(release.state)) + " for " + for_since(release.state_since, now)};
  if (to_millis(release.deployed_at) != 0) words.push_back("deployed " + day_of(release.deployed_at, now));
  if (release.ci) words.push_back(app::ci_words(*release.ci));
  if (candidate.checkpoint) words.push_back(candidate.verified ? "backup verified" : "backup not verified");
  if (candidate.refused) words.push_back("not to be chosen: " + one_line(release.why));
  return join(words, ", ");
}

std::vector<std::string> notes_on(const Release& release, Millis bake) {
  std::vector<std::string> notes;
  if (release.ci) notes.push_back(app::ci_words(*release.ci));
  if (release.current)
    if (std::string words = app::bake_words(release, bake); !words.empty()) notes.push_back(std::move(words));
  if (release.blocked())
    notes.push_back("not deployed again until its cause is recorded: backout resolve " +
                    one_line(release.version.str()));
  if (release.resolved) notes.push_back("cause: " + one_line(release.resolved->cause));
  return notes;
}

}  // namespace backout::cli
