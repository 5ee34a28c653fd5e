#include "database/sqlite/keep.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/hash.h"
#include "database/sqlite/backup.h"
#include "database/sqlite/page_digest.h"
#include "database/sqlite/read_schema.h"
#include "database/sqlite/rescue.h"
#include "database/sqlite/swap.h"
#include "database/sqlite/swap_marker.h"
#include "os/file.h"

namespace backout::database {
namespace {

/// A manifest of a database at rest: nobody writes it any more.
Result<Manifest> manifest_at_rest(const std::string& path, const std::string& source, const std::string& journal_mode) {
  Manifest manifest{.source = source, .taken_at = to_iso(system_clock().wall()), .journal_mode = journal_mode};
  {
    auto connection = TRY(Connection::open(path, Open::kFixed));
    TRY_VOID(connection.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
    manifest.schema = TRY(read_schema(connection));
    manifest.tables = TRY(read_content(connection, manifest.schema));
    manifest.sequences = TRY(read_sequences(connection));
    manifest.digest = TRY(page_digest(connection)).hex();
  }
  TRY_VOID(measure_file(path, manifest));
  return manifest;
}

Result<void> rebuild_base(const KeepJob& job, const std::string& path, const std::string& digest,
                          const Progress& progress) {
  const std::string work = path + ".work";
  const Cleanup cleanup([&] { remove_database(work); });
  const std::string scratch[] = {job.directory + "/rebuild-conflicts.jsonl", job.directory + "/rebuild-archive.jsonl"};
  TRY_VOID(copy_file(job.pristine, work, progress));
  const Json again = TRY(rescue({.base = job.base,
                                 .live = job.kept,
                                 .target = work,
                                 .pristine = job.pristine,
                                 .choices = job.choices,
                                 .conflicts = scratch[0],
                                 .archive = scratch[1]},
                                progress));
  for (const auto& file : scratch) TRY_VOID(os::remove_file(file));
  if (get_string(again, "new_digest") != digest)
    return Error{Code::kConflict, "the rescue, repeated, does not give what was swapped in",
                 "the way forward needs a new deploy; rows are safe in " + job.kept};
  TRY_VOID(sync_file(work));
  return rename_file(work, path);
}

/// keep comes only after a look has seen the new content in place. The swap may have been killed before it could write
/// so itself, and rows may have been written since: then the replaced file, which is another one, tells.
Result<bool> was_swapped_in(const KeepJob& job, const SwapMarker& marker) {
  if (marker.state != "begun") return marker.state == "done";
  if (TRY(look_at_swap(job.file, job.marker)).content == Content::kNew) return true;
  return os::exists(job.kept) && !TRY(facts_of(job.kept)).same_file(TRY(facts_of(job.file)));
}

}  // namespace

Result<Json> checkpoint_part(const std::string& file, const std::string& backup, const std::string& manifest_path) {
  const std::string text = TRY(os::read_file(manifest_path));
  const std::string sha256 = sha256_hex(text);
  const Manifest manifest = TRY(load_manifest(manifest_path, sha256));
  Json tables = Json::object();
  for (const auto& [name, content] : manifest.tables) tables[name] = content.rows;
  return Json{{"driver", "sqlite"},
              {"file", file},
              {"backup", backup},
              {"manifest", manifest_path},
              {"manifest_sha256", sha256},
              {"sha256", manifest.sha256},
              {"size", manifest.size},
              {"taken_at", manifest.taken_at},
              {"journal_mode", manifest.journal_mode},
              {"schema", schema::to_json(manifest.schema)},
              {"schema_hash", hash_of(manifest.schema)},
              {"tables", tables}};
}

Result<Json> keep(const KeepJob& job, const Progress& progress) {
  const std::string base = job.directory + "/base.sqlite", base_manifest = job.directory + "/base.manifest.json",
                    kept_manifest = job.directory + "/kept.manifest.json", part_file = job.directory + "/part.json";
  TRY_VOID(os::make_directories(job.directory, 0700));
  const Json record = TRY(parse_json(TRY(os::read_file(job.record))).with_context(job.record));
  const auto marker = TRY(load_marker(job.marker));
  if (!marker || !TRY(was_swapped_in(job, *marker)))
    return Error{Code::kConflict, "nothing was swapped in, so there is nothing to keep", ""};

  TRY_VOID(make_self_contained(job.kept));
  TRY_VOID(sync_file(job.kept));
  if (TRY(page_digest_of(job.kept, Open::kFixed)).hex() !=
      (job.kept_digest.empty() ? marker->old_digest : job.kept_digest))
    return Error{Code::kConflict,
                 "rows were written to the replaced database after the swap; they are only in " + job.kept,
                 "find the program that still has it open, end it, and copy its rows by hand"};
  if (::chmod(job.kept.c_str(), 0600) != 0) return errno_error("setting the mode of " + job.kept);
  const std::string new_digest = get_string(record, "new_digest");
  const auto there = page_digest_of(base, Open::kFixed);
  if (!there || there->hex() != new_digest) TRY_VOID(rebuild_base(job, base, new_digest, progress));
  TRY_VOID(store_manifest(TRY(manifest_at_rest(base, job.file, marker->journal_mode)), base_manifest));
  TRY_VOID(store_manifest(TRY(manifest_at_rest(job.kept, job.file, marker->journal_mode)), kept_manifest));
  Json part = TRY(checkpoint_part(job.file, job.kept, kept_manifest));
  part["base"] = base;
  part["base_manifest"] = base_manifest;
  TRY_VOID(os::write_file_atomic(part_file, canonical(part) + "\n", 0600));
  return Json{{"part", part}};
}

}  // namespace backout::database
