// "branch": a branch that a platform deploys from, brought back to the code of an earlier version and pushed.
//
// Subject: {name, remote, how: revert|reset|branch, path, user?}. `path` is a clone (bare or not) whose work tree is
// never touched. observe: {head: commit of the branch at the remote}. A checkpoint's part is {commit}.
//
// Promises: what is pushed has exactly the tree of the target, and that is what is looked at, at the remote; nothing
// that others pushed meanwhile is lost (revert fast-forwards, reset has a lease on the commit that was planned for);
// undo brings the branch back to the tree it had, or says why it cannot.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_branch_driver();

}  // namespace backout::drivers
