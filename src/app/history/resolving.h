// Resolving: a release that was rolled back from, or marked bad, does not go out again until somebody has said why.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"

namespace backout::app {

/// The root-cause questions that rollback runbooks ask. Only the first must be answered.
struct Cause {
  std::string cause;    // what failed?
  std::string fix;      // what was done about it?
  std::string missed;   // why did testing not catch it?
  std::string prevent;  // what will catch it, or keep it from happening, next time?
};

/// kRefused, naming the incident and what to type, when `version` is such a release, or its commit is that of one.
/// `commit` empty: not known.
Result<void> may_go_out(const Workspace& workspace, const Version& version, const std::string& commit);

struct Resolved {
  Version version;
  std::vector<Release> releases;  // all of that name that were blocked
  std::string incident;           // of the newest; empty: it was marked bad by a person
};
/// `name`: a version, a release id or an incident. kInvalid without a cause; kNotFound; kRefused when there is nothing
/// to resolve.
Result<Resolved> resolve(const Workspace& workspace, const std::string& name, const Cause& cause);

/// The commit that `version` names in the source of the code, the checkout, or the repository around `beside`. Empty:
/// none of them knows it.
std::string commit_of(const Site& site, const Version& version, const std::string& beside);

/// Of the same commit, whichever is written shorter. An empty one is like no other.
bool same_commit(std::string_view a, std::string_view b);

}  // namespace backout::app
