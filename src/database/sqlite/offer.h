// The steps that an SQLite database needs in a run. Pure: everything comes from the offering.
#pragma once
#include <vector>

#include "driver/driver.h"

namespace backout::database {

/// Subject: {"file", "tables": {name: "carry" | "leave"}}.
Result<std::vector<Step>> offer_sqlite(const driver::Offering& offering);

}  // namespace backout::database
