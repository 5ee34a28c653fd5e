// A version as a directory name, a tag and a branch name. It comes from outside, so it is checked before it is any of
// them.
#pragma once
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace backout::drivers {

/// 1 to 128 of [A-Za-z0-9._+-], not beginning with '-' or '.', and fit to be a git ref and a release directory: no
/// "..", not ending in '.', ".lock" or a suffix of our own temporary names.
bool is_version(std::string_view text);
/// args[key] as a version, else kInvalid saying what is allowed.
Result<std::string> version_argument(const Json& args, std::string_view key);
Result<void> check_version(std::string_view text);

/// 40 or 64 lowercase hex digits.
bool is_commit(std::string_view text);

/// A git source that may stand in an argv: no option, no password in it.
Result<void> check_git_source(std::string_view source);

}  // namespace backout::drivers
