#include "app/history/candidates.h"

#include <algorithm>
#include <set>

#include "app/history/releasing.h"
#include "app/history/resolving.h"
#include "app/history/target.h"
#include "app/site/subject.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"

namespace backout::app {
namespace {

int rank(const Candidate& candidate) {
  if (!candidate.release) return 3;
  if (candidate.refused) return 4;
  return candidate.release->state == ReleaseState::kGood ? 0 : 1;
}

/// Newest first. None when there is no repository on this machine.
std::vector<std::string> tags_of(const CodeConfig& code) {
  const std::string place = code.layout == "in-place" || code.layout == "coolify" ? code.path : code.git;
  if (place.empty() || !os::exists(place)) return {};
  const auto listed =
      os::run_process({.argv = {"git", "-c", "safe.directory=*", "-C", place, "tag", "--list", "--sort=-creatordate"},
                       .timeout = Millis(5000)});
  if (!listed || !listed->ok()) return {};
  return split(trimmed(listed->out), '\n');
}

std::vector<std::string> directories_of(const Workspace& workspace) {
  std::vector<std::string> versions;
  for (const Subject& subject : subjects_of(workspace.site())) {
    if (subject.part != plan::Part::kCode || subject.driver != "releases") continue;
    const auto seen = observe(workspace, subject);
    if (!seen) continue;
    for (const auto& [host, sight] : *seen)
      for (const Json& release : get(sight, "releases")) versions.push_back(get_string(release, "version"));
  }
  return versions;
}

/// What `driver` says could run: image tags on the hosts, revisions of workloads; newest first.
std::vector<std::string> versions_by(const Workspace& workspace, std::string_view driver) {
  std::vector<std::string> versions;
  for (const Subject& subject : subjects_of(workspace.site())) {
    if (subject.part != plan::Part::kCode || subject.driver != driver) continue;
    const auto seen = observe(workspace, subject);
    if (!seen) continue;
    for (const auto& [host, sight] : *seen)
      for (const Json& version : get(sight, "versions")) versions.push_back(version.get<std::string>());
  }
  return versions;
}

/// Commits that a platform has deployed, newest first, but for those in `known`.
std::vector<std::string> deployed_commits(const Workspace& workspace, const std::vector<std::string>& known) {
  std::vector<std::string> commits;
  for (const Subject& subject : subjects_of(workspace.site())) {
    if (subject.driver != "coolify") continue;
    const auto seen = observe(workspace, subject);
    if (!seen) continue;
    for (const auto& [host, sight] : *seen)
      for (const Json& each : get(sight, "deployed")) {
        const std::string commit = each.is_string() ? each.get<std::string>() : "";
        const bool whole = commit.size() == 40 && commit.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (whole &&
            std::none_of(known.begin(), known.end(), [&](const auto& one) { return same_commit(one, commit); }))
          commits.push_back(commit);
      }
  }
  return commits;
}

}  // namespace

Result<std::vector<Candidate>> candidates(const Workspace& workspace, size_t limit) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  const Release current = TRY(current_release(journal, site));
  const std::vector<Checkpoint> checkpoints = TRY(journal.checkpoints(site));
  std::set<Version> known{current.version};
  std::vector<std::string> commits{current.commit};
  std::vector<Candidate> list;
  TRY_VOID(journal.each_release(site, [&](const Release& release) {
    commits.push_back(release.commit);
    if (!known.insert(release.version).second) return true;
    if (release.state == ReleaseState::kDeploying || release.state == ReleaseState::kFailed) return true;
    const Checkpoint* checkpoint = checkpoint_for(checkpoints, release.version);
    list.push_back({release.version, release, "", checkpoint != nullptr, checkpoint != nullptr && checkpoint->verified,
                    release.state == ReleaseState::kBad});
    return list.size() < limit;
  }));
  size_t found = 0;
  const auto find = [&](const std::vector<std::string>& versions, const char* where) {
    for (const std::string& name : versions)
      if (const auto version = checked_version(name); version && found < limit && known.insert(*version).second) {
        list.push_back({*version, std::nullopt, where});
        ++found;
      }
  };
  find(directories_of(workspace), "directory");
  find(versions_by(workspace, "compose"), "image tag");
  find(deployed_commits(workspace, commits), "Coolify deployment");
  find(versions_by(workspace, "kubernetes"), "rollout revision");
  if (workspace.site().code) find(tags_of(*workspace.site().code), "git tag");
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return list;
}

Result<void> record_found(const Workspace& workspace, const Candidate& candidate) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  Release release;
  release.id = ReleaseId(fmt::format("R-{}", TRY(journal.next_number(site, "R"))));
  release.version = candidate.version;
  release.commit = candidate.found == "Coolify deployment" ? candidate.version.str()
                                                           : commit_of(workspace.site(), candidate.version, "");
  release.state_since = system_clock().wall();
  release.why = "found as a " + candidate.found + ", and chosen by " + workspace.actor();
  TRY(journal.append(site, 0, {{EventType::kReleaseRecorded, to_json(release)}}));
  return {};
}

}  // namespace backout::app
