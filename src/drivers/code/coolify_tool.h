// `backout internal coolify VERB`: what is asked of Coolify, and done there, as processes of their own (driver/tool.h).
//
// Arguments of all: {url, application}; the token is in the environment as COOLIFY_TOKEN.
//   look    {serves}                        -> {application, deployments, image, serves: {status, reported, error}}
//   may     {}                              -> {missing: ["write", "deploy"]}
//   pause   {commit, was, branch?}          auto-deploy off, set to the commit (and the branch)
//   resume  {was, ours, branch?}            as it was; what others have changed meanwhile is left
//   deploy  {commit, version, serves, within_ms, poll_ms?}  sets it to the commit, begins a deployment and follows it
//   to its
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
