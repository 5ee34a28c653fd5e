// backup, verify_backup, restore_beside: a copy of a database that is proved before anybody depends on it.
//
// Each is killable at any instant and repeatable: it looks first, works in a temporary file beside its result, and the
// result appears by rename. A backup counts as there only when its manifest is, and the manifest is written last.
//
// Copies are made by SQLite's online backup API, not VACUUM INTO: that one may renumber the rowids of tables without an
// INTEGER PRIMARY KEY, and rowids are what rows of tables without any key are matched by later.
#pragma once
#include <string>
#include <vector>

#include "database/sqlite/files.h"
#include "database/sqlite/manifest.h"

namespace backout::database {

/// Copies the live database `file` to `backup`, manifest beside it, all from one read transaction. In WAL mode nobody
/// waits; in the other modes writers wait while it runs. Already there and matching: returns its manifest without a new
/// copy.
Result<Manifest> backup(const std::string& file, const std::string& backup, const std::string& manifest,
                        const Progress& progress);

/// A plain copy of the live database as `to`, one self-contained file of mode 0600, complete and durable when it has
/// the name.
Result<void> save_copy(const std::string& file, const std::string& to, const Progress& progress);

/// Makes a database that nobody has open one self-contained file: no WAL mode.
Result<void> make_self_contained(const std::string& path);

/// The faults of a backup, each a line that says where; empty: it was restored to a scratch file, passed SQLite's
/// integrity check, and every table has the rows and the content that the manifest names. `dangling`: rows whose
/// foreign key pointed nowhere already in the source.
struct Verification {
  std::vector<std::string> faults;
  int64_t rows = 0;
  int64_t dangling = 0;
};
Result<Verification> verify_backup(const std::string& backup, const Manifest& manifest, const Progress& progress);

/// Writes `<backup>.verified.json`: which bytes were proved, when.
Result<void> record_verified(const std::string& backup, const Manifest& manifest);

/// Does the file still have the bytes that the manifest names? kCorrupt with the damaged places.
Result<void> check_bytes(const std::string& file, const Manifest& manifest);

/// Makes `beside` from the backup, checked in full against the manifest before it gets that name. Mode 0600.
Result<void> restore_beside(const std::string& backup, const Manifest& manifest, const std::string& beside,
                            const Progress& progress);

}  // namespace backout::database
