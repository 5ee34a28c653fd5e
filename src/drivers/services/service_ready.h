// What stopping and starting a service needs, looked at long before.
#pragma once
#include "driver/driver.h"

namespace backout::drivers {

/// A plain process: its program, as it will be in the target's code; its log and its pidfile can be written. Pure.
driver::Readiness process_readiness(const driver::Offering& offering, const std::string& host);

/// A program that every look and step of such a service needs. Pure.
driver::Readiness tool_readiness(const std::string& tool, const std::string& why);

}  // namespace backout::drivers
