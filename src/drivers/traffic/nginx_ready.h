// What closing and opening an nginx door needs, looked at long before: the include can be replaced, the page is there,
// nginx takes its configuration as it is.
#pragma once
#include "driver/driver.h"

namespace backout::drivers {

driver::Readiness nginx_readiness(const Json& subject, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers
