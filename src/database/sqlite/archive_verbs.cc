#include "database/sqlite/archive_verbs.h"

#include "base/text.h"
#include "database/sqlite/backup.h"
#include "database/sqlite/load.h"
#include "database/sqlite/read_schema.h"
#include "database/sqlite/swap.h"
#include "database/sqlite/verb_args.h"
#include "os/file.h"

namespace backout::database {
namespace {

/// kConflict with the first difference: schema, then every table's rows.
Result<void> check_content(const std::string& file, const Manifest& wanted) {
  auto live = TRY(Connection::open(file, Open::kQuery));
  TRY_VOID(live.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
  auto schema = TRY(read_schema(live));
  schema.user_version = wanted.schema.user_version;  // SQL text does not keep them
  schema.application_id = wanted.schema.application_id;
  if (schema != wanted.schema) return Error{Code::kConflict, "its schema is not that of the backup", ""};
  for (const auto& [name, content] : wanted.tables) {
    const auto found = TRY(read_content(live, *find_table(schema, name)));
    if (found.rows != content.rows)
      return Error{Code::kConflict,
                   fmt::format("table {} has {}, the backup has {}", name, counted(found.rows, "row"), content.rows),
                   ""};
    if (found.hash != content.hash)
      return Error{Code::kConflict, "the rows of table " + name + " are not those of the backup", ""};
  }
  return {};
}

Result<FileFacts> facts_before(const Json& before) {
  FileFacts facts;
  facts.mode = static_cast<mode_t>(get_int(before, "mode", 0600));
  facts.owner = static_cast<uid_t>(get_int(before, "owner"));
  facts.group = static_cast<gid_t>(get_int(before, "group"));
  return facts;
}

/// Where the script left no database that SQLite can open, the save is put there as a file.
Result<Json> put_file(const std::string& file, const std::string& save, const std::string& incoming,
                      const std::string& keep) {
  TRY_VOID(copy_file(save, incoming));
  if (os::exists(file)) TRY_VOID(rename_file(file, keep));
  for (const char* suffix : {"-wal", "-shm", "-journal"}) TRY_VOID(os::remove_file(file + suffix));
  TRY_VOID(rename_file(incoming, file));
  return Json{{"how", "file"}, {"kept", keep}};
}

Manifest manifest_named(const Json& before) {
  auto manifest = load_manifest(get_string(before, "manifest"));
  return manifest ? std::move(*manifest) : Manifest();
}

}  // namespace

Result<Json> run_load(const Json& args, const Progress& progress) {
  const std::string backup = TRY(need_path(args, "backup")), manifest = TRY(need_path(args, "manifest"));
  if (const auto there = load_manifest(manifest); there && check_bytes(backup, *there))
    return Json{{"file", backup}, {"size", there->size}, {"tables", there->tables.size()}};
  const LoadJob job{.archive = TRY(need_path(args, "archive")),
                    .sha256 = TRY(need(args, "sha256")),
                    .taken_at = get_string(args, "taken_at"),
                    .backup = backup,
                    .manifest = manifest};
  const Loaded loaded = TRY(load_archive(job, progress));
  return Json{{"file", backup},      {"size", loaded.manifest.size}, {"tables", loaded.manifest.tables.size()},
              {"rows", loaded.rows}, {"dangling", loaded.dangling},  {"sha256", loaded.sha256}};
}

Result<Json> look_at_load(const Json& args) {
  const auto manifest = load_manifest(TRY(need_path(args, "manifest")));
  if (!manifest) return sight(false, manifest.error().message);
  return sight_of(check_bytes(TRY(need_path(args, "backup")), *manifest),
                  "it is loaded, and has the bytes that its manifest names");
}

Result<Json> look_at_script(const Json& args) {
  const std::string file = TRY(need_path(args, "file"));
  const Manifest wanted = TRY(load_manifest(TRY(need_path(get(args, "wanted"), "manifest"))));
  if (!os::exists(file)) return sight(false, "there is no " + file + " any more");
  const auto content = check_content(TRY(real_path(file)), wanted);
  return content ? sight(true, "the database holds exactly what the backup holds")
                 : sight(false, "the database does not hold what the backup holds: " + content.error().message);
}

Result<void> check_scripted(const Json& args, const std::string& rescued_digest) {
  const Manifest last = TRY(load_manifest(TRY(need_path(get(args, "scripted"), "manifest"))));
  if (last.digest != rescued_digest)
    return Error{Code::kConflict, "somebody wrote to the database between the save and the count of the rows",
                 "stop whatever writes to it (a cron job, a worker that is not in services:) and try again"};
  const auto marker = look_at_swap(TRY(live_file(args)), TRY(need_path(args, "marker")));
  if (marker && marker->content == Content::kNew) return {};
  const Manifest wanted = TRY(load_manifest(TRY(need_path(get(args, "wanted"), "manifest"))));
  return check_content(TRY(live_file(args)), wanted).with_context("after your restore command");
}

Result<void> dress_as_before(const std::string& file, const Json& before) {
  TRY_VOID(set_owner_and_mode(file, TRY(facts_before(before))));
  if (manifest_named(before).journal_mode != "wal") return {};
  auto connection = TRY(Connection::open(file, Open::kWrite));
  TRY_VOID(connection.text("PRAGMA journal_mode=WAL"));
  return {};
}

Result<Json> run_put_back(const Json& args, const Progress& progress) {
  const std::string file = TRY(need_path(args, "file")), incoming = TRY(need_path(args, "incoming")),
                    keep = TRY(need_path(args, "keep"));
  const Json& before = get(args, "before");
  const std::string save = TRY(need_path(before, "backup"));
  const Manifest manifest = TRY(load_manifest(TRY(need_path(before, "manifest"))));
  TRY_VOID(check_bytes(save, manifest).with_context("the save from before your restore command"));
  Json evidence{{"how", "already"}};
  if (!os::exists(file)) {
    evidence = TRY(put_file(file, save, incoming, keep));
  } else if (!check_content(TRY(real_path(file)), manifest)) {
    const std::string real = TRY(real_path(file));
    TRY_VOID(copy_file(save, incoming));
    auto swapped =
        swap({.file = real, .incoming = incoming, .keep = keep, .marker = TRY(need_path(args, "marker"))}, progress);
    evidence = swapped ? std::move(*swapped) : TRY(put_file(real, save, incoming, keep));
  }
  TRY_VOID(dress_as_before(TRY(real_path(file)), before));
  return evidence;
}

Result<Json> look_at_put_back(const Json& args) {
  const std::string file = TRY(need_path(args, "file"));
  const auto manifest = load_manifest(TRY(need_path(get(args, "before"), "manifest")));
  // No save yet: the command never began, because it comes behind it.
  if (!manifest) return sight(true, "your restore command did not begin");
  if (!os::exists(file)) return sight(false, "there is no " + file + " any more");
  const auto content = check_content(TRY(real_path(file)), *manifest);
  return content ? sight(true, "the database holds what it held before your restore command")
                 : sight(false, "the database does not hold what it held before your restore command: " +
                                    content.error().message);
}

}  // namespace backout::database
