// Built directories of a checkout in place (a virtualenv, node_modules, vendor/bundle), kept for next time.
//
// A build in place is outage. So what was built for a release is kept under its version when the release goes away, and
// put back by renaming when it comes again. The store is <git directory>/backout-builds:
//
//   kept-<version>/   manifest, 1, 2, ...: the directories of that release, in the order in which they are configured
//   aside-<run>/      the same: what a run that is under way took out of the way, put back exactly when it is undone
//
// A manifest names the commit, the hash of that commit's lock files ("changed" when the work tree had others), whether
// the build was whole, and of each directory the inode and a hash of its listing (paths, types, modes, sizes). A
// renamed directory keeps its inode: that is how "put back" is told from "built anew". A kept build is put back only
// for the same commit and lock files.
//
//   copy-builds      args {path, dirs, version}         live directories, copied to kept-<version>. For a checkpoint
//   kept-builds      args {path, dirs, version}         a look: kept-<version> can be put back
//   set-aside        args {path, dirs, aside, version, whole}   live directories, renamed to aside-<aside>
//   return-builds    args {path, dirs, aside}           undoes it; what was built instead is removed
//   bring-builds     args {path, dirs, version}         kept-<version>, renamed to its places
//   store-builds     args the same                      undoes it
//   file-builds      args {path, dirs, aside, version, keep, spared}   aside-<aside> becomes kept-<version>; old go
#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "driver/driver.h"
#include "host/host.h"
#include "model/step.h"

namespace backout::drivers {

bool is_builds_verb(std::string_view verb);
std::vector<driver::Verb> builds_verbs();

/// "keep_builds" of a subject: absolute paths, none above or in the way of the checkout itself.
Result<std::vector<std::string>> build_directories(const Json& subject);
/// Patterns as in .gitignore for those of the directories that are in the checkout: they are never in a commit of ours.
std::vector<std::string> without_builds(const std::string& path, const std::vector<std::string>& directories);

/// "keep-builds-code" in prepare, for a checkpoint of `offering.from`; nothing when no directory is configured or what
/// runs is not known to be whole (subject "from_whole": false).
Result<std::vector<Step>> build_steps_for_checkpoint(std::string_view driver, const driver::Offering& offering);

/// The steps around the checkout of a rollback.
struct BuildSteps {
  std::vector<Step> before;              // prepare and switch: needed by the checkout
  std::vector<Step> after;               // switch, needs "checkout"; settle
  std::vector<std::string> hosts_built;  // where a kept build is put back, so nothing is built
};
Result<BuildSteps> build_steps_for_switch(std::string_view driver, const driver::Offering& offering);

/// What the driver's observe() tells: {kept: [{version, commit, whole}], obstacle?: "what is wrong with a directory"}.
Result<Json> observe_builds(const Json& subject, host::Host& host, std::stop_token stop);

Result<host::Command> builds_command(const Action& action);
Sight builds_sight(const Action& action, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers
