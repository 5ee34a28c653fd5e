#include <cstdio>

#include "app/backups/backup_keeping.h"
#include "app/backups/backups.h"
#include "base/text.h"
#include "cli/opened.h"
#include "cli/terminal.h"

namespace backout::cli {
namespace {

Table::Cell result_cell(const app::Backup& backup) {
  if (backup.result.empty()) return {"not tested", Tone::kDim};
  if (backup.result == "untested") return {"UNTESTED", Tone::kWarning};
  if (!backup.good()) return {"BAD", Tone::kBad};
  return {backup.how == "restored" ? "restored" : "read", Tone::kGood};
}

std::string said_of(const app::Backup& backup) {
  if (!backup.good()) return "";  // its reason has a line of its own
  std::string words = backup.why;
  if (words.empty() && backup.how == "restored")
    words = counted(backup.tables, "table") + ", " + counted(backup.rows, "row");
  if (words.empty()) words = join(backup.tested, ", ");
  if (backup.dangling > 0) words += "; " + counted(backup.dangling, "row") + " point nowhere";
  if (!backup.found.when.doubt.empty()) words += "; " + backup.found.when.doubt;
  return words;
}

void show(const Globals& globals, const std::vector<app::Backup>& backups) {
  const Style style = style_for(1, globals.no_color);
  const WallTime now = system_clock().wall();
  Table table({{"taken", false}, {"size", true}, {"backup", false}, {"kind", false}, {"tested", false}, {"", false}});
  for (const app::Backup& backup : backups)
    table.add({{relative(backup.found.when.at, now)},
               {bytes_for_people(backup.found.size)},
               {one_line(backup.found.name)},
               {backup.kind},
               result_cell(backup),
               {said_of(backup)}});
  std::printf("%s", table.text(style, globals.verbose ? 100'000 : columns_of(1)).c_str());
  for (const app::Backup& backup : backups)
    if (!backup.good() && !backup.why.empty())
      std::printf("    ! %s: %s\n", one_line(backup.found.name).c_str(), one_line(backup.why).c_str());
  for (const app::Backup& backup : backups)
    if (backup.good() && !backup.doubt_of_end().empty())
      std::printf("    ~ %s: %s\n", one_line(backup.found.name).c_str(), backup.doubt_of_end().c_str());
}

Json listed(const std::vector<app::Backup>& backups, const app::BackupHealth& health) {
  Json list = Json::array();
  for (const app::Backup& backup : backups) list.push_back(to_json(backup));
  return {{"backups", std::move(list)}, {"health", to_json(health)}};
}

/// The last line: which one would be relied on, and what is wrong.
void conclude(const app::BackupHealth& health) {
  if (!health.newest) std::printf("  no backup in %s\n", one_line(health.directory).c_str());
  if (!health.newest_is_bad.empty())
    std::printf("  ! the newest is not to be relied on: %s\n", one_line(health.newest->found.name).c_str());
  if (!health.problem.empty()) std::printf("  ! %s\n", one_line(health.problem).c_str());
  if (health.overdue) std::printf("  ! a newer one is overdue\n");
  if (health.newest_good)
    std::printf("  newest that passed its test: %s\n", in_words(*health.newest_good).c_str());
  else if (health.newest)
    std::printf("  none has passed a test%s\n", health.newest->result.empty() ? " yet: backout backups check" : "");
}

Result<int> shown(const Globals& globals, app::Depth depth) {
  const auto workspace = TRY(open(globals));
  const bool talk = globals.verbose && !globals.json;
  const auto backups = TRY(app::look_at_backups(*workspace, depth, [&](const std::string& line) {
    if (talk) std::printf("    %s\n", one_line(line).c_str());
  }));
  const app::BackupHealth health = TRY(app::backup_health(*workspace));
  if (globals.json) {
    print_json(listed(backups, health));
  } else if (!globals.quiet) {
    show(globals, backups);
    conclude(health);
  }
  return depth == app::Depth::kListed || health.well() ? 0 : 1;
}

}  // namespace

int backups_list(const Globals& globals) {
  const auto exit = shown(globals, app::Depth::kListed);
  return exit ? *exit : fail(exit.error());
}

int backups_check(const Globals& globals) {
  const auto exit = shown(globals, app::Depth::kAll);
  return exit ? *exit : fail(exit.error());
}

int backups_take(const Globals& globals) {
  const auto taken = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    const app::Backup backup = TRY(app::take_backup(*workspace, [&](const std::string& line) {
      if (globals.verbose && !globals.json) std::printf("    %s\n", one_line(line).c_str());
    }));
    if (globals.json)
      print_json({{"backup", to_json(backup)}});
    else if (!globals.quiet)
      std::printf("%s\n", in_words(backup).c_str());
    return backup.good() ? 0 : 1;
  }();
  return taken ? *taken : fail(taken.error());
}

}  // namespace backout::cli
