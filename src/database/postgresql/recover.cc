#include "database/postgresql/recover.h"
#include "database/postgresql/lsn.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/backup.h"
#include "database/postgresql/create.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/point.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/side_cluster.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

struct Recovery {
  Repository repository;
  std::string database, programs, taken_at;
  int jobs = 2;
  SideJob side;
  std::optional<Manifest> against;  // what the checkpoint counted at that point
};

/// Where side clusters are made: where it is said, else beside the live one's files.
Result<std::string> root_for(const Json& args, const Repository& repository) {
  const std::string name = TRY(need(args, "side"));
  if (!is_ours(name)) return Error{Code::kInvalid, "the side cluster " + name + " was not named by backout", ""};
  if (!repository.directory.empty()) return root_of_side(repository.directory, name);
  auto live = TRY(open_maintenance(TRY(server_of(args)), get_string(args, "maintenance")));
  const auto data = live.text("SELECT current_setting('data_directory')");
  if (data && os::exists(*data)) return root_of_side(parent_of(*data), name);
  return Error{Code::kInvalid,
               "where a cluster may be restored beside is not known" + (data ? "" : ": " + data.error().message),
               "say it: database.postgresql.pgbackrest.directory"};
}

/// ISO with a T, as plans have it, or as a person writes it.
Result<int64_t> seconds_of(Connection& live, const std::string& time) {
  return live.integer("SELECT floor(extract(epoch FROM $1::timestamptz))::bigint", {time});
}

Result<BackupSet> set_for(const Recovery& job, Connection& live, const std::string& system_id) {
  const Stanza stanza = TRY(look_at_stanza(job.repository));
  const RecoveryTarget& target = job.side.target;
  const BackupSet* set = nullptr;
  if (target.time.empty()) {
    const auto lsn = lsn_of(target.lsn);
    if (!lsn) return Error{Code::kInvalid, "'" + one_line(target.lsn) + "' is no position in the log", ""};
    set = newest_before_lsn(stanza, *lsn, system_id);
  } else {
    set = newest_before_time(stanza, TRY(seconds_of(live, target.time)), system_id);
  }
  if (set != nullptr) return *set;
  const bool other = std::none_of(stanza.backups.begin(), stanza.backups.end(),
                                  [&](const BackupSet& each) { return each.system_id == system_id; });
  return Error{Code::kNotFound,
               other ? "the stanza " + job.repository.stanza + " has no backup of this cluster (system identifier " +
                           system_id + ")"
                     : fmt::format("the oldest backup in the stanza {} was taken after {}: {}", job.repository.stanza,
                                   target.words(), stanza.backups.front().label),
               other ? "correct database.postgresql.pgbackrest.stanza" : "use a newer checkpoint: backout releases"};
}

Result<Recovery> recovery_from(const Json& args, const Progress& progress) {
  Recovery job{.repository = TRY(repository_of(args)), .database = TRY(need(args, "database"))};
  job.programs = get_string(args, "programs");
  job.jobs = static_cast<int>(get_int(args, "jobs", job.jobs));
  const Json& target = get(args, "target");
  job.side.repository = job.repository;
  job.side.programs = job.programs;
  job.side.target = {get_string(target, "lsn"), get_int(target, "timeline"), get_string(target, "time")};
  job.side.root = TRY(root_for(args, job.repository));
  if (get(args, "against").is_object()) {
    job.against = TRY(manifest_of(get(args, "against")));
    const Json& point = job.against->point;
    if (job.side.target.lsn.empty() && job.side.target.time.empty())
      job.side.target = {get_string(point, "lsn"), get_int(point, "timeline"), ""};
  }
  if (job.side.target.lsn.empty() && job.side.target.time.empty())
    return Error{Code::kInvalid, "the arguments name no target", ""};
  auto live = TRY(open_maintenance(TRY(server_of(args)), get_string(args, "maintenance")));
  job.side.superuser = TRY(live.text("SELECT rolname FROM pg_roles WHERE oid = 10"));
  job.side.segment_size =
      static_cast<uint64_t>(TRY(live.integer("SELECT pg_size_bytes(current_setting('wal_segment_size'))")));
  job.taken_at = job.against ? job.against->taken_at : "";
  if (!job.side.target.time.empty())
    job.taken_at =
        TRY(live.text("SELECT to_char($1::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
                      {job.side.target.time}));
  if (!job.side.target.time.empty())
    if (const std::string why = push_log(job.repository, live, progress); !why.empty() && progress)
      progress("the log of now is not in the archive: " + why);
  job.side.set = TRY(set_for(job, live, TRY(live.text("SELECT system_identifier FROM pg_control_system()"))));
  return job;
}

