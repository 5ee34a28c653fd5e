#include "app/archives.h"

#include "app/backup_test_restore.h"
#include "base/text.h"
#include "database/archive/choose.h"
#include "database/sqlite/backup.h"
#include "database/sqlite/manifest.h"
#include "os/file.h"
#include "schema/compare.h"

namespace backout::app {
namespace {

/// When the time of `to` began. The first release that the journal knows may have been there for years before it was
/// recorded: nothing.
Result<std::optional<WallTime>> began(const Workspace& workspace, const Release& to) {
  std::optional<WallTime> since;
  for (const Release& release : TRY(workspace.journal().releases(workspace.site().id)))
    if (release.version != to.version && release.deployed_at < to.deployed_at) since = to.deployed_at;
  return since;
}

/// Would code of the checkpoint's time work on what was restored? Empty: yes, or nobody knows.
std::string against_schema(const Json& saved, const schema::Snapshot& restored) {
  const auto wanted = schema::snapshot_from_json(get(saved, "schema"));
  if (!wanted) return "";
  const schema::Comparison comparison = compare(*wanted, restored);
  return comparison.rung == schema::Rung::kLeave
             ? ""
             : "its schema is not the one that the checkpoint knows: " + comparison.why();
}

Json saved_of(const Subject& subject, const Tested& tested, const database::Manifest& manifest) {
  const archive::Found& found = tested.backup.found;
  Json tables = Json::object();
  for (const auto& [name, content] : manifest.tables) tables[name] = content.rows;
  return {
      {"driver", subject.driver},
      {"subject", subject.name},
      {"file", get_string(subject.config, "file")},
      {"archive",
       {{"path", found.path}, {"name", found.name}, {"sha256", tested.backup.sha256}, {"kind", tested.backup.kind}}},
      {"backup", tested.file},
      {"taken_at", manifest.taken_at},
      {"size", manifest.size},
      {"schema", schema::to_json(manifest.schema)},
      {"schema_hash", hash_of(manifest.schema)},
      {"tables", tables}};
}

/// What is known already is not said again: `ready` asks often.
void record(const Workspace& workspace, const Backup& backup) {
  const auto known = workspace.journal().backups(workspace.site().id);
  if (known)
    for (const Json& document : *known)
      if (get_string(document, "path") == backup.found.path &&
          get_string(document, "identity") == backup.found.identity &&
          get_string(document, "result") == backup.result && get_string(document, "how") == backup.how)
        return;
  (void)workspace.journal().append(workspace.site().id, 0, {{EventType::kBackupTested, body_of(backup)}});
}

/// What a backup that is no checkpoint leaves open.
std::vector<std::string> caveats(const Tested& tested, const database::Manifest& manifest, bool time_known,
                                 const Release& to) {
  std::vector<std::string> notes;
  notes.push_back(
      "counted and carried over is whatever differs from that backup, also what was written before the "
      "release came that is left: what users wrote and what a migration wrote cannot be told apart");
  if (!time_known)
    notes.push_back(to.version.str() + " was recorded at " + to_iso(to.deployed_at) +
                    ", and nothing before it is known: that it ran already when the backup was taken is assumed");
  if (!tested.backup.found.when.doubt.empty()) notes.push_back(tested.backup.found.when.doubt);
  if (tested.backup.kind.starts_with("SQL text")) {
    for (const schema::Table& table : manifest.schema.tables)
      if (table.kind == schema::TableKind::kTable && !table.without_rowid && primary_key(table).empty())
        notes.push_back(table.name +
                        " has no key, and SQL text does not keep its row numbers: more of its rows are "
                        "counted as changed than were");
    notes.emplace_back("SQL text does not keep user_version and application_id: they will be 0");
  }
  return notes;
}

}  // namespace

StandIn::~StandIn() {
  if (file.empty()) return;
  (void)os::remove_file(file);
  (void)os::remove_file(manifest);
}

std::string fault_of_copy(const Json& saved) {
  const std::string copy = get_string(saved, "backup");
  if (copy.empty()) return "it names no copy of the database";
  if (!os::exists(copy)) return "its copy of the database is gone: " + copy;
  const auto manifest = database::load_manifest(get_string(saved, "manifest"), get_string(saved, "manifest_sha256"));
  if (!manifest) return manifest.error().message;
  const auto bytes = database::check_bytes(copy, *manifest);
  return bytes ? "" : bytes.error().message;
}

Result<std::unique_ptr<StandIn>> stand_in(const Workspace& workspace, const Subject& subject, const Release& from,
                                          const Release& to, const Checkpoint* checkpoint) {
  const Json known = checkpoint == nullptr ? Json::object() : saved_part(*checkpoint, subject);
  const std::optional<WallTime> since = TRY(began(workspace, to));
  std::vector<archive::Found> all;
  for (Backup& backup : TRY(look_at_backups(workspace, Depth::kListed))) all.push_back(std::move(backup.found));
  Tested tested;
  const archive::Chosen chosen =
      archive::choose(all, from.deployed_at, [&](const archive::Found& found) -> std::string {
        if (since && found.when.at < *since)
          return "taken before " + to.version.str() + " came, at " + to_iso(*since) + ": of an older release";
        tested = test_backup(workspace, found, true, {});
        record(workspace, tested.backup);
        if (!tested.backup.good()) return tested.backup.why.empty() ? "it could not be tested" : tested.backup.why;
        std::string fault = against_schema(known, *tested.schema);
        if (!fault.empty()) {
          (void)os::remove_file(tested.file);
          (void)os::remove_file(tested.manifest);
        }
        return fault;
      });
  auto made = std::make_unique<StandIn>();
  for (const archive::Skipped& skipped : chosen.skipped)
    made->notes.push_back("passed over: " + one_line(skipped.name) + ": " + one_line(skipped.why));
  if (!chosen.index) {
    std::string why = all.empty() ? "there is no backup in " + workspace.site().database->backups->dir
                                  : "no backup will do: " + join(made->notes, "; ");
    return Error{Code::kNotFound, std::move(why), "look: backout backups check"};
  }
  made->file = tested.file;
  made->manifest = tested.manifest;
  const database::Manifest manifest = TRY(database::load_manifest(tested.manifest));
  for (std::string& note : caveats(tested, manifest, since.has_value(), to)) made->notes.push_back(std::move(note));
  made->checkpoint = checkpoint == nullptr ? Checkpoint{.version = to.version} : *checkpoint;
  Json parts = Json::array();
  for (const Json& part : made->checkpoint.parts)
    if (get_string(part, "driver") != subject.driver || get_string(part, "subject") != subject.name)
      parts.push_back(part);
  parts.push_back(saved_of(subject, tested, manifest));
  made->checkpoint.parts = std::move(parts);
  made->words =
      fmt::format("the backup {} of {} ({}, {}; {})", one_line(tested.backup.found.name),
                  to_iso(tested.backup.found.when.at).substr(0, 16) + "Z", bytes_for_people(tested.backup.found.size),
                  tested.backup.kind, join(tested.backup.tested, ", "));
  return made;
}

}  // namespace backout::app
