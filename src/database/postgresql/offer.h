// offer: the steps that a checkpoint, a rollback or the way forward need of a PostgreSQL database. Pure.
#pragma once
#include <vector>

#include "driver/driver.h"

namespace backout::postgresql {

Result<std::vector<Step>> offer_postgresql(const driver::Offering& offering);

}  // namespace backout::postgresql
