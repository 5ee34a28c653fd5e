#include "database/postgresql/ready.h"

#include "base/text.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/keep.h"
#include "database/postgresql/pooler.h"
#include "database/postgresql/programs.h"
#include "database/postgresql/repository_ready.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/rung.h"
#include "database/postgresql/sessions.h"
#include "database/postgresql/slot.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

using driver::Need;

constexpr uint64_t kReadAtOnce = 256U << 20;
constexpr const char* kTakeAnother =
    "take a new checkpoint while this release still runs, or go back to an older one: backout releases";

// What put_settings (create.cc) may not put on: settings in the database of roles that ours cannot become.
constexpr const char* kSettingsOfOthers =
    "SELECT coalesce(string_agg(r.rolname, ', ' ORDER BY r.rolname), '') FROM pg_catalog.pg_db_role_setting s JOIN "
    "pg_catalog.pg_database d ON d.oid = s.setdatabase JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, "
    "pg_catalog.pg_roles me WHERE d.datname = $1 AND me.rolname = current_user AND NOT me.rolsuper AND NOT "
    "pg_catalog.pg_has_role(r.oid, 'MEMBER') AND (r.rolsuper OR NOT me.rolcreaterole)";

Finding finding(std::string id, Severity severity, std::string what, std::string next) {
  return {std::move(id), severity, "", "", std::move(what), std::move(next), Json::object()};
}

std::string joined(const Json& names) {
  std::vector<std::string> words;
  for (const Json& one : names)
    if (one.is_string()) words.push_back(one_line(one.get<std::string>()));
  return join(words, ", ");
}

/// The same sizes as the manifest names; what is wrong, else empty.
std::string odd_sizes(const std::string& directory, const Manifest& manifest) {
  for (const auto& [name, file] : manifest.files) {
    const auto size = os::size_of(directory + "/" + name);
    if (!size) return name + ": " + size.error().message;
    if (*size != file.size) return fmt::format("{} has {} bytes, not {}", name, *size, file.size);
  }
  return "";
}

Result<void> look_at_dump(const Json& args, Json& seen) {
  const std::string directory = get_string(args, "backup"), path = get_string(args, "manifest");
  seen["there"] = os::exists(directory) && os::exists(path);
  if (!get_bool(seen, "there")) return {};
  const auto manifest = load_manifest(path, get_string(args, "manifest_sha256"));
  if (!manifest) {
    seen["bytes"] = manifest.error().message;
    return {};
  }
  seen["size"] = manifest->size();
  seen["taken_at"] = manifest->taken_at;
  if (manifest->size() > kReadAtOnce && !get_bool(args, "prove")) {
    const std::string odd = odd_sizes(directory, *manifest);
    seen["bytes"] = odd.empty() ? "size-alone" : odd;
  } else {
    const auto same = check_dump(directory, *manifest);
    seen["bytes"] = same ? "same" : same.error().message;
  }
  const auto record = os::read_file(directory + ".verified.json", 1 << 20);
  const auto verified = record ? parse_json(*record) : Result<Json>(record.error());
  const auto sha256 = os::sha256_of_file(path);
  seen["proved"] = verified && sha256 && get_string(*verified, "manifest_sha256") == *sha256;
  return {};
}

void look_at_noted(const Json& args, Json& seen) {
  const std::string path = get_string(args, "manifest");
  if (const auto manifest = load_manifest(path, get_string(args, "manifest_sha256")); !manifest)
    seen["noted"] = manifest.error().message;
  const auto record = os::read_file(path + ".proved.json", 1 << 20);
  const auto proved = record ? parse_json(*record) : Result<Json>(record.error());
  seen["proved"] = proved && get_string(*proved, "compared").find("nothing") != 0;
}

void look_at_kept_database(Connection& maintenance, const std::string& name, Json& seen) {
  const auto kept = find_database(maintenance, name);
  seen["there"] = kept && *kept;
  seen["bytes"] = "same";
  seen["proved"] = true;
  if (!kept || !*kept) return;
  seen["size"] = (*kept)->size;
  if ((*kept)->open) seen["bytes"] = "it was opened, and may have been written to";
}

