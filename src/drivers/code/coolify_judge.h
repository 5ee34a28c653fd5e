// What a look at Coolify and at the application says about a version: pure, on what `look` of the tool answered.
//
// A look: {application, deployments (newest first), image, serves: {status, reported: [...], error}}.
#pragma once
#include "drivers/code/coolify_answers.h"
#include "model/outcome.h"

namespace backout::drivers::coolify {

struct Wanted {
  std::string version, commit;  // commit: may be empty, then the application's own word decides
  // Asked through a door that may be closed: what answers may be the maintenance page. Then only what is surely the old
  // release is a no, Coolify's word is enough, and who asks so must ask again when the door is open.
  bool in_front = false;
  std::string old_version, old_commit;  // of what ran before; may be empty
};

/// From the arguments of a step: {version, commit?, in_front?, old_version?, old_commit?}.
Wanted wanted_from(const Json& args);

/// The commit that Coolify says it deployed last; empty: none, or not resolved.
std::string deployed_commit(const Json& look);

/// Does it run, by Coolify's list, by the container's image, and by what the application serves? A deployment under way
/// is a no; one that has ended otherwise than well, with nothing after it, is a no that no later look will change.
Sight serves(const Json& look, const Wanted& wanted);

/// Is auto-deploy off, and the application pinned to `commit` (and set to `branch`, when that is not empty)? Without a
/// commit: is auto-deploy off?
Sight paused(const Json& look, const std::string& commit, const std::string& branch);

/// Is it as `was` ({auto_deploy?, sha, branch}) says again? What others have changed meanwhile is theirs.
Sight resumed(const Json& look, const Json& was, const std::vector<std::string>& ours, const std::string& branch);

}  // namespace backout::drivers::coolify
