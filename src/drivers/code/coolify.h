// "coolify": an application that Coolify builds and runs, brought back by Coolify itself: set to the commit of an
// earlier version, deployed, followed to its end, and believed when the application reports that version.
//
// Subject: {url, application, serves, within_ms, secrets: {COOLIFY_TOKEN: place}, switch_branch?}. switch_branch: the
// application is moved to the branch that the branch driver pushes, rollback/VERSION-RUN.
// observe: {head: commit that Coolify deployed last, application: {...}, deployed: [commits, newest first]}.
// A checkpoint's part is {commit}. The target's commit: of the checkpoint, else as the release was recorded, else the
// version itself.
//
// pause-coolify  (close)  auto-deploy off, and the application set to the target's commit, so that no push and no press
// of
//                a button brings the bad release back; `was` in its arguments is how it was found. An abort puts that
//                back; after a rollback it stays until the release is resolved
// deploy-coolify (start, when a database has been swapped)  its undo deploys what was there
// coolify-serves (check)
#pragma once
#include <memory>
#include <string>

#include "driver/driver.h"

namespace backout::drivers {

/// `self`: the path of this program.
std::unique_ptr<driver::Driver> make_coolify_driver(const std::string& self);

}  // namespace backout::drivers
