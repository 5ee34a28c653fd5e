// "deploy-command": a team whose only way to bring code is its own command (`make deploy`), run at the previous tag in
// a clean git worktree.
//
// Subject: {path, user?, git?, run: UserCommand, recap: ansible|none, bring?: [names]}. `path` is a clone; its own work
// tree is not touched; files of it that git does not have lie in the other one while the command runs (`bring`). The
// command's word is never enough: its recap is read, and whether the target runs is for checks to see. It is not known
// to be repeatable, so a command that was cut off is Unknown. Undo is the same command at the version that was there:
// it says "everywhere", and leaves as evidence what was not so before (docs/formats/plan.md, Action).
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_deploy_command_driver();

}  // namespace backout::drivers
