// page_digest: one fingerprint over what a database file holds now, page by page, the committed part of its -wal
// included.
//
// Equal before and after a checkpoint of the -wal, another journal mode, or a copy into another file; different as soon
// as anything was committed, even a row that was written and deleted again. That is how a swap knows that nobody wrote
// after the rows were counted. Reads through the connection's own file handles: opening and closing the file a second
// time in one process would drop SQLite's POSIX locks.
#pragma once
#include "database/sqlite/connection.h"
#include "database/sqlite/fingerprint.h"

namespace backout::database {

/// REQUIRES: the connection has a transaction open on `main`, so that the file cannot change underneath.
/// A write by this same connection that is not committed yet is not seen.
Result<Fingerprint> page_digest(Connection& connection);

/// As above, for a connection whose SQL must not be used now (it is the destination of a running copy).
Result<Fingerprint> page_digest(sqlite3* db, size_t page_size, bool in_wal);

/// Opens, digests, closes. kFixed for a file that nobody writes.
Result<Fingerprint> page_digest_of(const std::string& path, Open how);

}  // namespace backout::database