void judge_copy(const driver::Offering& offering, const Json& looked, bool needed, std::vector<Finding>& findings) {
  const Severity bad = needed ? Severity::kRed : Severity::kWarning;
  const std::string kept = get_string(offering.saved, "template");
  const std::string what = kept.empty() ? "the checkpoint's dump " + get_string(offering.saved, "backup")
                                        : "the kept database " + one_line(kept);
  const std::string note = needed ? "" : "; the way back as it is now does not need it";
  const std::string bytes = get_string(looked, "bytes");
  if (!get_bool(looked, "there")) {
    findings.push_back(finding("backup", bad, what + " is gone" + note, kTakeAnother));
  } else if (bytes != "same" && bytes != "size-alone") {
    findings.push_back(finding("backup", bad, what + " is damaged: " + bytes + note, kTakeAnother));
  } else {
    const bool proved = get_bool(looked, "proved");
    findings.push_back(
        finding("backup", proved ? Severity::kOk : Severity::kWarning,
                fmt::format("{}, {}, {}{}", what, bytes_for_people(static_cast<uint64_t>(get_int(looked, "size"))),
                            proved ? "restored and compared when it was made" : "never restored",
                            bytes == "size-alone" ? "; of its bytes only the number was looked at" : ""),
                proved ? "" : kTakeAnother));
  }
}

/// A checkpoint without a dump: what it counted must be there, and the stanza be named.
void judge_point(const driver::Offering& offering, const Json& looked, bool needed, std::vector<Finding>& findings) {
  const Severity bad = needed ? Severity::kRed : Severity::kWarning;
  const Json& point = get(offering.saved, "point");
  const std::string what = "the checkpoint's place " + one_line(get_string(point, "lsn")) + " in the log of " +
                           one_line(get_string(point, "stanza"));
  if (!get(offering.subject, "pgbackrest").is_object())
    findings.push_back(finding("backup", bad, what + " needs pgBackRest, and backout.yaml names no stanza",
                               "say it: database: {postgresql: {pgbackrest: {stanza: ...}}}"));
  else if (const std::string why = get_string(looked, "noted"); !why.empty())
    findings.push_back(finding("backup", bad, "what the checkpoint counted is gone: " + why, kTakeAnother));
  else
    findings.push_back(finding(
        "backup", Severity::kOk,
        what + (get_bool(looked, "proved") ? ", restored and compared when it was taken" : ", never restored"), ""));
}

/// What a capture by a slot would want, and the slots that are there.
Result<Json> look_at_slots(const Json& args) {
  Json seen = TRY(run_slots(args, {}));
  seen["wanted"] = get_string(args, "capture") == "slot";
  seen["max_wal"] = get_int(args, "max_wal");
  auto connection = TRY(Connection::open(TRY(server_of(args)), TRY(need(args, "database"))));
  if (const auto hindrance = TRY(no_slot_because(connection))) {
    seen["why_not"] = hindrance->why;
    seen["next"] = hindrance->next;
  }
  return seen;
}

void judge_slots(const Json& seen, std::vector<Finding>& findings) {
  constexpr const char* kTick = "backout tick drops it";
  if (get_bool(seen, "wanted") && seen.contains("why_not"))
    findings.push_back(finding("slot", Severity::kWarning,
                               "what is written since a checkpoint cannot be followed by a slot, and is found by "
                               "comparing: " +
                                   one_line(get_string(seen, "why_not")),
                               get_string(seen, "next")));
  if (const std::string tables = joined(get(seen, "refused")); !tables.empty())
    findings.push_back(finding(
        "slot", Severity::kRed,
        "UPDATE and DELETE fail on " + tables + ": a slot of backout follows it, and it has lost its primary key since",
        kTick));
  for (const Json& slot : get(seen, "slots")) {
    const int64_t held = get_int(slot, "held"), most = get_int(seen, "max_wal"), left = get_int(slot, "left", -1);
    const bool lost = get_bool(slot, "lost"), much = most > 0 && held > most;
    std::string what = fmt::format(
        "the slot {} holds {} of the server's log{}", get_string(slot, "name"),
        bytes_for_people(static_cast<uint64_t>(std::max<int64_t>(held, 0))),
        much        ? ", more than max_wal"
        : left >= 0 ? ", and the server lets it hold " + bytes_for_people(static_cast<uint64_t>(left)) + " more"
                    : ", and only backout tick bounds it: max_slot_wal_keep_size is -1");
    if (lost) what = "the server has thrown away what the slot " + get_string(slot, "name") + " needs";
    findings.push_back(
        finding("slot", lost || much ? Severity::kWarning : Severity::kOk, what, lost || much ? kTick : ""));
  }
}

}  // namespace

