#include "app/backups/backups.h"

#include <algorithm>

#include "app/backups/backup_test_restore.h"
#include "base/text.h"
#include "database/archive/trailer.h"

namespace backout::app {
namespace {

constexpr Millis kClocksDiffer{5 * 60'000};  // of a file server, say

using Recorded = std::map<std::string, Json>;  // by path

Result<Recorded> recorded(const Workspace& workspace) {
  Recorded by_path;
  for (Json& document : TRY(workspace.journal().backups(workspace.site().id))) {
    std::string path = get_string(document, "path");
    if (!document.contains("identity") && !document.contains("made")) path.clear();  // how the last making of one went
    by_path[path] = std::move(document);
  }
  return by_path;
}

/// What an earlier test said, as long as the file is the one that was tested.
void recall(const Json& document, Backup& backup) {
  backup.made_here = get_string(document, "made") == "copy";
  if (get_string(document, "identity") != backup.found.identity || backup.found.identity.empty()) return;
  backup.result = get_string(document, "result");
  backup.how = get_string(document, "how");
  backup.why = get_string(document, "why");
  backup.kind = get_string(document, "kind", backup.kind);
  backup.sha256 = get_string(document, "sha256");
  backup.schema_hash = get_string(document, "schema_hash");
  for (const Json& line : get(document, "tested"))
    if (line.is_string()) backup.tested.push_back(line.get<std::string>());
  backup.tables = get_int(document, "tables");
  backup.rows = get_int(document, "rows");
  backup.dangling = get_int(document, "dangling");
  if (const int64_t at = get_int(document, "tested_at_ms"); at > 0) backup.tested_at = wall_from_millis(at);
}

Result<const BackupsConfig*> config_of(const Workspace& workspace) {
  const auto& database = workspace.site().database;
  if (!database || !database->backups)
    return Error{Code::kRefused, "backout.yaml names no backups",
                 "say where they lie: database: {backups: {dir: /srv/backups/" + workspace.site().name + "}}"};
  if (!database->host.empty() && !workspace.hosts().at(database->host)->is_local())
    return Error{Code::kRefused,
                 "the database is on " + database->host + ", and its backups are looked at on the machine they lie on",
                 "run backout there"};
  return &*database->backups;
}

/// A file of any name that is no backup at all is nobody's business, unless its name was asked for.
bool is_meant(const archive::Found& found, const BackupsConfig& config) {
  const bool unknown = found.kind == archive::Kind::kUnknown && found.packing == archive::Packing::kNone;
  return !config.match.empty() || !unknown || !found.fault.empty();
}

bool needs_test(const Backup& backup, Depth depth) {
  switch (depth) {
    case Depth::kListed: return false;
    case Depth::kNew: return backup.result.empty() || backup.result == "untested";
    case Depth::kAll: return true;
  }
  return true;
}

}  // namespace

std::string scratch_directory(const Workspace& workspace) {
  return replaced(workspace.checkpoints_directory() + "/", "/checkpoints/", "/backups");
}

Result<std::vector<Backup>> look_at_backups(const Workspace& workspace, Depth depth, const Said& said) {
  const BackupsConfig* config = TRY(config_of(workspace));
  const Recorded known = TRY(recorded(workspace));
  if (depth != Depth::kListed) remove_left_by_killed(workspace);
  std::vector<Backup> backups;
  for (archive::Found& found : TRY(archive::find_archives(config->dir, config->match))) {
    if (!is_meant(found, *config)) continue;
    Backup backup{.found = std::move(found)};
    backup.kind = archive::name_of(backup.found.kind);
    if (const auto document = known.find(backup.found.path); document != known.end()) recall(document->second, backup);
    if (!backup.found.fault.empty()) {
      backup.result = "bad";
      backup.why = backup.found.fault;
    } else if (needs_test(backup, depth)) {
      const bool made_here = backup.made_here;
      const Backup before = std::move(backup);
      backup = test_backup(workspace, before.found, false, said).backup;
      backup.made_here = made_here;
      TRY(workspace.journal().append(workspace.site().id, 0, {{EventType::kBackupTested, body_of(backup)}}));
    }
    backups.push_back(std::move(backup));
  }
  return backups;
}

Result<BackupHealth> backup_health(const Workspace& workspace) {
  BackupHealth health;
  const auto config = config_of(workspace);
  if (!config) return health;
  health.configured = true;
  health.directory = (*config)->dir;
  auto looked = look_at_backups(workspace, Depth::kListed);
  if (!looked) {
    health.problem = looked.error().message;
    health.overdue = (*config)->every > Millis(0);
    return health;
  }
  for (Backup& backup : *looked) {
    const bool counts = backup.good() && !backup.is_dated_ahead();
    if (!health.newest_good && counts) health.newest_good = backup;
    if (!health.newest_restored && counts && backup.how == "restored") health.newest_restored = backup;
    if (!health.newest) health.newest = std::move(backup);
  }
  if (health.newest && !health.newest->good() && !health.newest->result.empty())
    health.newest_is_bad = health.newest->why;
  else if (health.newest && health.newest->is_dated_ahead())
    health.newest_is_bad = "its date, " + to_iso(health.newest->found.written_at).substr(0, 10) +
                           ", is in the future, so it is not counted; give it its own: touch -d";
  if (const Recorded known = TRY(recorded(workspace)); known.contains("") && known.at("").contains("failed_at_ms"))
    health.problem =
        fmt::format("the one due at {} could not be made: {}",
                    to_iso(wall_from_millis(get_int(known.at(""), "failed_at_ms"))), get_string(known.at(""), "why"));
  if ((*config)->every > Millis(0)) {
    // One that is late by a tenth, or waits for the hours of low traffic of the next night, is not overdue yet.
    const Millis grace = (*config)->from_minute >= 0 ? Millis(86'400'000) : (*config)->every / 10;
    health.overdue =
        !health.newest_good || system_clock().wall() - health.newest_good->found.written_at > (*config)->every + grace;
  }
  return health;
}

bool Backup::is_dated_ahead() const { return found.written_at > system_clock().wall() + kClocksDiffer; }

std::string Backup::doubt_of_end() const {
  return std::find(tested.begin(), tested.end(), archive::kNoMark) == tested.end() ? "" : archive::kNoMark;
}

std::string in_words(const Backup& backup) {
  const auto age =
      std::max(std::chrono::duration_cast<Millis>(system_clock().wall() - backup.found.when.at), Millis(0));
  const std::string when = backup.is_dated_ahead()
                               ? "dated " + to_iso(backup.found.written_at).substr(0, 10) + ", in the future"
                               : "of " + for_people(age) + " ago";
  std::string words = fmt::format("{} {} ({})", one_line(backup.found.name), when, bytes_for_people(backup.found.size));
  if (!backup.good()) return words + ": " + (backup.why.empty() ? "not tested yet" : one_line(backup.why));
  words += backup.how == "restored" ? ": restored" : ": read to its end, not restored";
  if (!backup.why.empty()) words += " and " + one_line(backup.why);
  if (!backup.doubt_of_end().empty()) words += ", but without a mark of its end,";
  if (backup.tested_at) words += " at " + to_iso(*backup.tested_at).substr(0, 16) + "Z";
  return words;
}

Json to_json(const Backup& backup) {
  Json value = {{"path", backup.found.path},
                {"name", backup.found.name},
                {"size", backup.found.size},
                {"taken_at_ms", to_millis(backup.found.when.at)},
                {"doubt", backup.found.when.doubt},
                {"kind", backup.kind},
                {"result", backup.result.empty() ? "not tested" : backup.result},
                {"how", backup.how},
                {"why", backup.why},
                {"tested", backup.tested},
                {"sha256", backup.sha256},
                {"tables", backup.tables},
                {"rows", backup.rows},
                {"dangling", backup.dangling},
                {"made_here", backup.made_here}};
  value["tested_at_ms"] = backup.tested_at ? Json(to_millis(*backup.tested_at)) : Json();
  return value;
}

Json to_json(const BackupHealth& health) {
  const auto told = [](const std::optional<Backup>& backup) { return backup ? to_json(*backup) : Json(); };
  return {{"configured", health.configured},
          {"directory", health.directory},
          {"problem", health.problem},
          {"newest", told(health.newest)},
          {"newest_good", told(health.newest_good)},
          {"newest_restored", told(health.newest_restored)},
          {"newest_is_bad", health.newest_is_bad},
          {"overdue", health.overdue},
          {"well", health.well()}};
}

}  // namespace backout::app
