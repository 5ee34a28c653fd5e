// What a way back in a cluster needs, looked at long before: the program, the right to do it, the target's revision.
#pragma once
#include "driver/driver.h"
#include "drivers/kubernetes/kubectl.h"

namespace backout::drivers::kubernetes {

driver::Readiness readiness(const driver::Offering& offering, const Ask& ask);

}  // namespace backout::drivers::kubernetes
