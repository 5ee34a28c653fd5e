// What going back to older code needs, looked at long before. One function a layout.
#pragma once
#include "driver/driver.h"

namespace backout::drivers {

/// Releases: the target's directory stands there whole, or can be fetched and built: then there must be room for
/// another one like the current, in bytes and in files. kProve reads every file of the target, or fetches and builds it
/// in a scratch directory that is removed again.
driver::Readiness releases_readiness(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                                     std::stop_token stop);

/// In place: the tag is in the checkout or at its source, and the checkout can be written.
driver::Readiness checkout_readiness(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                                     std::stop_token stop);

}  // namespace backout::drivers
