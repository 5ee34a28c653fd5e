#include "drivers/code/code_ready.h"

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/code/build.h"
#include "drivers/code/code_ready_scripts.h"
#include "drivers/code/facts.h"
#include "drivers/code/releases_scripts.h"
#include "drivers/code/script.h"
#include "drivers/code/static_files.h"
#include "drivers/code/version.h"

namespace backout::drivers {
namespace {

using driver::Need;

constexpr uint64_t kLittle = 1U << 20;

Finding finding(std::string id, Severity severity, std::string what, std::string next = "",
                Json evidence = Json::object()) {
  return {std::move(id), severity, "", "", std::move(what), std::move(next), std::move(evidence)};
}

struct Way {
  std::string path, git, user, version, commit;
  Json build;
};

Way way_of(const driver::Offering& offering) {
  const Json& subject = offering.subject;
  return {get_string(subject, "path"), get_string(subject, "git"),           get_string(subject, "user"),
          offering.to.str(),           get_string(offering.saved, "commit"), get(subject, "build")};
}

/// The release as observe() has it; null when it is not there.
const Json& seen_release(const driver::Offering& offering, const std::string& host) {
  const auto seen = offering.seen.find(host);
  if (seen != offering.seen.end())
    for (const Json& release : get(seen->second, "releases"))
      if (get_string(release, "version") == offering.to.str()) return release;
  return get({}, "");
}

void add_saved_config(const driver::Offering& offering, const Way& way, driver::Readiness& readiness) {
  // The path is this host's; the set was named by one of the hosts, and is called the same on each.
  const std::string set = get_string(get(offering.saved, "config"), "set");
  const std::string name = set.substr(std::min(set.rfind('/') + 1, set.size()));
  if (set.starts_with('/') && is_version(name))
    readiness.needs.push_back({Need::Kind::kReadable, way.path + "/.backout/checkpoints/" + name,
                               "to put the configuration of then back", way.user});
}

/// How large the release is that runs: the best guess of how large another one becomes.
void add_room(const Way& way, host::Host& host, const std::stop_token& stop, driver::Readiness& readiness) {
  const auto facts = look(host, script(ready::kMeasure), {way.path + "/current/"}, way.user, stop);
  const uint64_t bytes = facts ? static_cast<uint64_t>(facts->number("kilobytes")) * 1024 : 0;
  const uint64_t files = facts ? static_cast<uint64_t>(facts->number("files")) : 0;
  readiness.needs.push_back({Need::Kind::kRoom, way.path, "to fetch and build " + way.version, way.user,
                             bytes + bytes / 4 + kLittle, files + files / 4 + 100});
}

Finding read_whole(const Way& way, host::Host& host, const std::stop_token& stop) {
  const auto facts = look(host, git_script(ready::kReadWhole), {way.path + "/releases/" + way.version}, way.user, stop);
  if (!facts)
    return finding("code.whole", Severity::kRed, "its files could not all be read: " + one_line(facts.error().message),
                   "put the release back from its source");
  if (const auto changed = facts->all("changed"); !changed.empty())
    return finding("code.whole", Severity::kRed,
                   fmt::format("{} of releases/{} are not as their commit has them: {}",
                               counted(std::ssize(changed), "file"), way.version, shortened(join(changed, ", "), 120)),
                   "remove that directory, so that it is fetched again, or put the files back");
  return finding("code.whole", Severity::kOk,
                 fmt::format("{} of releases/{} read{}", counted(facts->number("files"), "file"), way.version,
                             facts->has("compared") ? " and compared with their commit" : ""));
}

/// Really fetches and builds, as a rollback would, in a directory that is removed again.
Finding try_build(const Way& way, host::Host& host, const std::stop_token& stop) {
  const auto build = build_of(way.build, way.user);
  if (!build) return finding("code.build", Severity::kRed, one_line(build.error().message), "correct code.build");
  std::vector<std::string> words = {way.path, way.version, way.git, way.commit, build->digest};
  words.insert(words.end(), build->lines.begin(), build->lines.end());
  host::Command command = host::shell(build_script(ready::try_build_script()), std::move(words));
  command.user = way.user;
  command.env = build->env;
  if (const auto revealed = driver::reveal(build->secrets, command.env); !revealed)
    return finding("code.build", Severity::kRed, one_line(revealed.error().message), "put the secret back");
  command.timeout = Millis(600'000) + build->timeout;
  const auto result = host.run(command, stop);
  if (result && result->ok())
    return finding("code.build", Severity::kOk,
                   fmt::format("{} was fetched and built in {}", way.version, for_people(result->took)), "",
                   {{"took_ms", result->took.count()}});
  return finding("code.build", Severity::kRed,
                 fmt::format("{} does not build any more: {}", way.version,
                             result ? result->why_not_ok() : one_line(result.error().message)),
                 "mend the build, or put a finished releases/" + way.version + " there");
}

}  // namespace

driver::Readiness releases_readiness(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                                     std::stop_token stop) {
  driver::Readiness readiness;
  const Way way = way_of(offering);
  const Json& release = seen_release(offering, host.name().str());
  const bool there = release.is_object();
  const bool to_build = (!there || (get_bool(release, "ours") && !get_bool(release, "built"))) &&
                        way.build.is_array() && !way.build.empty();
  readiness.needs.push_back({Need::Kind::kWritable, way.path, "to switch current"});
  readiness.needs.push_back({Need::Kind::kRoom, way.path, "to switch current", "", kLittle, 2});
  add_saved_config(offering, way, readiness);
  add_static_readiness(offering, way.path + "/releases/" + way.version, there && !to_build, "", host, stop, readiness);
  if (there && !to_build) {
    readiness.findings.push_back(finding("code", Severity::kOk, "releases/" + way.version + " is there"));
    if (depth == driver::Depth::kProve) readiness.findings.push_back(read_whole(way, host, stop));
    return readiness;
  }
  if (!there && way.git.empty()) {
    readiness.findings.push_back(
        finding("code", Severity::kRed, fmt::format("{}/releases/{} is gone", way.path, way.version),
                "put the directory back, or name a source that has the tag: code.source.git in backout.yaml"));
    return readiness;
  }
  readiness.findings.push_back(finding(
      "code", Severity::kOk,
      fmt::format("releases/{} is {}", way.version,
                  there ? "not built and will be built" : "not there and will be fetched from " + one_line(way.git))));
  readiness.needs.push_back({Need::Kind::kTool, "git", "to fetch " + way.version, way.user});
  readiness.needs.push_back(
      {Need::Kind::kWritable, way.path + "/releases", "to fetch and build " + way.version, way.user});
  add_room(way, host, stop, readiness);
  if (depth == driver::Depth::kProve && !there) readiness.findings.push_back(try_build(way, host, stop));
  return readiness;
}

driver::Readiness checkout_readiness(const driver::Offering& offering, host::Host& host, driver::Depth,
                                     std::stop_token stop) {
  driver::Readiness readiness;
  const Way way = way_of(offering);
  readiness.needs.push_back({Need::Kind::kTool, "git", "to check out " + way.version, way.user});
  readiness.needs.push_back({Need::Kind::kWritable, way.path, "to check out " + way.version, way.user});
  readiness.needs.push_back({Need::Kind::kWritable, way.path + "/.git", "to check out " + way.version, way.user});
  add_saved_config(offering, way, readiness);
  const bool builds = (way.build.is_array() && !way.build.empty()) || !get(offering.subject, "keep_builds").empty();
  add_static_readiness(offering, way.path, false, builds ? "" : way.version, host, stop, readiness);
  const auto facts = look(host, git_script(ready::kTagOrSource), {way.path, way.version, way.git}, way.user, stop);
  if (!facts) {
    readiness.findings.push_back(finding("code", Severity::kRed, one_line(facts.error().message),
                                         "look there: git -C " + shell_quoted(way.path) + " status"));
    return readiness;
  }
  const std::string commit = facts->text("commit");
  const std::string source = way.git.empty() ? "origin" : way.git;
  if (commit.empty() || (!way.commit.empty() && is_commit(way.commit) && commit != way.commit))
    readiness.findings.push_back(
        finding("code", Severity::kRed,
                commit.empty()
                    ? fmt::format("there is no tag {} in {}, and none at {}", way.version, way.path, one_line(source))
                    : fmt::format("tag {} is commit {} now; what ran was {}", way.version, commit, way.commit),
                "put the tag back where it was: git tag " + way.version + " COMMIT"));
  else
    readiness.findings.push_back(finding("code", Severity::kOk,
                                         fmt::format("tag {} is commit {}{}", way.version, commit.substr(0, 12),
                                                     facts->has("here") ? "" : ", at " + source)));
  if (way.build.is_array() && !way.build.empty()) {
    const auto size = look(host, script(ready::kMeasure), {way.path}, way.user, stop);
    const auto bytes = size ? static_cast<uint64_t>(size->number("kilobytes")) * 1024 : 0;
    const auto files = size ? static_cast<uint64_t>(size->number("files")) : 0;
    readiness.needs.push_back({Need::Kind::kRoom, way.path, "to build " + way.version + " in place", way.user,
                               bytes / 4 + kLittle, files / 4 + 100});
  }
  return readiness;
}

}  // namespace backout::drivers
