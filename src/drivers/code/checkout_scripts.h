// What the checkout driver runs at the target: POSIX sh after kGitStart, arguments as "$1"..
//
// <git directory>/backout-build says "building COMMIT" from the first build command on and "complete COMMIT DIGEST"
// after the last, "undone COMMIT" when that is undone; every checkout removes it, so that it never speaks of another
// commit. What stands where it was built is put back by the undo of the steps before: set-aside, or checkout, which
// builds what was there.
#pragma once
#include <string>
#include <string_view>

namespace backout::drivers::checkout {

/// `arguments` of each: the first is the path.
std::string in_checkout(std::string_view body);

/// path version source expected-commit
extern const std::string_view kFetchTag;
/// path ref version pattern...: the work tree as a commit, by an index of its own, without what the patterns ignore.
/// Parents: HEAD and the index as it was.
extern const std::string_view kKeepDirty;
/// path version branch
extern const std::string_view kCheckout;
/// path branch head ref version digest line...: back to how it was found.
extern const std::string_view kReturn;
/// path digest line...
extern const std::string_view kBuild;
/// path version: says that what was built does not count, if anything was.
extern const std::string_view kUnbuild;
/// path version: where the checkout stands; version may be empty.
extern const std::string_view kState;
/// path version: the tag and its objects.
extern const std::string_view kTagState;
/// path version: changes by hand that were kept when `version` was left.
extern const std::string_view kKeptChanges;
/// path ref version pattern...: what of the work tree differs from what was kept, among files that either commit
/// knows. Objects that the look makes go to a place of its own.
extern const std::string_view kKeptState;

}  // namespace backout::drivers::checkout
