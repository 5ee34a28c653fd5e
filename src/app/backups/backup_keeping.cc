#include "app/backups/backup_keeping.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "app/backups/archive_loader.h"
#include "base/text.h"
#include "drivers/command/arguments.h"
#include "os/file.h"

namespace backout::app {
namespace {

int minute_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(system_clock().wall());
  std::tm local{};
  ::localtime_r(&now, &local);
  return local.tm_hour * 60 + local.tm_min;
}

std::set<std::string> identities(const std::vector<archive::Found>& all) {
  std::set<std::string> known;
  for (const archive::Found& found : all) known.insert(found.name + "\n" + found.identity);
  return known;
}

struct Made {
  std::string path, how;
  Millis took{0};
  uint64_t size = 0;
};

/// By the team's command. Its exit status says nothing about whether there is a backup: a new file does.
Result<Made> by_command(const Workspace& workspace, const BackupsConfig& config) {
  const std::set<std::string> before = identities(TRY(archive::find_archives(config.dir, config.match)));
  const Json wrapped = {{"run", to_json(*config.make)}};
  const host::Command command = TRY(drivers::command_argument(wrapped, "run"));
  const auto result = TRY(workspace.hosts().at("local")->run(command));
  if (!result.ok())
    return Error{Code::kInternal, "the command of database.backups.make failed: " + result.why_not_ok(),
                 "run it by hand and see"};
  for (const archive::Found& found : TRY(archive::find_archives(config.dir, config.match)))
    if (!before.contains(found.name + "\n" + found.identity))
      return Made{found.path, "command", result.took, found.size};
  return Error{
      Code::kConflict,
      "the command of database.backups.make ended with exit status 0, but there is no new backup in " + config.dir,
      "run it by hand and see; or correct dir and match"};
}

std::string name_for(const Workspace& workspace) {
  std::string name = replaced(workspace.site().id.str(), "/", "-") + "-" + to_iso(system_clock().wall());
  std::string plain;
  for (const char c : name)
    if (c != ':' && c != '-')
      plain += c;
    else if (c == '-')
      plain += '-';
  return plain.substr(0, plain.rfind('.')) + "Z";
}

/// A copy with a manifest, as a checkpoint takes one.
Result<Made> by_copy(const Workspace& workspace, const BackupsConfig& config, const Said& said) {
  TRY_VOID(os::make_directories(config.dir, 0700));
  const std::unique_ptr<ArchiveLoader> loader = archive_loader(workspace);
  const std::string path = config.dir + "/" + name_for(workspace) + loader->ending();
  const BootTime begun = system_clock().boot();
  const uint64_t size = TRY(loader->copy_to(path, said));
  return Made{path, "copy", system_clock().boot() - begun, size};
}

Result<Backup> make_and_test(const Workspace& workspace, const BackupsConfig& config, const Said& said) {
  const Made made = TRY(config.make ? by_command(workspace, config) : by_copy(workspace, config, said));
  TRY(workspace.journal().append(
      workspace.site().id, 0,
      {{EventType::kBackupTaken,
        {{"path", made.path}, {"size", made.size}, {"made", made.how}, {"took_ms", made.took.count()}}}}));
  for (Backup& backup : TRY(look_at_backups(workspace, Depth::kNew, said)))
    if (backup.found.path == made.path) return std::move(backup);
  return Error{Code::kNotFound, made.path + " was made and is gone again",
               config.match.empty() ? "" : "does database.backups.match fit its name?"};
}

/// A directory is known by its toc.dat, which goes last: one that is removed only in part is found again, and is bad.
Result<void> remove_copy(const archive::Found& found) {
  if (found.kind == archive::Kind::kPgDirectory)
    for (const std::string& name : TRY(os::list_directory(found.path)))
      if (name != "toc.dat") TRY_VOID(os::remove_file(found.path + "/" + name));
  TRY_VOID(os::remove_tree(found.path));
  for (const char* end : {".manifest.json", ".manifest.json.habits.json", ".verified.json"})
    TRY_VOID(os::remove_file(found.path + end));
  return {};
}

/// Removes what is older than `keep`, as long as a good one that is younger stays.
Result<void> remove_old(const Workspace& workspace, const BackupsConfig& config, const std::vector<Backup>& backups,
                        Kept& kept) {
  const WallTime now = system_clock().wall();
  bool younger_good = false;
  for (const Backup& backup : backups) {
    const bool old = now - backup.found.when.at > config.keep;
    if (old && younger_good && backup.made_here && backup.found.fault.empty()) {
      const std::string why = "older than " + for_people(config.keep);
      TRY_VOID(remove_copy(backup.found));
      TRY(workspace.journal().append(
          workspace.site().id, 0,
          {{EventType::kBackupDeleted, {{"path", backup.found.path}, {"sha256", backup.sha256}, {"why", why}}}}));
      kept.lines.push_back("removed " + one_line(backup.found.name) + ": " + why);
      continue;
    }
    younger_good = younger_good || (backup.good() && !backup.is_dated_ahead());
  }
  return {};
}

/// One of our own that is gone without our doing is told, once.
Result<void> record_gone(const Workspace& workspace, const BackupsConfig& config, Kept& kept) {
  if (!os::exists(config.dir)) return {};  // perhaps not mounted: said by the look itself
  for (const Json& document : TRY(workspace.journal().backups(workspace.site().id))) {
    const std::string path = get_string(document, "path");
    if (get_string(document, "made") != "copy" || path.empty() || os::exists(path)) continue;
    TRY(workspace.journal().append(
        workspace.site().id, 0,
        {{EventType::kBackupDeleted,
          {{"path", path}, {"sha256", get_string(document, "sha256")}, {"why", "found missing"}}}}));
    kept.problems.push_back(one_line(path) + " is gone, and it was not backout that removed it");
  }
  return {};
}

bool is_due(const BackupsConfig& config, const std::vector<Backup>& backups) {
  if (config.every <= Millis(0)) return false;
  const auto good = std::find_if(backups.begin(), backups.end(),
                                 [](const Backup& each) { return each.good() && !each.is_dated_ahead(); });
  return good == backups.end() || system_clock().wall() - good->found.written_at >= config.every;
}

}  // namespace

