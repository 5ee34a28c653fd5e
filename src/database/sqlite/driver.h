// The "sqlite" driver: an SQLite file as the site's database. See docs/design/sqlite.md.
//
// Subject: {"file": absolute path, "tables": {name: "carry" | "leave"}}. In this version the file is on the
// controller's own machine. Every look and every effect is a process of this same program (`backout internal sqlite
// VERB`), so that SQLite's locks, which belong to a process, never meet those of another thread.
#pragma once
#include <memory>
#include <string>

#include "driver/driver.h"

namespace backout::database {

/// `self_path`: this program's file, for argv[0] of its commands.
std::unique_ptr<driver::Driver> make_sqlite_driver(std::string self_path);

}  // namespace backout::database
