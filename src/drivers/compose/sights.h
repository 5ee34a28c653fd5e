// Looks at a Compose project: what is there now, for a plan, and whether an action is done.
#pragma once
#include "driver/driver.h"
#include "drivers/compose/arguments.h"

namespace backout::drivers::compose {

Result<Json> observed(const Json& subject, host::Host& host, std::stop_token stop);

Sight sight_of_pins(const Pin& pin, host::Host& host, std::stop_token stop);
Sight sight_of_images(const std::vector<Image>& images, host::Host& host, std::stop_token stop);
Sight sight_of_stopped(const Stop& what, host::Host& host, std::stop_token stop);
Sight sight_of_up(const Up& up, host::Host& host, std::stop_token stop);
/// Where no images are known, each container must run what its name is here, and the release's tag must be among them.
Sight sight_of_running(const Json& args, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers::compose
