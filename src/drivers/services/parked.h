// Writers that are not up all the time (timers, cron jobs) are parked: none of them can begin while the door is closed,
// and those that are running are waited for, then ended.
//
// park-<name> (close; its undo unparks), unpark-<name> (settle, as soon as the door is open: what they write must not
// be lost by an abort). What was found is kept at the target, beside the thing itself, so that a run that was cut off,
// or another one, puts back what was there before the first.
#pragma once
#include "driver/driver.h"
#include "drivers/services/steps.h"

namespace backout::drivers {

std::vector<driver::Verb> parked_verbs();  // park, unpark
std::vector<Step> parked_steps(const driver::Offering& offering, std::string_view driver, const Service& service);

/// "<fact> <value>" lines that end with "end". kCorrupt when they do not.
Result<std::vector<std::pair<std::string, std::string>>> facts_of(std::string_view output);

}  // namespace backout::drivers
