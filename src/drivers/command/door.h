// "door-command": users are kept outside by the user's own two commands. Both must do no harm when they run again.
//
// Subject {close, open, probe?}: the probe exits 0 while the door is closed and 1 while it is open. Verbs close and
// open, args {run, probe?}. Steps "close-door" (undo: open) and "open-door" (the commit point: nothing undoes it).
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_door_command_driver();

}  // namespace backout::drivers
