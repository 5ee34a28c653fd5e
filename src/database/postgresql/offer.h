// offer: the steps that a checkpoint, a rollback or the way forward need of a PostgreSQL database. Pure.
#pragma once
#include <vector>

#include "driver/driver.h"

namespace backout::postgresql {

/// What names of ours begin with, before "__backout_RUN_WORD".
std::string base_of(const std::string& database);
Result<std::vector<Step>> offer_postgresql(const driver::Offering& offering);

}  // namespace backout::postgresql
