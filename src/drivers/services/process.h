// "process": a service that is a plain process which backout itself keeps.
//
// Subject: {name, start: [argv], cwd, user?, env{}, log, pidfile, port?, drain_ms?, startup_ms?, code: {layout, path}?}
//
// stop   TERM to the process that the pidfile names (same pid and same start), after drain_ms KILL to it and everything
// of
//        its session and its descendants. Verified: none of them lives, nobody listens on the port.
// start  in a session of its own, every descriptor but the log closed, so that nothing of the attempt (its lock) lives
// on in
//        it. The pidfile is written by the new process before it becomes the program: killed at any instant, there is
//        either no process, or one that the pidfile names. Starts nothing when one is alive (one that a stop has told
//        to end is waited for first); whether that one is the right one is for verify to say.
// serves a look, see serves.h.
//
// A pidfile that another program wrote (pid alone) is believed when the process is older than the file.
// Everything runs as `user`, so the pidfile and the log must lie where that user may write.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_process_driver();

}  // namespace backout::drivers
