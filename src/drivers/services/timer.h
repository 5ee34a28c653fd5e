// "timer": a systemd timer whose jobs write to the site.
//
// Subject: {name, unit, drain_ms?}
//
// park    stops the timer and keeps it from being started, by a drop-in of ours under /run that also says whether it
// was
//         active; then waits drain_ms for the job that it triggers, and ends what still runs.
// unpark  takes the drop-in away and starts the timer if it was found active.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_timer_driver();

}  // namespace backout::drivers
