// Asking a CI server about a commit: GitHub (check runs and commit statuses) or GitLab (pipelines). It only looks.
#pragma once
#include <string>

#include "base/clock.h"
#include "model/ci.h"
#include "model/site.h"

namespace backout::drivers::ci {

struct Answer {
  CiResult result;
  bool heard = false;  // the server answered for this commit; false: `result.why` says why nothing is known
};

/// Never fails: what cannot be had is Unknown, with the reason. All pages; at most `within` for everything. The token
/// travels in a header to `url` alone; redirects are not followed.
Answer ask(const CiConfig& config, const std::string& commit, Millis within);

}  // namespace backout::drivers::ci
