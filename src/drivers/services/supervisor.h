// "supervisor": a service that is a program, or a group of programs, of supervisord.
//
// Subject: {name, program, config?, port?, drain_ms?, startup_ms?, code: {layout, path}?}
//
// program  `program`, `group:program` or `group:*`; a bare name whose program has numprocs means all of them.
// stop     supervisorctl stop; after drain_ms KILL to what is left, also to children that supervisord leaves behind
// (they
//          are known by the environment that it gave them). supervisord itself sends KILL after the program's
//          stopwaitsecs.
// start    supervisorctl update of the program's group (nothing when its configuration is as loaded), then start; a
//          program that supervisord tries again (BACKOFF) is waited for within startup_ms.
// serves   a look. RUNNING alone is never believed: see serves.h; restarts by supervisord count, by its log.
//
// When it does not hold, the last lines of the program's output are in the evidence ("log").
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_supervisor_driver();

}  // namespace backout::drivers
