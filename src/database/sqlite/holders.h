// Who has a database file open: found in /proc, since an idle SQLite connection in a rollback-journal mode holds no
// lock.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "database/sqlite/files.h"

namespace backout::database {

struct Holder {
  pid_t pid = 0;
  std::string command;
};

struct Holders {
  std::vector<Holder> list;  // without this process
  bool complete = true;      // false: some processes may not be looked into, so one more may hold it
  bool none() const { return list.empty() && complete; }
};

/// The file itself and its -wal, -shm and -journal.
Result<Holders> holders_of(const std::string& database);
/// Any of these files, by identity: also under names they no longer have.
Holders holders_of(const std::vector<FileFacts>& files);

std::string for_people(const Holders& holders);
Json to_json(const Holders& holders);

}  // namespace backout::database
