// What going back to an older release of a Compose project needs, looked at long before.
#pragma once
#include "driver/driver.h"

namespace backout::drivers::compose {

driver::Readiness readiness(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                            std::stop_token stop);

}  // namespace backout::drivers::compose
