// ArchiveLoader: what differs between databases when a team's backup is restored for a test, stands in for a
// checkpoint, or is made. One implementation a kind of database; nothing else here knows which there are.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "app/backups/backups.h"
#include "base/json.h"

namespace backout::app {

/// A backup that was restored beside the live database, and what was in it.
struct LoadedArchive {
  archive::Kind kind = archive::Kind::kUnknown;
  std::string sha256;  // of the archive
  std::string schema_hash;
  int64_t tables = 0, rows = 0, dangling = 0;
  std::vector<std::string> tested;   // what was looked at on the way, in words
  std::vector<std::string> caveats;  // what such an archive does not keep, in sentences
  std::vector<std::string> files;    // what was made of it: the caller's to remove (remove_files)
  Json part = Json::object();        // what a checkpoint would keep of the database; its copy is one of `files`
};
void remove_files(const std::vector<std::string>& files);

class ArchiveLoader {
 public:
  ArchiveLoader() = default;
  ArchiveLoader(const ArchiveLoader&) = delete;
  ArchiveLoader& operator=(const ArchiveLoader&) = delete;
  virtual ~ArchiveLoader() = default;

  /// A restore takes for whole what is not: the archive is read to its end first (archive/examine.h).
  virtual bool reads_first() const = 0;

  /// Restores it beside. `sha256`: what reading it first said, else empty. `place`: a path below which files of ours
  /// may be made. On an error nothing is left. kUnsupported: it does not go into this kind of database; else as
  /// archive::finding_of.
  virtual Result<LoadedArchive> load(const archive::Found& found, const std::string& sha256, const std::string& place,
                                     const Said& said) const = 0;

  /// Each: why not, or empty. Does what was restored hold what the manifest beside the archive says?
  virtual std::string against_manifest(const archive::Found& found, const std::string& manifest,
                                       const LoadedArchive& loaded) const = 0;
  /// Is it of another database than the live one?
  virtual std::string against_live(const LoadedArchive& loaded) const = 0;
  /// Would code of the checkpoint's time work on it? `saved`: the checkpoint's part, may be empty.
  virtual std::string against_schema(const Json& saved, const LoadedArchive& loaded) const = 0;

  /// Its part of a checkpoint in the place of the one that `saved` is of (may be empty).
  virtual Json part_instead_of(const Json& saved, const LoadedArchive& loaded) const = 0;
  /// The copy of the database that a checkpoint took: why it cannot be relied on, or empty.
  virtual std::string fault_of_copy(const Json& saved) const = 0;

  /// How the name of a backup of our own ends: ".sqlite3".
  virtual std::string ending() const = 0;
  /// Makes one, its manifest beside it. Its size in bytes.
  virtual Result<uint64_t> copy_to(const std::string& path, const Said& said) const = 0;

  /// What tests that were killed left elsewhere than in the scratch directory.
  virtual void remove_left_by_killed() const {}
};

/// REQUIRES: the site has a database. The workspace outlives it.
std::unique_ptr<ArchiveLoader> archive_loader(const Workspace& workspace);

/// "none of the 3 tables of the live database is in it: it is of another one".
std::string is_of_another(size_t live_tables);

}  // namespace backout::app