/// Sequences heed no snapshot, and the log has them up to 32 values ahead: they need only be there. Tables that are
/// unlogged are not in the log.
Result<std::vector<std::string>> faults_by_log(const Manifest& found, Manifest wanted,
                                               std::vector<std::string>& notes) {
  for (auto& [name, table] : wanted.content.tables) {
    const auto there = found.content.tables.find(name);
    if (!table.unlogged || there == found.content.tables.end()) continue;
    if (there->second.rows != table.rows)
      notes.push_back(fmt::format("{} is unlogged: its {} are not in the log", name, counted(table.rows, "row")));
    table = there->second;
  }
  for (auto& [name, at] : wanted.sequences)
    if (const auto there = found.sequences.find(name); there != found.sequences.end())
      at = wanted.sequences_after[name] = there->second;
  return faults_between(found, wanted);
}

/// "exact", or what could not be compared in a sentence. kCorrupt when it is not what the checkpoint counted.
Result<std::string> compare(const Json& args, Connection& restored, const Manifest& found, const Manifest& wanted,
                            std::vector<std::string>& notes) {
  const auto faults = TRY(faults_by_log(found, wanted, notes));
  if (faults.empty()) return std::string("exact");
  auto live = TRY(open_maintenance(TRY(server_of(args)), get_string(args, "maintenance")));
  const int64_t unseen = TRY(unseen_commits(restored, wanted.point));
  const int64_t missing = TRY(missing_commits(live, restored, wanted.point));
  const bool rows_alone = std::all_of(faults.begin(), faults.end(), [](const std::string& fault) {
    return fault.starts_with("table ") && (fault.find(", the manifest says") != std::string::npos ||
                                           fault.find("the content of its rows") != std::string::npos);
  });
  if (unseen + missing == 0 || !rows_alone)
    return Error{Code::kCorrupt, "what pgBackRest restored is not what the checkpoint held: " + join(faults, "; "),
                 "use an older checkpoint: backout releases"};
  if (unseen > 0)
    notes.push_back(counted(unseen, "transaction") +
                    " committed in the very moment of the checkpoint, unseen by its counts");
  if (missing > 0)
    notes.push_back(counted(missing, "transaction") +
                    " that the checkpoint saw were not on disk yet (synchronous_commit): "
                    "what they wrote is carried over as written since");
  notes.push_back("so these are told apart by that: " + join(faults, "; "));
  return std::string("but for " + counted(unseen + missing, "transaction"));
}

BackupJob job_in_side(const Recovery& job, const SideCluster& side) {
  return {.server = side.server(), .database = job.database, .jobs = job.jobs, .programs = job.programs};
}

Result<Connection> open_in_side(const Recovery& job, const SideCluster& side) {
  auto connection = Connection::open(side.server(), job.database);
  if (!connection && connection.error().code == Code::kNotFound)
    return Error{Code::kNotFound, "at " + job.side.target.words() + " there was no database " + job.database, ""};
  return connection;
}

void tell_target(const Recovery& job, const SideCluster& side, Json& evidence) {
  evidence["set"] = job.side.set.label;
  evidence["target"] = job.side.target.words();
  evidence["reached"] = side.reached();
  evidence["last_commit"] = side.last_commit();
}

Result<Json> dump_from_side(const Recovery& job, const Json& args, const Progress& progress) {
  const auto side = TRY(SideCluster::restore(job.side, progress));
  auto restored = TRY(open_in_side(job, *side));
  BackupJob backup = job_in_side(job, *side);
  backup.directory = TRY(need_path(args, "directory"));
  backup.manifest = TRY(need_path(args, "manifest"));
  backup.as = DumpedAs{job.database, job.taken_at, TRY(read_database_facts(restored, job.database))};
  if (progress) progress("dumping " + job.database + " out of the side cluster");
  const Manifest made = TRY(back_up(backup, progress));
  std::vector<std::string> notes = made.notes;
  std::string compared = "the schema alone: nobody counted rows at that time";
  if (job.against) {
    auto same = compare(args, restored, made, *job.against, notes);
    if (!same) {
      TRY_VOID(os::remove_file(backup.manifest));
      return std::move(same).error();
    }
    compared = *same;
  }
  Json evidence{{"compared", compared}, {"notes", notes}};
  tell_target(job, *side, evidence);
  TRY_VOID(side->remove());
  return evidence;
}

std::string record_of(const Json& args) { return get_string(args, "manifest") + ".proved.json"; }

}  // namespace

