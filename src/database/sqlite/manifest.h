// Manifest: what a backup must contain, kept beside it as JSON. Format: docs/formats/sqlite-backup.md.
//
// Row counts and content hashes are taken from the live database in the very read transaction that the copy is made in,
// not from the copy: a fault while copying shows.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/sqlite/connection.h"
#include "database/sqlite/fingerprint.h"
#include "schema/snapshot.h"

namespace backout::database {

struct TableContent {
  int64_t rows = 0;
  Fingerprint hash;  // sum over the rows: the order does not matter
  bool operator==(const TableContent&) const = default;
};

struct Manifest {
  std::string source;               // the file it was taken from
  std::string taken_at;             // ISO 8601, UTC
  uint64_t size = 0;                // of the backup file, bytes
  std::string sha256;               // of the backup file
  std::string digest;               // page_digest of it
  std::vector<std::string> blocks;  // fingerprint of each 256 KiB of it: says where a damaged file is damaged
  std::string journal_mode;         // of the live database: "wal", "delete"
  schema::Snapshot schema;
  std::map<std::string, TableContent> tables;
  std::map<std::string, int64_t> sequences;  // sqlite_sequence
};
inline constexpr size_t kManifestBlock = 256U << 10;

Json to_json(const Manifest& manifest);
/// kCorrupt, kUnsupported (a newer format).
Result<Manifest> manifest_from_json(const Json& value);
Result<void> store_manifest(const Manifest& manifest, const std::string& path);
/// `sha256` not empty: the manifest file itself must have it, else kCorrupt.
Result<Manifest> load_manifest(const std::string& path, const std::string& sha256 = "");

/// Counts and hashes one table, or every table whose rows live in the file: virtual tables are left out, their shadow
/// tables are not.
Result<TableContent> read_content(Connection& connection, const schema::Table& table);
Result<std::map<std::string, TableContent>> read_content(Connection& connection, const schema::Snapshot& schema);
Result<std::map<std::string, int64_t>> read_sequences(Connection& connection);
/// Fingerprints of the file's blocks and its SHA-256, in one pass. Also the size.
Result<void> measure_file(const std::string& path, Manifest& into);

}  // namespace backout::database
