#include "app/backups/archive_loader.h"

#include "app/backups/postgresql_archives.h"
#include "app/backups/sqlite_archives.h"
#include "base/text.h"
#include "os/file.h"

namespace backout::app {

void remove_files(const std::vector<std::string>& files) {
  for (const std::string& file : files) (void)os::remove_tree(file);
}

std::unique_ptr<ArchiveLoader> archive_loader(const Workspace& workspace) {
  return workspace.site().database->kind == "postgresql" ? postgresql_archives(workspace) : sqlite_archives(workspace);
}

std::string is_of_another(size_t live_tables) {
  return fmt::format("none of the {} of the live database is in it: it is of another one",
                     counted(static_cast<int64_t>(live_tables), "table"));
}

}  // namespace backout::app
