// Archives of a PostgreSQL database: restored into a database of their own on the server, dumped from there, dropped.
// All of it is done by the driver's tool, a process of its own: the password goes the way of every other command.
#pragma once
#include "app/backups/archive_loader.h"

namespace backout::app {

std::unique_ptr<ArchiveLoader> postgresql_archives(const Workspace& workspace);

}  // namespace backout::app