bool within_hours(int from_minute, int to_minute, int minute) {
  if (from_minute < 0) return true;
  if (from_minute <= to_minute) return minute >= from_minute && minute < to_minute;
  return minute >= from_minute || minute < to_minute;
}

Result<Backup> take_backup(const Workspace& workspace, const Said& said) {
  const auto& database = workspace.site().database;
  if (!database || !database->backups) return TRY(look_at_backups(workspace, Depth::kListed)).front();
  auto backup = make_and_test(workspace, *database->backups, said);
  if (!backup)
    TRY(workspace.journal().append(workspace.site().id, 0,
                                   {{EventType::kBackupFailed, {{"why", one_line(backup.error().message)}}}}));
  return backup;
}

Result<Kept> keep_backups(const Workspace& workspace, const Said& said) {
  Kept kept;
  const auto& database = workspace.site().database;
  if (!database || !database->backups) return kept;
  const BackupsConfig& config = *database->backups;
  TRY_VOID(record_gone(workspace, config, kept));
  auto backups = look_at_backups(workspace, Depth::kNew, said);
  if (!backups && backups.error().code != Code::kNotFound) return backups.error();
  const std::vector<Backup> there = backups ? *backups : std::vector<Backup>();
  if (is_due(config, there) && within_hours(config.from_minute, config.to_minute, minute_now())) {
    const auto made = take_backup(workspace, said);
    if (made)
      kept.lines.push_back("backup made: " + in_words(*made));
    else
      kept.lines.push_back("no backup could be made: " + one_line(made.error().message));
  }
  if (const auto now = look_at_backups(workspace, Depth::kListed)) TRY_VOID(remove_old(workspace, config, *now, kept));

  const BackupHealth health = TRY(backup_health(workspace));
  if (!health.problem.empty()) kept.problems.push_back(health.problem);
  if (!health.newest_is_bad.empty())
    kept.problems.push_back("the newest backup is not to be relied on: " + one_line(health.newest->found.name) + ": " +
                            health.newest_is_bad);
  if (!health.newest_good && health.problem.empty()) kept.problems.emplace_back("no backup has passed its test");
  if (health.overdue && health.newest_good)
    kept.problems.push_back("a backup is overdue; the newest: " + in_words(*health.newest_good));
  return kept;
}

}  // namespace backout::app
