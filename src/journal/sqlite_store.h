// Store on one SQLite file: WAL, synchronous=FULL, so that a commit is on the disk when it returns. The file must exist
// and be ours: journal_file.h looks before SQLite may, because SQLite would mend and change what it opens.
#pragma once
#include <memory>
#include <string>

#include "journal/store.h"

namespace backout::journal {

/// kNotFound, kCorrupt, kDenied, kNoSpace.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& file);

}  // namespace backout::journal
