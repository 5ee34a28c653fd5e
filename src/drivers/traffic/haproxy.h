// "haproxy": pools as servers of a backend of HAProxy, by the runtime API at its stats socket.
//
// Subject: shift.h, and {socket: PATH | HOST:PORT, backend, out: "maint" | "drain", state_file?}; each pool has
// `servers`, the names of its servers in the backend.
//
// shift sets the weights and the states of the servers: first of those that get traffic, then of those that get none.
// One that somebody keeps out of service (haproxy_answers.h, kept_out) is left alone; an undo puts back the states and
// weights of the others as the plan found them. Requests in flight are finished; no connection is cut. What is set so
// is lost when HAProxy is reloaded, unless it loads `state_file` (server-state-file), which is then written after each
// shift; without room for it nothing is shifted, but for an undo. Spoken with by perl or python3 on the host: HAProxy
// brings no client of its own.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_haproxy_driver();

}  // namespace backout::drivers
