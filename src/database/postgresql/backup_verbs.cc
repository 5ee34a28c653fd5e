// The backup as a verb: its arguments, its part of the checkpoint, and how it is looked at again.
#include "base/hash.h"
#include "database/postgresql/backup.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/habits.h"
#include "database/postgresql/point.h"
#include "database/postgresql/read_catalog.h"
#include "os/file.h"

namespace backout::postgresql {

Result<Json> checkpoint_part(const Manifest& manifest, const std::string& directory, const std::string& manifest_path) {
  Json tables = Json::object();
  for (const auto& [name, table] : manifest.content.tables) tables[name] = table.rows;
  const auto catalog = TRY(schema::postgresql::catalog_from_json(manifest.catalog));
  const std::string sha256 = TRY(os::sha256_of_file(manifest_path));
  const std::string habits = habits_beside(manifest_path);
  Json notes = manifest.notes;
  if (const std::string why = get_string(manifest.horizon, "no_slot"); !why.empty())
    notes.push_back("changes are not captured by a slot, and rows written since will be found by comparing: " + why);
  Json part{{"driver", "postgresql"},
            {"database", manifest.source},
            {"backup", manifest.files.empty() ? "" : directory},
            {"manifest", manifest_path},
            {"manifest_sha256", sha256},
            {"size", manifest.size()},
            {"taken_at", manifest.taken_at},
            {"server_version", manifest.server_version},
            {"system_identifier", manifest.system_identifier},
            {"lsn", manifest.lsn},
            {"tables", tables},
            {"catalog", manifest.catalog},
            {"schema_hash", hash_of(catalog)},
            {"habits", os::exists(habits) ? habits : ""},
            {"slot", get_string(get(manifest.horizon, "slot"), "name")},
            {"notes", notes}};
  if (!manifest.point.empty()) part["point"] = manifest.point;
  return part;
}

Result<Json> run_backup(const Json& args, const Progress& progress) {
  BackupJob job;
  job.server = TRY(server_of(args));
  job.database = TRY(need(args, "database"));
  job.directory = TRY(need_path(args, "directory"));
  job.manifest = TRY(need_path(args, "manifest"));
  if (args.contains("pgbackrest")) {
    job.repository = TRY(repository_of(args));
    job.dump = job.repository->dump;
    job.maintenance = get_string(args, "maintenance");
  }
  job.jobs = static_cast<int>(get_int(args, "jobs", job.jobs));
  job.programs = get_string(args, "programs");
  job.capture = get_string(args, "capture") == "slot";
  job.wait_for_writers = Millis(get_int(args, "wait_for_writers_ms", job.wait_for_writers.count()));
  const BootTime began = system_clock().boot();
  const Manifest manifest = TRY(back_up(job, progress));
  TRY_VOID(save_habits(job.server, job.database, habits_beside(job.manifest), get(args, "migrations")));
  const Json part = TRY(checkpoint_part(manifest, job.directory, job.manifest));
  return Json{{"part", part},
              {"tables", manifest.content.tables.size()},
              {"rows", manifest.content.rows()},
              {"size", manifest.size()},
              {"notes", get(part, "notes")},
              {"took_ms", (system_clock().boot() - began).count()}};
}

Result<Json> look_at_backup(const Json& args) {
  const auto manifest = manifest_of(args);
  if (!manifest) return sight(false, manifest.error().message);
  const std::string directory = TRY(need_path(args, args.contains("directory") ? "directory" : "backup"));
  const bool noted = manifest->files.empty() && !get_bool(get(args, "pgbackrest"), "dump", true);
  const auto files = noted ? Result<void>() : check_dump(directory, *manifest);
  if (!files) return sight(false, files.error().message);
  const std::string path = TRY(need_path(args, "manifest"));
  const Json part = TRY(checkpoint_part(*manifest, directory, path));
  return sight(true,
               noted ? "what the database held, and the place in the log, are noted"
                     : "the files of the dump are those that its manifest names",
               {{"part", part}});
}

}  // namespace backout::postgresql
