// Manifest: what a dump must contain, kept beside it as JSON. Format: docs/formats/postgresql-backup.md.
//
// Rows, hashes and the catalogue are read in the very snapshot that pg_dump takes its copy from, not from the dump: a
// fault while dumping shows. It names the files of the dump with their checksums: pg_restore takes cut-off and changed
// files without a word.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/postgresql/content.h"
#include "database/postgresql/facts.h"

namespace backout::postgresql {

struct DumpFile {
  uint64_t size = 0;
  std::string sha256;
  bool operator==(const DumpFile&) const = default;
};

struct Manifest {
  std::string source;             // the database it was taken from
  std::string taken_at;           // ISO 8601, UTC: when the snapshot was taken
  int64_t server_version = 0;     // 150020
  std::string dumped_by;          // "pg_dump (PostgreSQL) 15.20"
  std::string system_identifier;  // of the cluster; empty when the role may not know it
  std::string lsn;                // of the log when the snapshot was taken
  std::string snapshot;           // pg_current_snapshot(): transactions it saw
  uint64_t database_size = 0;     // bytes on the server
  DatabaseFacts database;
  std::vector<Role> roles;
  std::map<std::string, std::string> extensions;
  Content content;
  /// Before the dump, and after it: the dump read them in between.
  std::map<std::string, SequencePosition> sequences, sequences_after;
  Json catalog = Json::object();
  Json horizon =
      Json::object();  // see horizon.h, and "marks": those of marks.h from before the snapshot; empty in old ones
  std::map<std::string, DumpFile> files;  // by name in the dump's directory; none where only the point was noted
  Json point = Json::object();            // see point.h; empty without pgBackRest
  std::vector<std::string> notes;         // what the dump does not hold, in sentences
  uint64_t size() const;                  // of all files
};

Json to_json(const Manifest& manifest);
/// kCorrupt, kUnsupported (a newer format).
Result<Manifest> manifest_from_json(const Json& value);
Result<void> store_manifest(const Manifest& manifest, const std::string& path);
/// `sha256` not empty: the manifest file itself must have it, else kCorrupt.
Result<Manifest> load_manifest(const std::string& path, const std::string& sha256 = "");
/// By the arguments `manifest` and, when there, `manifest_sha256`.
Result<Manifest> manifest_of(const Json& args);

}  // namespace backout::postgresql