Result<Json> look_at_readiness(const Json& args) {
  Json seen{{"there", false}, {"proved", false}};
  const Server server = TRY(server_of(args));
  auto maintenance = TRY(Connection::open(server, get_string(args, "maintenance", "postgres")));
  if (const std::string kept = get_string(args, "template"); !kept.empty())
    look_at_kept_database(maintenance, kept, seen);
  else if (get(args, "point").is_object() && get_string(args, "backup").empty())
    look_at_noted(args, seen);
  else
    TRY_VOID(look_at_dump(args, seen));
  for (const auto& [key, program] : {std::pair{"dump", "pg_dump"}, std::pair{"restore", "pg_restore"}})
    if (const auto found = find_program(program, maintenance.server_version(), ""); !found)
      seen[key] = {{"message", found.error().message}, {"next", found.error().next}};
  if (const auto kept = list_kept(args)) seen["kept"] = get(*kept, "kept");
  seen["superusers"] = TRY(maintenance.text(
      "SELECT coalesce(string_agg(DISTINCT a.usename, ', '), '') FROM pg_catalog.pg_stat_activity a JOIN "
      "pg_catalog.pg_roles r ON r.oid = a.usesysid WHERE r.rolsuper AND a.datname = $1 AND NOT (SELECT rolsuper FROM "
      "pg_catalog.pg_roles WHERE rolname = current_user)",
      {TRY(need(args, "database"))}));
  seen["settings_of"] = TRY(maintenance.text(kSettingsOfOthers, {TRY(need(args, "database"))}));
  if (const auto free = nothing_in_the_way(maintenance, TRY(need(args, "database"))); !free) {
    seen["in_the_way"] = free.error().message;
    seen["next"] = free.error().next;
  }
  if (Json repository = look_at_repository(args, maintenance); !repository.is_null())
    seen["repository"] = std::move(repository);

  if (auto slots = look_at_slots(args)) seen["slots"] = *std::move(slots);
  for (const Pooler& pooler : poolers_of(args))
    if (const auto version = look_at_pooler(pooler); !version)
      seen["poolers"].push_back({{"message", "the pooler at " + pooler.admin + ": " + version.error().message},
                                 {"next", version.error().next}});
  return seen;
}

