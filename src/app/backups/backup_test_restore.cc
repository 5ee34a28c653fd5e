#include "app/backups/backup_test_restore.h"

#include <cstdlib>

#include "base/text.h"
#include "database/archive/examine.h"
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

std::string held_against(const ArchiveLoader& loader, const archive::Found& found, const LoadedArchive& loaded,
                         Backup& backup) {
  const std::string beside = found.path + ".manifest.json";
  if (os::exists(beside)) {
    if (std::string fault = loader.against_manifest(found, beside, loaded); !fault.empty()) return fault;
    backup.why = "matched its manifest";
    backup.tested.emplace_back("every table matched its manifest");
    return "";
  }
  if (loaded.rows == 0) return "there is no row in any of its tables";
  return loader.against_live(loaded);
}

void by_restoring(const ArchiveLoader& loader, const archive::Found& found, const std::string& place, const Said& said,
                  Tested& tested) {
  Backup& backup = tested.backup;
  if (loader.reads_first()) {
    by_reading(found, backup);
    if (!backup.good()) return;
  }
  auto loaded = loader.load(found, backup.sha256, place, said);
  if (!loaded && loaded.error().code == Code::kUnsupported) {
    if (!loader.reads_first()) by_reading(found, backup);
    if (!backup.good()) return;
    backup.result = "bad";
    backup.why = loaded.error().message;
    return;
  }
  backup.how = "restored";
  if (!loaded) return take_error(backup, loaded.error());
  backup.sha256 = loaded->sha256;
  backup.schema_hash = loaded->schema_hash;
  backup.tables = loaded->tables;
  backup.rows = loaded->rows;
  backup.dangling = loaded->dangling;
  backup.kind = kind_in_words(loaded->kind, found.packing);
  backup.tested.push_back(
      fmt::format("restored beside: {}, {}", counted(backup.tables, "table"), counted(backup.rows, "row")));
  backup.tested.insert(backup.tested.end(), loaded->tested.begin(), loaded->tested.end());
  const std::string fault = held_against(loader, found, *loaded, backup);
  backup.result = fault.empty() ? "good" : "bad";
  if (!fault.empty()) backup.why = fault;
  tested.loaded = std::move(*loaded);
}

}  // namespace

std::string name_of_tester() {
  const auto self = os::facts_of(os::own_pid());
  return fmt::format("test-{}-{}-", os::own_pid(), self ? self->start_time : 0);
}

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
  if (!database.backups->by_restoring && !keep) {
    by_reading(found, tested.backup);
    return tested;
  }
  const std::string directory = scratch_directory(workspace);
  if (const auto made = os::make_directories(directory, 0700); !made) {
    take_error(tested.backup, made.error());
    tested.backup.result = "untested";
    return tested;
  }
  // An empty file says that somebody is at it, also where what is made lies on a server.
  const std::string place = directory + "/" + name_of_tester() + random_hex(8);
  if (const auto marked = os::write_file_atomic(place, "", 0600); !marked) {
    take_error(tested.backup, marked.error());
    tested.backup.result = "untested";
    return tested;
  }
  by_restoring(*archive_loader(workspace), found, place, said, tested);
  (void)os::remove_file(place);
  if (tested.loaded && !(keep && tested.backup.good())) {
    remove_files(tested.loaded->files);
    tested.loaded.reset();
  }
  return tested;
}

void remove_left_by_killed(const Workspace& workspace) {
  const std::string directory = scratch_directory(workspace);
  const auto names = os::list_directory(directory);
  if (!names) return;  // there is none yet
  bool left = false;
  for (const std::string& name : *names) {
    const std::vector<std::string> words = split(name, '-');
    if (words[0] != "test") continue;
    if (words.size() >= 4) {
      const auto owner = os::facts_of(std::atoi(words[1].c_str()));
      if (owner && std::to_string(owner->start_time) == words[2]) continue;
    }
    (void)os::remove_tree(directory + "/" + name);
    left = true;
  }
  if (left) archive_loader(workspace)->remove_left_by_killed();
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
