#include "database/postgresql/point.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <thread>

#include "base/ids.h"
#include "base/text.h"
#include "database/postgresql/lsn.h"

namespace backout::postgresql {
namespace {

constexpr Millis kQuietWithin{500}, kSettledWithin{2'000};
constexpr Millis kLookAgain{3};
constexpr Millis kArchiveTurn{250};
constexpr int kHasXid8 = 130000;
constexpr int kRecent = 2'000;

const char* snapshot_query(const Connection& connection) {
  return connection.server_version() >= kHasXid8 ? "SELECT pg_current_snapshot()" : "SELECT txid_current_snapshot()";
}

/// The transactions that were under way: "752", "750" of "749:753:750,752".
std::set<std::string> under_way(const std::string& snapshot) {
  const std::vector<std::string> parts = split(snapshot, ':');
  if (parts.size() != 3 || parts[2].empty()) return {};
  const std::vector<std::string> numbers = split(parts[2], ',');
  return {numbers.begin(), numbers.end()};
}

/// None of them has ended: where one has, its commit may stand in the log before the place, and the snapshot did not
/// see it yet.
bool all_go_on(const std::string& snapshot, const std::string& after) {
  const std::set<std::string> then = under_way(snapshot), now = under_way(after);
  return std::includes(now.begin(), now.end(), then.begin(), then.end());
}

/// What archiving itself says of its trouble.
std::string archiver_says(Connection& beside) {
  const auto rows = beside.query(
      "SELECT current_setting('archive_mode'), coalesce(last_failed_wal, ''), coalesce(last_failed_time > "
      "coalesce(last_archived_time, '-infinity'), false) FROM pg_stat_archiver");
  if (!rows || rows->count() != 1) return "";
  if (rows->text(0, 0) == "off") return "; archive_mode is off";
  return rows->flag(0, 2) ? "; archiving " + one_line(rows->text(0, 1)) + " failed last: see the server's log" : "";
}

Result<bool> is_archived(const Repository& repository, const BackupSet& set, const std::string& segment) {
  const auto there = TRY(archived_segments(repository, set, segment.substr(0, 16)));
  return std::find(there.begin(), there.end(), segment) != there.end();
}

}  // namespace

Result<Json> note_quiet_instant(Connection& transaction, Connection& beside,
                                const std::function<Result<void>()>& again) {
  const bool durable = TRY(transaction.text("SHOW synchronous_commit")) != "off";
  const BootTime began = system_clock().boot();
  for (;;) {
    // The first question takes the snapshot, and the place is read at once. What others see was written to disk before,
    // unless they do not wait for that.
    const Rows place = TRY(transaction.query("SELECT pg_current_wal_flush_lsn(), pg_current_wal_insert_lsn()"));
    const std::string flushed = place.text(0, 0), inserted = place.text(0, 1);
    const std::string seen = TRY(transaction.text(snapshot_query(transaction)));
    const std::string after = TRY(beside.text(snapshot_query(beside)));
    const Millis spent = system_clock().boot() - began;
    const bool settled = all_go_on(seen, after), quiet = settled && flushed == inserted;
    if (quiet || (settled && spent > kQuietWithin) || spent > kSettledWithin) {
      return Json{{"lsn", durable ? flushed : inserted},
                  {"snapshot", seen},
                  {"snapshot_after", after},
                  {"quiet", quiet},
                  {"time", to_iso(system_clock().wall())}};
    }
    TRY_VOID(transaction.exec("ROLLBACK"));
    std::this_thread::sleep_for(kLookAgain);
    TRY_VOID(again());
  }
}

void mark_point(Connection& beside, Json& point) {
  const std::string lsn = get_string(point, "lsn");
  const std::string name = "backout_" + replaced(get_string(point, "time"), ":", "");
  const auto named = beside.text("SELECT pg_create_restore_point($1)", {name});
  if (named) point["name"] = name;
  // The segment that has what stands behind the point: without that, nothing says where it ends.
  const auto end = named ? *named : beside.text("SELECT pg_current_wal_insert_lsn()").value_or(lsn);
  const std::string segment = beside.text("SELECT pg_walfile_name($1::pg_lsn)", {end}).value_or("");
  const auto switched = beside.text("SELECT pg_switch_wal()");
  point["segment"] = segment;
  point["segment_size"] =
      beside.integer("SELECT pg_size_bytes(current_setting('wal_segment_size'))").value_or(int64_t{16} << 20U);
  point["system_id"] = beside.text("SELECT system_identifier FROM pg_control_system()").value_or("");
  if (segment.size() >= 8) point["timeline"] = std::stoll(segment.substr(0, 8), nullptr, 16);
  const Error* failed = !named ? &named.error() : !switched ? &switched.error() : nullptr;
  if (failed == nullptr) return;
  point["denied"] = failed->code == Code::kDenied
                        ? "the role may not; in the database " + beside.database() +
                              ": GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO it"
                        : failed->message;
}

Result<void> wait_until_archived(const Repository& repository, Connection& beside, Json& point,
                                 const Progress& progress) {
  point["stanza"] = repository.stanza;
  point["archived"] = false;
  const auto stanza = look_at_stanza(repository);
  if (!stanza) {
    if (stanza.error().code == Code::kInvalid) return stanza.error();
    point["why_not"] = stanza.error().message;
    return {};
  }
  const std::string segment = get_string(point, "segment");
  const BackupSet* set =
      newest_before_lsn(*stanza, lsn_of(get_string(point, "lsn")).value_or(0), get_string(point, "system_id"));
  if (set == nullptr || segment.empty()) {
    point["why_not"] = "the stanza " + repository.stanza + " has no backup of this cluster from before";
    return {};
  }
  point["label"] = set->label;
  const BootTime deadline = system_clock().boot() + repository.archive_wait;
  if (progress) progress("waiting until " + segment + " is in the archive");
  for (;;) {
    const auto there = is_archived(repository, *set, segment);
    if (there && *there) break;
    if (system_clock().boot() > deadline) {
      point["why_not"] = fmt::format(
          "{} is not in the archive after {}{}{}", segment, for_people(repository.archive_wait), archiver_says(beside),
          point.contains("denied") ? "; the segment was not ended, because " + get_string(point, "denied") : "");
      if (!there) point["why_not"] = there.error().message;
      return {};
    }
    std::this_thread::sleep_for(kArchiveTurn);
  }
  const auto all = TRY(archived_segments(repository, *set));
  const auto missing =
      missing_segments(all, set->first_segment, segment, static_cast<uint64_t>(get_int(point, "segment_size")), 3);
  if (!missing.empty())
    point["why_not"] = "the archive has a gap since the backup " + set->label + ": " + join(missing, ", ");
  else
    point["archived"] = true;
  return {};
}

std::string push_log(const Repository& repository, Connection& live, const Progress& progress) {
  const char* number = live.server_version() >= kHasXid8 ? "SELECT pg_current_xact_id()" : "SELECT txid_current()";
  if (const auto committed = live.text(number); !committed) return committed.error().message;
  Json point{{"lsn", live.text("SELECT pg_current_wal_insert_lsn()").value_or("")},
             {"time", to_iso(system_clock().wall())}};
  mark_point(live, point);
  const auto waited = wait_until_archived(repository, live, point, progress);
  return waited ? get_string(point, "why_not") : waited.error().message;
}

Result<int64_t> unseen_commits(Connection& restored, const Json& point) {
  const bool xid8 = restored.server_version() >= kHasXid8;
  // Under way when the snapshot was taken, or begun before the place was read.
  const std::string query = fmt::format(
      "WITH s AS (SELECT $1::{0} AS seen, $2::{0} AS after), n AS (SELECT {1}(seen) AS xid FROM s UNION SELECT "
      "generate_series({2}(seen)::text::bigint, {2}(after)::text::bigint - 1)::text::{3} FROM s) SELECT count(*) FROM "
      "n "
      "WHERE CASE WHEN xid < {2}({4}()) THEN {5}(xid) = 'committed' END",
      xid8 ? "pg_snapshot" : "txid_snapshot", xid8 ? "pg_snapshot_xip" : "txid_snapshot_xip",
      xid8 ? "pg_snapshot_xmax" : "txid_snapshot_xmax", xid8 ? "xid8" : "bigint",
      xid8 ? "pg_current_snapshot" : "txid_current_snapshot", xid8 ? "pg_xact_status" : "txid_status");
  return restored.integer(query, {get_string(point, "snapshot"), get_string(point, "snapshot_after")});
}

Result<int64_t> missing_commits(Connection& live, Connection& restored, const Json& point) {
  const std::vector<std::string> parts = split(get_string(point, "snapshot"), ':');
  if (parts.size() != 3) return 0;
  const bool xid8 = restored.server_version() >= kHasXid8;
  const std::string type = xid8 ? "xid8" : "bigint", status = xid8 ? "pg_xact_status" : "txid_status";
  // The last ones before the snapshot; those of old are on disk in any case.
  const Rows seen = TRY(live.query(
      fmt::format(
          "SELECT n FROM generate_series(greatest($1::bigint - {}, 3), $1::bigint - 1) AS n WHERE {}(n::text::{}) "
          "= 'committed'",
          kRecent, status, type),
      {parts[1]}));
  const std::set<std::string> unseen = under_way(get_string(point, "snapshot"));
  std::vector<std::string> numbers;
  for (int i = 0; i < seen.count(); ++i)
    if (!unseen.contains(seen.text(i, 0))) numbers.push_back(seen.text(i, 0));
  return restored.integer(
      fmt::format(
          "SELECT count(*) FROM unnest($1::text[]) AS n WHERE CASE WHEN n::bigint >= {}({}())::text::bigint THEN "
          "true ELSE {}(n::{}) IS DISTINCT FROM 'committed' END",
          xid8 ? "pg_snapshot_xmax" : "txid_snapshot_xmax", xid8 ? "pg_current_snapshot" : "txid_current_snapshot",
          status, type),
      {"{" + join(numbers, ",") + "}"});
}

}  // namespace backout::postgresql
