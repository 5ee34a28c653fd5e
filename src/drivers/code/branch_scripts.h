// What the branch driver runs: POSIX sh after kGitStart. Arguments of all: path remote name version commit head run
// how from from_commit. `commit`: what `version` was when it served, empty when only its tag says so. `head`: of the
// branch when it was planned. `from`, `from_commit`: the release that is left; both may be empty.
#pragma once
#include <string>
#include <string_view>

namespace backout::drivers::branch {

std::string in_clone(std::string_view body);

extern const std::string_view kFetch;
extern const std::string_view kMake;
extern const std::string_view kPush;
extern const std::string_view kTakeBack;
extern const std::string_view kState;      // a look
extern const std::string_view kNewcomers;  // a look: what came to the branch after `from`, by others
extern const std::string_view kStands;     // a look, of another time than a run: what the branch has now

}  // namespace backout::drivers::branch
