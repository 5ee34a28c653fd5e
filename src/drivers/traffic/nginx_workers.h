// nginx's workers that take connections: are all of them younger than the files that they should have loaded?
#pragma once
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/host.h"

namespace backout::drivers {

/// Empty when they are; else what is amiss, in words. nginx's master lets old workers serve for 100 ms after a reload:
/// while a file is new, they are waited for, half a second at most. At this machine /proc is read in this process.
/// Errors: of the host; kInternal when what /proc says makes no sense. Thread-safe.
Result<std::string> amiss_in_workers(host::Host& host, const std::string& pid_file,
                                     const std::vector<std::string>& includes, const std::stop_token& stop);

}  // namespace backout::drivers
