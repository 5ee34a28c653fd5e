#include "app/target.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace backout::app {

Result<Release> current_release(const std::vector<Release>& releases) {
  for (const Release& release : releases)
    if (release.current) return release;
  return Error{Code::kNotFound, "the journal does not know which release runs now", "tell it: backout record VERSION"};
}

namespace {

Result<Release> asked_for(const std::vector<Release>& releases, const Release& current, const Version& asked,
                          RunKind kind) {
  if (asked == current.version)
    return Error{Code::kRefused, asked.str() + " is what runs already", "see what there is: backout releases"};
  for (const Release& release : releases) {
    if (release.version != asked) continue;
    if (release.state == ReleaseState::kBad && kind == RunKind::kRollback)
      return Error{Code::kRefused, asked.str() + " is marked bad: " + release.why,
                   "if it is good after all: backout good " + asked.str()};
    return release;
  }
  std::vector<std::string> known;
  for (const Release& release : releases) known.push_back(release.version.str());
  const auto near = nearest(asked.str(), known);
  return Error{Code::kNotFound, "no release '" + one_line(asked.str()) + "' is recorded on this site",
               near ? "did you mean " + *near + "?" : "see what there is: backout releases"};
}

}  // namespace

Result<Release> target_release(const std::vector<Release>& releases, const Release& current, const Version& asked,
                               RunKind kind) {
  if (!asked.empty()) return asked_for(releases, current, asked, kind);
  const ReleaseState wanted = kind == RunKind::kForward ? ReleaseState::kBad : ReleaseState::kGood;
  std::set<Version> judged;  // what was said last of a version counts, not what an older deployment of it was
  for (const Release& release : releases)
    if (judged.insert(release.version).second && release.state == wanted && release.version != current.version)
      return release;
  if (kind == RunKind::kForward)
    return Error{Code::kNotFound, "no release was rolled back from on this site",
                 "name one: backout plan VERSION --forward"};
  return Error{Code::kRefused, "no other release on this site is known to be good, so there is nothing to go back to",
               "see what there is: backout releases; mark one: backout good VERSION"};
}

bool finishes(RunKind kind, const Version& asked, const Release& current, const journal::RunRow& newest,
              const run::RunState& state) {
  return !newest.open() && newest.kind == kind && newest.to == current.version && state.door_closed &&
         !state.door_opened && !state.turned && (asked.empty() || asked == current.version);
}

const Checkpoint* checkpoint_for(const std::vector<Checkpoint>& checkpoints, const Version& version) {
  const auto found = std::find_if(checkpoints.begin(), checkpoints.end(),
                                  [&](const Checkpoint& each) { return each.version == version; });
  return found == checkpoints.end() ? nullptr : &*found;
}

}  // namespace backout::app
