// "cron" and "crontab": cron jobs that write to the site, as a file of the system's (/etc/cron.d/shop) or as the
// crontab of a user.
//
// Subject: {name, file, drain_ms?} or {name, user, spool?, drain_ms?}; spool: where crontabs lie, else the usual
// places.
//
// park    renames the file to .NAME.backout-parked in its directory, which no cron reads: it takes notice within the
// minute,
//         before it begins anything. Jobs of it that are running are waited for within drain_ms, then ended.
// unpark  renames it back. When somebody has put another in its place meanwhile, that one stays, and the parked one is
//         kept as .NAME.backout-kept.
//
// A running job is known by its command line: the shell that cron gave the command to, or, where that shell has become
// the command, a child of cron whose words stand in the command.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_cron_driver();
std::unique_ptr<driver::Driver> make_crontab_driver();

}  // namespace backout::drivers
