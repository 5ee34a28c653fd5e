// The scripts that stop and start a plain process. POSIX sh; see process.h for what they guarantee.
//
// The pidfile has three lines: the pid, "started=<clock ticks since boot>", "boot=<boot id>". Pid and start together
// name one process for ever. The words before = keep `kill $(cat pidfile)` from reading them as pids.
#pragma once
#include <string>

namespace backout::drivers {

/// Arguments: pidfile, drain in milliseconds.
std::string stop_process_script();
/// Arguments: pidfile, log, working directory, drain in milliseconds, port (0: none), milliseconds to wait for it, the
/// program and its arguments.
std::string start_process_script();

}  // namespace backout::drivers
