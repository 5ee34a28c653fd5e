#include "app/backups/points.h"

#include <fmt/format.h>

#include <chrono>
#include <regex>

#include "app/backups/archive_loader.h"
#include "app/backups/backup_test_restore.h"
#include "base/ids.h"
#include "base/text.h"
#include "driver/tool.h"
#include "os/file.h"

namespace backout::app {
namespace {

constexpr Millis kAlways{3'600'000};
constexpr int64_t kBytesPerMs = 500;      // of the database: restored with its cluster, and dumped
constexpr int64_t kReadAtOnce = 1 << 30;  // a larger dump is not read to its end for a plan

/// The checkpoint with another part of the database.
Checkpoint with_part(const Subject& subject, Checkpoint checkpoint, Json part) {
  part["driver"] = subject.driver;
  part["subject"] = subject.name;
  Json parts = Json::array();
  for (const Json& each : checkpoint.parts)
    if (get_string(each, "driver") != subject.driver || get_string(each, "subject") != subject.name)
      parts.push_back(each);
  parts.push_back(std::move(part));
  checkpoint.parts = std::move(parts);
  return checkpoint;
}

std::string fault_of_dump(const Workspace& workspace, const Json& saved) {
  const std::string dump = get_string(saved, "backup");
  if (get_int(saved, "size") <= kReadAtOnce) return archive_loader(workspace)->fault_of_copy(saved);
  return os::exists(dump) ? "" : "its dump of the database is gone: " + dump;
}

Result<Json> recover(const Workspace& workspace, const Subject& subject, const Json& seen, const std::string& moment,
                     const std::string& place) {
  const Json& config = subject.config;
  const std::string database = get_string(seen, "database", get_string(config, "database"));
  Json args{{"database", database},
            {"pgbackrest", get(config, "pgbackrest")},
            {"side", database.substr(0, 28) + "__backout_plan_" + random_hex(4) + "_side"},
            {"target", {{"time", moment}}},
            {"jobs", get(config, "jobs")},
            {"directory", place + ".dump"},
            {"manifest", place + ".dump.manifest.json"}};
  for (const char* key : {"server", "maintenance", "secrets"})
    if (config.contains(key)) args[key] = get(config, key);
  host::Host& here = *workspace.hosts().at("local");
  const driver::Driver* driver = TRY(workspace.registry().find(subject.driver));
  const auto asked = [&](const std::string& verb, Millis limit) -> Result<Json> {
    host::Command command = TRY(driver->command({.driver = subject.driver, .verb = verb, .args = args}, here));
    command.timeout = limit;
    return driver::ask_tool(here, command, {});
  };
  auto made = asked("recover", kAlways + Millis(get_int(seen, "cluster_size", get_int(seen, "size")) / kBytesPerMs));
  if (!made) (void)asked("discard-side", kAlways);
  return made;
}

}  // namespace

Result<std::string> checked_moment(const std::string& text, WallTime now) {
  static const std::regex kForm(
      R"((\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)? ?(Z|UTC|([+-])(\d\d)(?::?(\d\d))?))");
  std::smatch part;
  const std::string given(trimmed(text));
  const Error wrong{Code::kInvalid, "'" + one_line(shortened(text, 60)) + "' is not a moment with its time zone",
                    "for example: --to-time '2026-11-22 14:03:00+01'"};
  if (!std::regex_match(given, part, kForm)) return wrong;
  const auto number = [&](size_t at) { return part[at].matched ? std::stoi(part[at].str()) : 0; };
  const std::chrono::year_month_day day(std::chrono::year(number(1)),
                                        std::chrono::month(static_cast<unsigned>(number(2))),
                                        std::chrono::day(static_cast<unsigned>(number(3))));
  if (!day.ok() || number(4) > 23 || number(5) > 59 || number(6) > 59 || number(10) > 15 || number(11) > 59)
    return wrong;
  const std::string fraction = (part[7].str() + "000").substr(0, 3);
  const int away = (number(10) * 60 + number(11)) * (part[9].str() == "-" ? -1 : 1);
  const WallTime moment = std::chrono::time_point_cast<Millis>(std::chrono::sys_days(day)) +
                          std::chrono::hours(number(4)) + std::chrono::minutes(number(5) - away) +
                          std::chrono::seconds(number(6)) + Millis(std::stoi(fraction));
  if (moment > now)
    return Error{Code::kRefused, to_iso(moment) + " is not over yet: it is " + to_iso(now),
                 "name a moment that is over"};
  const std::string iso = to_iso(moment);  // 2026-11-22T13:03:00.000Z
  return iso.substr(0, 10) + " " + iso.substr(11, 12) + "+00";
}

std::unique_ptr<StandIn> point_instead_of_dump(const Workspace& workspace, const Subject& subject,
                                               const Checkpoint& checkpoint) {
  Json saved = saved_part(checkpoint, subject);
  const Json& point = get(saved, "point");
  if (!point.is_object() || get_string(saved, "backup").empty() || !subject.config.contains("pgbackrest"))
    return nullptr;
  const std::string why = fault_of_dump(workspace, saved);
  if (why.empty()) return nullptr;
  auto made = std::make_unique<StandIn>();
  made->words =
      fmt::format("the place {} in the log of pgBackRest's stanza {}; checkpoint {} will not do: {}",
                  one_line(get_string(point, "lsn")), one_line(get_string(point, "stanza")), checkpoint.id.str(), why);
  saved["backup"] = "";
  made->checkpoint = with_part(subject, checkpoint, std::move(saved));
  return made;
}

Result<std::unique_ptr<StandIn>> database_at(const Workspace& workspace, const Subject& subject, const Release& to,
                                             const Checkpoint* checkpoint, const std::string& moment) {
  if (!subject.config.contains("pgbackrest"))
    return Error{Code::kRefused, "--to-time needs a PostgreSQL database whose log pgBackRest archives",
                 "say it: database: {postgresql: {pgbackrest: {stanza: ...}}}"};
  const Json known = checkpoint == nullptr ? Json::object() : saved_part(*checkpoint, subject);
  const Seen seen = TRY(observe(workspace, subject));
  const std::string directory = scratch_directory(workspace);
  TRY_VOID(os::make_directories(directory, 0700));
  auto made = std::make_unique<StandIn>();
  const std::string place = directory + "/" + name_of_tester() + random_hex(8);
  made->files = {place + ".dump", place + ".dump.manifest.json", place + ".dump.manifest.json.proved.json"};
  const Json evidence = TRY(recover(workspace, subject, seen.begin()->second, moment, place));
  LoadedArchive loaded;
  loaded.part = get(evidence, "part");
  if (const std::string fault = archive_loader(workspace)->against_schema(known, loaded); !fault.empty())
    return Error{Code::kRefused,
                 fmt::format("at {} the database was not one for {}: {}", moment, to.version.str(), fault),
                 "name a moment before the release that is left came: backout releases"};
  Json part = loaded.part;
  if (!get(known, "catalog").empty()) part["names"] = get(known, "catalog");
  part["point"] = {{"to_time", moment}, {"stanza", get_string(get(subject.config, "pgbackrest"), "stanza")}};
  part["archive"] = nullptr;
  made->checkpoint =
      with_part(subject, checkpoint == nullptr ? Checkpoint{.version = to.version} : *checkpoint, std::move(part));
  const std::string last = get_string(evidence, "last_commit");
  made->words =
      fmt::format("pgBackRest's backup {}, played until {} ({}, {}{})", one_line(get_string(evidence, "set")), moment,
                  counted(get_int(evidence, "tables"), "table"), counted(get_int(evidence, "rows"), "row"),
                  last.empty() ? "" : "; the last transaction in it is of " + one_line(last));
  made->notes.push_back(
      "what is restored at a moment is compared with the schema alone: nobody counted rows then; rows written since "
      "are "
      "those that differ from it");
  for (const Json& note : get(evidence, "notes"))
    if (note.is_string()) made->notes.push_back(one_line(note.get<std::string>()));
  return made;
}

}  // namespace backout::app
