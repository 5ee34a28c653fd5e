#include "app/history/target.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace backout::app {

Result<Release> current_release(journal::Journal& journal, const SiteId& site) {
  journal::Serving serving = TRY(journal.serving(site));
  if (serving.current) return std::move(*serving.current);
  return Error{Code::kNotFound, "the journal does not know which release runs now", "tell it: backout record VERSION"};
}

bool came_whole(const Release& release) {
  switch (release.state) {
    case ReleaseState::kWatching:
    case ReleaseState::kGood: return true;
    case ReleaseState::kDeploying:
    case ReleaseState::kBad:
    case ReleaseState::kFailed: return false;
  }
  return false;
}

namespace {

/// Each version once, as what was said last of it: not what an older deployment of it was. A deployment that is only
/// watched says nothing against an older one of the same commit.
Result<void> each_version(journal::Journal& journal, const SiteId& site,
                          const std::function<bool(const Release&)>& each) {
  std::set<Version> judged;
  std::map<Version, std::string> watched;  // and the commit of it
  return journal.each_release(site, [&](const Release& release) {
    if (judged.contains(release.version)) return true;
    const auto later = watched.find(release.version);
    if (later != watched.end() && later->second != release.commit) return true;
    if (release.state == ReleaseState::kWatching)
      watched.emplace(release.version, release.commit);
    else
      judged.insert(release.version);
    return each(release);
  });
}

Result<std::optional<Release>> newest(journal::Journal& journal, const SiteId& site, ReleaseState wanted,
                                      const Version& but) {
  std::optional<Release> found;
  TRY_VOID(each_version(journal, site, [&](const Release& release) {
    if (release.state == wanted && release.version != but) found = release;
    return !found;
  }));
  return found;
}

Result<Release> asked_for(journal::Journal& journal, const SiteId& site, const Release& current, const Version& asked,
                          RunKind kind) {
  if (asked == current.version)
    return Error{Code::kRefused, asked.str() + " is what runs already", "see what there is: backout releases"};
  std::optional<Release> found;
  std::vector<std::string> known;
  TRY_VOID(journal.each_release(site, [&](const Release& release) {
    if (release.version == asked) found = release;
    known.push_back(release.version.str());
    return !found;
  }));
  if (found && found->state == ReleaseState::kBad && kind == RunKind::kRollback)
    return Error{Code::kRefused, asked.str() + " is marked bad: " + found->why,
                 "if it is good after all: backout good " + asked.str()};
  if (found) return std::move(*found);
  const auto near = nearest(asked.str(), known);
  return Error{Code::kNotFound, "no release '" + one_line(asked.str()) + "' is recorded on this site",
               near ? "did you mean " + *near + "?" : "see what there is: backout releases"};
}

}  // namespace

Result<std::optional<Release>> last_known_good(journal::Journal& journal, const SiteId& site, const Version& current) {
  return newest(journal, site, ReleaseState::kGood, current);
}

Result<std::vector<Version>> good_versions(journal::Journal& journal, const SiteId& site, size_t limit) {
  std::vector<Version> versions;
  TRY_VOID(each_version(journal, site, [&](const Release& release) {
    if (release.state == ReleaseState::kGood) versions.push_back(release.version);
    return versions.size() < limit;
  }));
  return versions;
}

Result<Release> target_release(journal::Journal& journal, const SiteId& site, const Release& current,
                               const Version& asked, RunKind kind) {
  if (!asked.empty()) return asked_for(journal, site, current, asked, kind);
  const ReleaseState wanted = kind == RunKind::kForward ? ReleaseState::kBad : ReleaseState::kGood;
  if (auto found = TRY(newest(journal, site, wanted, current.version))) return std::move(*found);
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
