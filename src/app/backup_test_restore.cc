#include "app/backup_test_restore.h"

#include <cstdlib>

#include "base/text.h"
#include "database/archive/examine.h"
#include "database/archive/trailer.h"
#include "database/sqlite/load.h"
#include "database/sqlite/observe.h"
#include "os/file.h"
#include "os/proc.h"

namespace backout::app {
namespace {

std::string_view word(archive::Finding finding) {
  switch (finding) {
    case archive::Finding::kWhole: return "good";
    case archive::Finding::kBad: return "bad";
    case archive::Finding::kUntested: return "untested";
  }
  return "";
}

std::string kind_in_words(archive::Kind kind, archive::Packing packing) {
  std::string words(archive::name_of(kind));
  if (packing != archive::Packing::kNone) words += fmt::format(", {}", archive::name_of(packing));
  return words;
}

void take_error(Backup& backup, const Error& error) {
  const archive::Finding finding = archive::finding_of(error);
  backup.result = word(finding);
  backup.why = one_line(error.message);
  if (finding == archive::Finding::kUntested && !error.next.empty()) backup.why += "; " + one_line(error.next);
}

void by_reading(const archive::Found& found, Backup& backup) {
  const auto room = os::free_bytes("/");
  const archive::Examined examined = archive::examine(found, {room.value_or(0), {}});
  backup.result = word(examined.finding);
  backup.how = "read";
  backup.why = examined.why;
  backup.tested = examined.tested;
  backup.sha256 = examined.sha256;
  backup.kind = kind_in_words(examined.kind, examined.packing);
}

/// "test-PID-START-": a file says whose it is, so that one of a process that is gone can be told.
std::string name_of_tester() {
  const auto self = os::facts_of(os::own_pid());
  return fmt::format("test-{}-{}-", os::own_pid(), self ? self->start_time : 0);
}

/// Does what was restored hold what its manifest says it must?
std::string against_manifest(const database::Manifest& wanted, const database::Loaded& loaded) {
  if (wanted.sha256 != loaded.sha256) return "its bytes are not those that its manifest names";
  if (wanted.schema != loaded.manifest.schema) return "the schema is not the one in its manifest";
  for (const auto& [name, content] : wanted.tables) {
    const auto found = loaded.manifest.tables.find(name);
    if (found == loaded.manifest.tables.end()) return "table " + name + " of its manifest is missing";
    if (found->second != content) return "table " + name + " does not hold the rows of its manifest";
  }
  return "";
}

/// A dump of another database, or of nothing: tables of the live one must be in it.
std::string against_live(const Workspace& workspace, const database::Loaded& loaded) {
  const auto live = database::schema_of(get_string(workspace.site().database->args, "file"));
  if (!live) return "";  // no live database to compare with is no fault of the backup
  const auto schema = schema::snapshot_from_json(get(*live, "schema"));
  if (!schema || schema->tables.empty()) return "";
  for (const schema::Table& table : schema->tables)
    if (find_table(loaded.manifest.schema, table.name) != nullptr) return "";
  return fmt::format("none of the {} of the live database is in it: it is of another one",
                     counted(static_cast<int64_t>(schema->tables.size()), "table"));
}

std::string held_against(const Workspace& workspace, const archive::Found& found, const database::Loaded& loaded,
                         Backup& backup) {
  const std::string beside = found.path + ".manifest.json";
  if (os::exists(beside)) {
    const auto manifest = database::load_manifest(beside);
    if (!manifest) return "its manifest cannot be read: " + manifest.error().message;
    if (std::string fault = against_manifest(*manifest, loaded); !fault.empty()) return fault;
    backup.why = "matched its manifest";
    backup.tested.push_back("every table matched its manifest");
    return "";
  }
  if (loaded.rows == 0) return "there is no row in any of its tables";
  return against_live(workspace, loaded);
}

void by_restoring(const Workspace& workspace, const archive::Found& found, const std::string& file, const Said& said,
                  Tested& tested) {
  Backup& backup = tested.backup;
  database::LoadJob job{
      .archive = found.path, .taken_at = to_iso(found.when.at), .backup = file, .manifest = file + ".manifest.json"};
  limit_by_size(job, found.size, found.packing != archive::Packing::kNone);
  const auto loaded = database::load_archive(job, [&](std::string_view line) {
    if (said) said(std::string(line));
  });
  if (!loaded && loaded.error().code == Code::kUnsupported) {
    by_reading(found, backup);
    if (!backup.good()) return;
    backup.result = "bad";
    backup.why = loaded.error().message;
    return;
  }
  backup.how = "restored";
  if (!loaded) return take_error(backup, loaded.error());
  backup.sha256 = loaded->sha256;
  backup.schema_hash = hash_of(loaded->manifest.schema);
  backup.tables = std::ssize(loaded->manifest.tables);
  backup.rows = loaded->rows;
  backup.dangling = loaded->dangling;
  backup.kind = kind_in_words(loaded->kind, found.packing);
  backup.tested.push_back(
      fmt::format("restored beside: {}, {}", counted(backup.tables, "table"), counted(backup.rows, "row")));
  backup.tested.emplace_back("integrity check");
  if (!loaded->marks_its_end) backup.tested.emplace_back(archive::kNoMark);
  const std::string fault = held_against(workspace, found, *loaded, backup);
  backup.result = fault.empty() ? "good" : "bad";
  if (!fault.empty()) backup.why = fault;
  if (!backup.good()) return;
  tested.file = file;
  tested.manifest = job.manifest;
  tested.schema = loaded->manifest.schema;
}

}  // namespace

Tested test_backup(const Workspace& workspace, const archive::Found& found, bool keep, const Said& said) {
  const DatabaseConfig& database = *workspace.site().database;
  Tested tested;
  tested.backup.found = found;
  tested.backup.kind = kind_in_words(found.kind, found.packing);
  tested.backup.tested_at = system_clock().wall();
  if (!found.fault.empty()) {
    tested.backup.result = "bad";
    tested.backup.why = found.fault;
    return tested;
  }
  const bool restores = database.kind == "sqlite" && (database.backups->by_restoring || keep);
  if (!restores || found.kind == archive::Kind::kPgDirectory) {
    by_reading(found, tested.backup);
    return tested;
  }
  const std::string directory = scratch_directory(workspace);
  if (const auto made = os::make_directories(directory, 0700); !made) {
    take_error(tested.backup, made.error());
    tested.backup.result = "untested";
    return tested;
  }
  const std::string file = directory + "/" + name_of_tester() + random_hex(8) + ".sqlite";
  by_restoring(workspace, found, file, said, tested);
  if (keep && tested.backup.good()) return tested;
  (void)os::remove_file(file);
  (void)os::remove_file(file + ".manifest.json");
  tested.file.clear();
  tested.manifest.clear();
  return tested;
}

void remove_left_by_killed(const Workspace& workspace) {
  const std::string directory = scratch_directory(workspace);
  const auto names = os::list_directory(directory);
  if (!names) return;  // there is none yet
  for (const std::string& name : *names) {
    const std::vector<std::string> words = split(name, '-');
    if (words[0] != "test") continue;
    if (words.size() >= 4) {
      const auto owner = os::facts_of(std::atoi(words[1].c_str()));
      if (owner && std::to_string(owner->start_time) == words[2]) continue;
    }
    (void)os::remove_file(directory + "/" + name);
  }
}

Json body_of(const Backup& backup) {
  return {{"path", backup.found.path},
          {"name", backup.found.name},
          {"identity", backup.found.identity},
          {"sha256", backup.sha256},
          {"size", backup.found.size},
          {"kind", backup.kind},
          {"result", backup.result},
          {"how", backup.how},
          {"why", backup.why},
          {"tested", backup.tested},
          {"taken_at_ms", to_millis(backup.found.when.at)},
          {"tables", backup.tables},
          {"rows", backup.rows},
          {"dangling", backup.dangling},
          {"schema_hash", backup.schema_hash}};
}

}  // namespace backout::app
