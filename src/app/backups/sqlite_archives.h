// Archives of an SQLite database: restored to a file in this process.
#pragma once
#include "app/backups/archive_loader.h"

namespace backout::app {

std::unique_ptr<ArchiveLoader> sqlite_archives(const Workspace& workspace);

}  // namespace backout::app
