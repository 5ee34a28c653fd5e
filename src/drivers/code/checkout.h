// "checkout": code in place, one git checkout that is switched to a tag. All git runs as the configured user.
//
// Subject: {path, git?, user?, build: [UserCommand], config: [absolute paths]}. Without `git`, tags come from remote
// origin. observe: {current (the tag at HEAD, or ""), head, branch ("" when detached), describe, dirty: n, lock: bool}.
// A checkpoint's part (saved) is the union of the evidence of its steps: {version, commit, branch, config?: {set,
// files}}.
//
// Promises: before anything moves, every change and every untracked file that a checkout could overwrite lies in a
// commit under refs/backout/dirty-<run>; commits on a rollback branch of an earlier run stay reachable under
// refs/backout/; undo goes back to the branch and commit that were there with index and changes as they were, and
// leaves untracked files that the checkout did not touch alone (a database file may be one). Not kept: a merge or
// rebase that was under way.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_checkout_driver();

}  // namespace backout::drivers
