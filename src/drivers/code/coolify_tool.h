// `backout internal coolify VERB`: what is asked of Coolify, and done there, as processes of their own (driver/tool.h).
//
// Arguments of all: {url, application}; the token is in the environment as COOLIFY_TOKEN.
//   look    {serves}                        -> {application, deployments, image, serves: {status, reported, error}}
//   may     {}                              -> {missing: ["write", "deploy"]}
//   pause   {commit, was, branch?}          auto-deploy off, set to the commit (and the branch)
//   resume  {was, ours, branch?}            as it was, auto-deploy last; what others have changed meanwhile is left.
//           {resolved, bad?, path?, remote?} the release is resolved: refused while what would be deployed by itself is
//                                           `bad`, by where the branch points at the remote of the clone at `path`
//   deploy  {commit, version, serves, within_ms, poll_ms?, in_front?, old_version?, old_commit?}  sets it to the
//   commit, begins a deployment and follows it to its
//           end. One of that commit that is under way is followed, and what serves already is left alone.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "driver/tool.h"

namespace backout::drivers {

int run_coolify_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace backout::drivers
