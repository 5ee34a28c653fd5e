// "nginx-traffic": pools as servers of an upstream { } of nginx, in a file that it includes.
//
// Subject: shift.h, and {include, test: [argv], reload: [argv], dump: [argv]}; each pool has `servers`, as nginx
// reaches them.
//
// shift writes the file atomically, asks nginx to test its configuration, then to reload. When the test or the reload
// fails, the content before is back and nothing was reloaded. What the file held before the first shift of a run is
// kept beside it (.NAME.backout-found-RUN), once; an undo puts those bytes back. Looked at: the file, whether it is
// part of the configuration (`nginx -T`), and whether the workers that take new connections are younger than it; and,
// as for every kind, what answers at public_url. Requests in flight are finished by the old workers; idle keep-alive
// connections are closed.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_nginx_traffic_driver();

}  // namespace backout::drivers
