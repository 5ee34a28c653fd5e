// "systemd": a service that is a systemd unit of the system's manager.
//
// Subject: {name, unit, port?, drain_ms?, startup_ms?, code: {layout, path}?}
//
// stop   asks systemd to stop it, after drain_ms KILL to its whole control group. Verified: inactive or failed, no
// process in
//        the control group, nobody listens on the port.
// start  reloads the manager when the unit file changed since it was loaded, clears a start limit, starts.
// serves a look. "active" alone is never believed: the main process lives, started after the switch, runs from the
// release,
//        the port is held by the unit's own control group, and it is not in a circle of restarts.
//
// When it does not hold, the last 20 lines of the unit's journal are in the evidence ("log").
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_systemd_driver();

}  // namespace backout::drivers