driver::Readiness readiness_of(const driver::Offering& offering, const Json& seen, const Result<Json>& looked) {
  driver::Readiness readiness;
  std::vector<Finding>& findings = readiness.findings;
  if (!get_bool(seen, "exists")) {
    findings.push_back(finding("database", Severity::kRed, "there is no database " + get_string(seen, "database"),
                               "correct database: postgresql: in backout.yaml"));
    return readiness;
  }
  const auto comparison = decide_rung(offering.saved, seen);
  const bool restores = comparison && comparison->rung != schema::Rung::kLeave;
  const auto size = static_cast<uint64_t>(std::max<int64_t>(get_int(seen, "size"), 0));
  constexpr uint64_t kMore = 1U << 20;
  readiness.needs = {
      {Need::Kind::kWritable, offering.run_directory, "to save the database first"},
      {Need::Kind::kRoom, offering.run_directory, "to save the database first", "", size / 2 + kMore, 64}};
  if (!looked) {
    findings.push_back(finding("server", Severity::kRed, "the server could not be looked at: " + looked.error().message,
                               looked.error().next));
    return readiness;
  }
  if (const Json& kept = get(*looked, "kept"); !kept.empty()) {
    int64_t bytes = 0;
    for (const Json& each : kept) bytes += get_int(each, "size");
    findings.push_back(finding("kept-databases", Severity::kOk,
                               fmt::format("{} that rollbacks replaced {} {}; keep_replaced says for how long",
                                           counted(std::ssize(kept), "database"), kept.size() == 1 ? "takes" : "take",
                                           bytes_for_people(static_cast<uint64_t>(bytes))),
                               ""));
  }
  const bool point_alone = get_string(offering.saved, "backup").empty() && get(offering.saved, "point").is_object();
  const bool no_dumps = !get_bool(get(offering.subject, "pgbackrest"), "dump", true);
  judge_repository(get(*looked, "repository"), point_alone ? restores : no_dumps, findings);
  if (point_alone)
    judge_point(offering, *looked, restores, findings);
  else if (!offering.saved.empty())
    judge_copy(offering, *looked, restores, findings);
  for (const char* program : {"dump", "restore"})
    if (const Json& why = get(*looked, program); why.is_object())
      findings.push_back(finding("tool", Severity::kRed, get_string(why, "message"), get_string(why, "next")));
  for (const Json& fault : get(*looked, "poolers"))
    findings.push_back(
        finding("pooler", Severity::kRed, one_line(get_string(fault, "message")), get_string(fault, "next")));
  judge_slots(get(*looked, "slots"), findings);
  const Severity bad = restores ? Severity::kRed : Severity::kWarning;
  const Json& role = get(seen, "role");
  const std::string name = one_line(get_string(role, "name"));
  if (!get_bool(role, "may_create"))
    findings.push_back(finding("role", bad, "the role " + name + " may not create a database",
                               "ALTER ROLE " + sql_name(name) + " CREATEDB"));
  else if (!get_bool(role, "may_rename"))
    findings.push_back(finding("role", bad, "the role " + name + " may not rename " + get_string(seen, "database"),
                               "make it a member of the database's owner"));
  if (const std::string unreadable = joined(get(role, "may_not_read")); !unreadable.empty())
    findings.push_back(finding(
        "role", Severity::kRed,
        "the role " + name + " may not read " + unreadable + ": pg_dump would fail, and nothing is done without a dump",
        "make it a member of their owner"));
  if (const std::string filtered = joined(get(role, "filtered")); !filtered.empty())
    findings.push_back(finding("role", Severity::kRed,
                               "row security hides rows of " + filtered + " from the role " + name +
                                   ", and nothing is done without a dump of all of them",
                               "ALTER ROLE " + sql_name(name) + " BYPASSRLS"));
  if (const std::string untrusted = joined(get(role, "untrusted")); !untrusted.empty())
    findings.push_back(finding("extension", Severity::kWarning,
                               "only a superuser may make in a database restored beside what is not trusted, and " +
                                   name + " is none: " + untrusted,
                               "let backout go by a superuser's role, unless your provider lets this one make it"));
  if (!get_bool(role, "may_end"))
    findings.push_back(finding("role", bad, "the role " + name + " may not end other roles' sessions",
                               "GRANT pg_signal_backend TO " + sql_name(name)));
  if (const std::string users = one_line(get_string(*looked, "superusers")); !users.empty())
    findings.push_back(finding("role", bad, "the role " + name + " may not end sessions of superusers: " + users,
                               "let what connects as " + users + " use another role, or give backout a superuser"));
  if (const std::string roles = one_line(get_string(*looked, "settings_of")); !roles.empty())
    findings.push_back(finding("settings", Severity::kWarning,
                               "settings that roles have in " + get_string(seen, "database") +
                                   " would not be put on a database restored beside, which " + name +
                                   " may not do for them: " + roles,
                               "GRANT " + roles + " TO " + sql_name(name)));
  if (const std::string why = get_string(*looked, "in_the_way"); !why.empty())
    findings.push_back(finding("in-the-way", bad, why, get_string(*looked, "next")));
  return readiness;
}

}  // namespace backout::postgresql
