#include "app/history/resolving.h"

#include "base/text.h"
#include "os/file.h"
#include "os/process.h"

namespace backout::app {
namespace {

constexpr size_t kShortestCommit = 7;

std::string why_blocked(const Release& release) {
  if (!release.rolled_back) return fmt::format("it was marked bad: {}", one_line(release.why));
  return fmt::format("it was rolled back from in {}", release.rolled_back->incident.empty()
                                                          ? release.rolled_back->run.str()
                                                          : release.rolled_back->incident.str());
}

Result<std::vector<Release>> named(const Workspace& workspace, const std::string& name) {
  std::vector<Release> found;
  std::vector<std::string> known;
  TRY_VOID(workspace.journal().each_release(workspace.site().id, [&](const Release& release) {
    const bool by_incident = release.rolled_back && release.rolled_back->incident.str() == name;
    if (release.version.str() == name || release.id.str() == name || by_incident) found.push_back(release);
    known.push_back(release.version.str());
    return true;
  }));
  if (!found.empty()) return found;
  const auto near = nearest(name, known);
  return Error{Code::kNotFound, "no release '" + shortened(one_line(name), 60) + "' is recorded on this site",
               near ? "did you mean " + *near + "?" : "see what there is: backout releases"};
}

}  // namespace

bool same_commit(std::string_view a, std::string_view b) {
  if (std::min(a.size(), b.size()) < kShortestCommit) return false;
  return a.starts_with(b) || b.starts_with(a);
}

Result<void> may_go_out(const Workspace& workspace, const Version& version, const std::string& commit) {
  std::optional<Release> blocked;
  TRY_VOID(workspace.journal().each_release(workspace.site().id, [&](const Release& release) {
    if (release.blocked() && (release.version == version || same_commit(release.commit, commit))) blocked = release;
    return !blocked;
  }));
  if (!blocked) return {};
  const std::string name = one_line(blocked->version.str());
  const std::string why = blocked->version == version
                              ? why_blocked(*blocked)
                              : fmt::format("it is the same commit ({}) as {}, and {}", one_line(commit).substr(0, 12),
                                            name, why_blocked(*blocked));
  return Error{
      Code::kRefused,
      fmt::format("{} may not be deployed: {}, and its cause is not recorded as resolved", one_line(version.str()),
                  why),
      fmt::format("say what failed and what was done: backout resolve {} --cause \"...\" --fix \"...\"", name)};
}

Result<Resolved> resolve(const Workspace& workspace, const std::string& name, const Cause& cause) {
  const std::vector<Release> releases = TRY(named(workspace, name));
  if (trimmed(cause.cause).empty())
    return Error{Code::kInvalid, "what made " + one_line(releases.front().version.str()) + " fail is not said",
                 "say it: --cause \"...\"; and, if you can: --fix, --missed (why did tests not catch it?), --prevent"};
  const Version version = releases.front().version;
  Resolved resolved{version, {}, ""};
  std::vector<journal::NewEvent> events;
  TRY_VOID(workspace.journal().each_release(workspace.site().id, [&](const Release& release) {
    const bool bad = release.rolled_back || release.state == ReleaseState::kBad;
    if (release.version != version || !bad) return true;
    if (resolved.incident.empty() && release.rolled_back) resolved.incident = release.rolled_back->incident.str();
    resolved.releases.push_back(release);
    events.push_back({EventType::kReleaseResolved,
                      {{"release", release.id.str()},
                       {"version", version.str()},
                       {"cause", sanitised(trimmed(cause.cause))},
                       {"fix", sanitised(trimmed(cause.fix))},
                       {"missed", sanitised(trimmed(cause.missed))},
                       {"prevent", sanitised(trimmed(cause.prevent))},
                       {"by", workspace.actor()}},
                      release.rolled_back ? release.rolled_back->run : RunId()});
    return true;
  }));
  if (events.empty())
    return Error{
        Code::kRefused,
        one_line(version.str()) +
            " was neither rolled back from nor marked bad: there is nothing to resolve, and it may be deployed",
        "see what there is: backout releases"};
  TRY(workspace.journal().append(workspace.site().id, 0, std::move(events)));
  return resolved;
}

std::string commit_of(const Site& site, const Version& version, const std::string& beside) {
  std::vector<std::string> places;
  if (site.code && os::exists(site.code->git)) places.push_back(site.code->git);
  const bool path_is_clone = site.code && (site.code->layout == "in-place" || site.code->layout == "coolify");
  if (path_is_clone && os::exists(site.code->path)) places.push_back(site.code->path);
  if (!beside.empty()) places.push_back(beside);
  for (const std::string& place : places)
    for (const std::string& name : {"refs/tags/" + version.str(), version.str()}) {
      const auto asked = os::run_process({.argv = {"git", "-c", "safe.directory=*", "-C", place, "rev-parse",
                                                   "--verify", "--quiet", "--end-of-options", name + "^{commit}"},
                                          .timeout = Millis(5000)});
      if (!asked) return "";  // there is no git here
      const std::string commit(trimmed(asked->out));
      if (asked->ok() && commit.size() >= 40 && commit.find_first_not_of("0123456789abcdef") == std::string::npos)
        return commit;
    }
  return "";
}

}  // namespace backout::app
