// Checks that are not a protocol of their own.
//
// "run-check": a command that must exit 0 in time. Subject {name, run, patience?: {attempts, every_ms}}; "{{version}}"
// in its words and environment is the target version. Offers the look "check-<name>" in phase check. Verb "check", args
// {name, run}. "ask": a question to a person. Subject {name, question, role?, within_ms?, otherwise?}. Offers
// "ask-<name>" in phase check; the executor asks.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_run_check_driver();
std::unique_ptr<driver::Driver> make_ask_driver();

}  // namespace backout::drivers
