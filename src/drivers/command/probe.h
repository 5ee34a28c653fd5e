// Probe: a user's command that looks. Exit status 0: it is so; 1: it is not so; anything else: cannot tell.
#pragma once
#include <stop_token>

#include "base/json.h"
#include "driver/driver.h"
#include "host/host.h"

namespace backout::drivers {

/// Runs `args[key]` on `host`. CannotTell without a probe, without an answer, and without a host. Never throws.
Sight look_by_probe(const Json& args, std::string_view key, host::Host& host, std::stop_token stop);
/// The opposite sight: what holds does not. CannotTell stays.
Sight opposite(Sight sight);

/// The last line of what a command said, fit for one line on a screen; empty if it said nothing.
std::string last_line(const host::CommandResult& result);

}  // namespace backout::drivers
