// "resources": figures of a host and of the services on it, against limits.
//
// Subject {name, limits: {figure: limit}, paths: [directories whose file systems matter], services: [{name, unit |
// pidfile}]}. Offers "check-<name>" in phase check. Figures: disk, memory, open_files (shares), load (of a minute, for
// each processor), rss (bytes), restarts. What cannot be read is CannotTell, unless another limit is seen to be broken.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

struct Figure {
  double value = 0;
  std::string of;  // "/srv", "web"; may be empty
};
/// The figures in what the script printed. Pure.
std::map<std::string, Figure> figures_in(const std::string& out);

std::unique_ptr<driver::Driver> make_resources_driver();

}  // namespace backout::drivers
