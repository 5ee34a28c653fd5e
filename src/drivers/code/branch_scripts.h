// What the branch driver runs: POSIX sh after kGitStart. Arguments of all: path remote name version commit head run
// how. `commit`: what `version` was when it served, empty when only its tag says so. `head`: of the branch when it was
// planned.
#pragma once
#include <string>
#include <string_view>

namespace backout::drivers::branch {

std::string in_clone(std::string_view body);

extern const std::string_view kFetch;
extern const std::string_view kMake;
extern const std::string_view kPush;
extern const std::string_view kTakeBack;
extern const std::string_view kState;  // a look

}  // namespace backout::drivers::branch
