// keep: makes what a finished rollback leaves behind into what is needed to go forward again.
//
// Going forward means: restore the replaced database (kept), find what users wrote since by comparing the live file
// with what had been swapped in (base), carry that over. The base is not copied while users wait: it is made afterwards
// by the same restore and rescue from the same unchanging inputs, and proved to be the same by its page digest.
#pragma once
#include <map>
#include <string>

#include "base/json.h"
#include "database/sqlite/carry_map.h"
#include "database/sqlite/files.h"

namespace backout::database {

struct KeepJob {
  std::string file;  // the live path, for the record
  std::string kept;  // the replaced database
  std::string base;  // as the rescue had it
  std::string pristine;
  std::string kept_digest;  // what the kept one must be; empty: what the swap took out
  std::string record;       // what the rescue wrote down
  std::string marker;       // of the swap
  std::string directory;    // gets base.sqlite, base.manifest.json, kept.manifest.json, part.json
  std::map<std::string, Choice> choices;
};

/// {"part": this driver's part of a checkpoint that brings the replaced version back}.
/// kConflict: somebody wrote to the replaced file after the swap (named by digest): its rows are in no file but that
/// one.
Result<Json> keep(const KeepJob& job, const Progress& progress);

/// The part of a checkpoint for a backup: {"driver", "file", "backup", "manifest", "manifest_sha256", "sha256", "size",
/// "taken_at", "journal_mode", "schema", "schema_hash", "tables": {name: rows}}.
Result<Json> checkpoint_part(const std::string& file, const std::string& backup, const std::string& manifest);

}  // namespace backout::database