Result<Json> run_recover(const Json& args, const Progress& progress) {
  const BootTime began = system_clock().boot();
  const std::string directory = TRY(need_path(args, "directory")), path = TRY(need_path(args, "manifest"));
  Json evidence = Json::object();
  if (get_string(TRY(look_at_recovered(args)), "sight") != "holds") {
    // Counted as there only when everything was compared: what a killed try dumped is not.
    TRY_VOID(os::remove_file(path));
    TRY_VOID(os::remove_file(path + ".proved.json"));
    evidence = TRY(dump_from_side(TRY(recovery_from(args, progress)), args, progress));
    const std::string hash = TRY(os::sha256_of_file(path));
    const Json record{{"manifest_sha256", hash}, {"proved_at", to_iso(system_clock().wall())}};
    TRY_VOID(os::write_file_atomic(record_of(args), canonical(record) + "\n", 0600));
  }
  const Manifest manifest = TRY(load_manifest(path));
  evidence["part"] = TRY(checkpoint_part(manifest, directory, path));
  evidence["tables"] = manifest.content.tables.size();
  evidence["rows"] = manifest.content.rows();
  evidence["size"] = manifest.size();
  evidence["took_ms"] = (system_clock().boot() - began).count();
  return evidence;
}

Result<Json> look_at_recovered(const Json& args) {
  const auto manifest = load_manifest(TRY(need_path(args, "manifest")));
  if (!manifest) return sight(false, manifest.error().message);
  const auto record = os::read_file(record_of(args));
  const auto parsed = record ? parse_json(*record) : Result<Json>(record.error());
  if (!parsed || get_string(*parsed, "manifest_sha256") != TRY(os::sha256_of_file(TRY(need_path(args, "manifest")))))
    return sight(false, "it was not compared yet");
  if (args.contains("pgbackrest"))
    if (const auto root = root_for(args, TRY(repository_of(args))); root && is_side_left(*root))
      return sight(false, "the side cluster " + *root + " is left");
  return sight_of(check_dump(TRY(need_path(args, "directory")), *manifest),
                  "it is recovered, and has the files that its manifest names");
}

Result<Json> run_prove_point(const Json& args, const Progress& progress) {
  const BootTime began = system_clock().boot();
  const std::string path = TRY(need_path(args, "manifest"));
  Json recovery = args;
  recovery["against"] = {{"manifest", path}, {"manifest_sha256", get_string(args, "manifest_sha256")}};
  const Manifest manifest = TRY(manifest_of(args));
  Json point = manifest.point;
  if (!get_bool(point, "archived")) {  // it may have come there since
    point.erase("why_not");
    auto live = TRY(open_maintenance(TRY(server_of(args)), get_string(args, "maintenance")));
    TRY_VOID(wait_until_archived(TRY(repository_of(args)), live, point, progress));
  }
  if (!get_bool(point, "archived"))
    return Error{Code::kUnavailable, "pgBackRest cannot bring this moment back: " + get_string(point, "why_not"),
                 "look at it: backout ready; or let checkpoints dump: database.postgresql.pgbackrest.dump: true"};
  Json evidence{{"verified", true},
                {"tables", manifest.content.tables.size()},
                {"rows", manifest.content.rows()},
                {"notes", Json::array()},
                {"compared", "nothing: the log up to it is in the archive"}};
  if (TRY(repository_of(args)).by_restoring) {
    const Recovery job = TRY(recovery_from(recovery, progress));
    const auto side = TRY(SideCluster::restore(job.side, progress));
    auto restored = TRY(open_in_side(job, *side));
    std::vector<std::string> notes;
    const Manifest found = TRY(count_up(job_in_side(job, *side), progress));
    evidence["compared"] = TRY(compare(args, restored, found, manifest, notes));
    evidence["notes"] = notes;
    tell_target(job, *side, evidence);
    TRY_VOID(side->remove());
  }
  const std::string hash = TRY(os::sha256_of_file(path));
  const Json record{
      {"manifest_sha256", hash}, {"proved_at", to_iso(system_clock().wall())}, {"compared", get(evidence, "compared")}};
  TRY_VOID(os::write_file_atomic(record_of(args), canonical(record) + "\n", 0600));
  evidence["took_ms"] = (system_clock().boot() - began).count();
  return evidence;
}

Result<Json> look_at_proved_point(const Json& args) {
  const auto manifest = manifest_of(args);
  if (!manifest) return sight(false, manifest.error().message);
  const auto record = os::read_file(record_of(args));
  const auto parsed = record ? parse_json(*record) : Result<Json>(record.error());
  if (!parsed || get_string(*parsed, "manifest_sha256") != TRY(os::sha256_of_file(TRY(need_path(args, "manifest")))))
    return sight(false, "it was not restored and compared yet");
  return sight(true, "proved before: " + get_string(*parsed, "compared"));
}

Result<Json> run_discard_side(const Json& args, const Progress&) {
  const std::string root = TRY(root_for(args, TRY(repository_of(args))));
  const bool was_there = TRY(remove_side(root));
  return Json{{"removed", root}, {"was_there", was_there}};
}

Result<Json> look_at_discarded_side(const Json& args) {
  const std::string root = TRY(root_for(args, TRY(repository_of(args))));
  const bool left = is_side_left(root);
  return sight(!left, left ? "the side cluster " + root + " is left" : "there is no side cluster " + root);
}

}  // namespace backout::postgresql
