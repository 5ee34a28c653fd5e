// The driver of a PostgreSQL database: saved by a dump, restored beside, rows carried, swapped in by rename.
#pragma once
#include <memory>
#include <string>

#include "driver/driver.h"

namespace backout::postgresql {

/// Name: "postgresql". `self_path`: this program, whose tool does the work (tool.h). Subject: {"server", "database",
/// "maintenance", "jobs", "tables", "secrets": {"PGPASSWORD": place}}.
std::unique_ptr<driver::Driver> make_postgresql_driver(std::string self_path);

}  // namespace backout::postgresql
