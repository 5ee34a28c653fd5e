// CI: what the team's CI server says about a release, kept in the journal so that it is known when the server is not.
#pragma once
#include <optional>
#include <string>

#include "app/site/workspace.h"

namespace backout::app {

/// At most this long for everything: a plan at night does not wait for a server that is ill.
inline constexpr Millis kCiPatience{4000};

/// What is known of `release` now: asked, and recorded when it is news. What was heard before is not forgotten because
/// the server cannot be asked now; `why` says so then. Unknown, with the reason, when nothing was ever heard. None when
/// backout.yaml names no CI server. Errors are the journal's.
Result<std::optional<CiResult>> refresh_ci(const Workspace& workspace, const Release& release);

/// A target that never passed: failed, still pending, or nothing ran for it. Not knowing is not never.
bool never_passed(const CiResult& result);
/// "v1 never passed CI: failed (test: failure)".
std::string never_passed_words(const Version& version, const CiResult& result);
/// "CI passed", "CI unknown: its commit is not known": for a line about a release.
std::string ci_words(const CiResult& result);

}  // namespace backout::app
