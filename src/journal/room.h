// Room: what a journal needs so that a run can be written down on a disk that is, and stays, full.
//
// The space is taken inside the journal's own files, ahead of need, where no other writer can have it: free pages in
// the database, so that a new page is one that is on the disk already, and a WAL that is longer than what is in it, so
// that it is written in place. A file system that never writes in place (btrfs, ZFS) still needs new blocks; there the
// reserve helps (reserve.h).
#pragma once
#include <cstdint>
#include <string>

struct sqlite3;

namespace backout::journal {

/// Some hundred appends of the usual size.
inline constexpr uint64_t kRoomBytes = 4ULL << 20U;

/// As far as the disk allows: not having room is no error, an append says what is missing. Costs nothing but a look
/// when there is room; else it writes `bytes` twice, and only when several times that is free. `file` is the database
/// in WAL mode that `database` has open. REQUIRES: no transaction is open.
void make_room(sqlite3* database, const std::string& file, uint64_t bytes);

/// To be called before `database` is closed. On a disk that is nearly full the WAL is left where it is, for the run
/// that carries on; SQLite would delete it with the last connection, and somebody else would take its place.
void keep_room(sqlite3* database, const std::string& file);

}  // namespace backout::journal
