// "command": the user's own step, with a probe that tells whether it is done.
//
// Subject: {name, phase, run, undo?, probe?, repeatable, on_unknown}. Verbs:
//   run       args {name, run, probe?}    the command; done when the probe exits 0, not done when 1
//   run-undo  args {name, undo, probe?}   the way back; done when the probe exits 1
//   deploy    args {run}                  the user's deploy command: never repeated, nothing can probe it
// Offers one step "run-<name>" for a rollback and for the way forward; nothing for a checkpoint.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_command_driver();

}  // namespace backout::drivers
