// "pm2": a service that is an application of PM2, with all of its instances, in fork or cluster mode.
//
// Subject: {name, app, home?, user?, program?, ecosystem?, cwd?, port?, drain_ms?, startup_ms?, code: {layout, path}?}
//
// stop     pm2 stop; PM2 itself sends KILL after the application's kill_timeout, we do after drain_ms.
// start    with `ecosystem`: pm2 delete, then pm2 start of that file for this application alone, in cwd; without:
//          pm2 restart, which follows a switched `current` when PM2 knows the application by that path. An application
//          that PM2 starts from releases/VERSION itself would come back as that release: refused when planning. What
//          was saved (dump.pm2) is saved again.
// serves   a look. "online" alone is never believed: see serves.h. In cluster mode the port is held by PM2's daemon.
//
// A look never starts PM2's daemon: when it does not run, nothing of it does.
// When it does not hold, the last lines of the application's logs are in the evidence ("log").
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_pm2_driver();

}  // namespace backout::drivers
