#include "database/postgresql/count_since.h"

#include <fmt/format.h>

#include <deque>

#include "base/text.h"
#include "database/postgresql/dump_rows.h"
#include "database/postgresql/fingerprints.h"
#include "database/postgresql/horizon.h"
#include "database/postgresql/marks.h"
#include "database/postgresql/rewritten_rows.h"
#include "database/postgresql/row_files.h"
#include "database/postgresql/row_renames.h"
#include "database/postgresql/slot_count.h"
#include "database/postgresql/table_count.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {
namespace {

constexpr int64_t kMostMilliseconds = 20'000;  // ms
constexpr size_t kKeptBytes = 64U << 20;       // bytes of rows that are looked up in the dump
constexpr uint64_t kAhead = 2'000'000'000;     // transactions: what numbers of 32 bits can tell apart
constexpr int64_t kFirstTimeline = 1;

std::string why_unsound(Connection& live, const Manifest& manifest, const BaseCatalogue& base,
                        const std::string& origin) {
  if (base.catalog.origin.empty() || origin.empty()) return "the role may not ask which cluster this is";
  if (base.catalog.origin != origin) return "it is not the database that the checkpoint was taken of";
  if (timeline_of(live) != get_int(manifest.horizon, "timeline", kFirstTimeline))
    return "the server was promoted or restored since";
  const uint64_t oldest = oldest_running(manifest.snapshot);
  const auto next = live.integer("SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())");
  if (oldest == 0 || !next) return "the checkpoint does not say which transactions it saw";
  const auto now = static_cast<uint64_t>(*next);
  if (now < oldest || now - oldest > kAhead) return "too many transactions ran since";
  return "";
}

bool says_zone(const std::string& type) {
  return type.find("time zone") != std::string::npos || type.find('.') != std::string::npos;
}

/// Why the text of its columns in the dump may be another one than now, though they are the same.
std::string why_not_text(const Manifest& manifest, const MappedTable& table) {
  if (manifest.database.encoding != "UTF8") return "the database is not in UTF-8";
  if (get_string(manifest.horizon, "time_zone") == "UTC") return "";
  for (const MappedColumn& column : table.columns)
    if (says_zone(column.target.type) || says_zone(column.live.type))
      return "the dump does not say in which time zone it has times";
  return "";
}

class Count {
 public:
  Count(const Json& args, const driver::Progress& progress) : args_(args), progress_(progress) {}

  Result<Json> run() {
    TRY_VOID(begin());
    if (progress_ && get(manifest_.horizon, "slot").is_object()) progress_("reading what the slot has");
    slot_ = TRY(from_slot());
    for (const MappedTable& table : map_.tables) {
      if (progress_) progress_("counting " + table.shown);
      counts_.push_back(TRY(count(table)));
    }
    TRY_VOID(look_up());
    return report();
  }

 private:
  Result<void> begin() {
    ground_.until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(get_int(args_, "limit_ms", kMostMilliseconds));
    manifest_ = TRY(manifest_of(args_));
    base_ = TRY(base_catalogue(manifest_));
    live_ = TRY(Connection::open(TRY(server_of(args_)), TRY(need(args_, "live"))));
    ground_.marks = TRY(marks_of(*live_));
    TRY_VOID(
        live_->exec("SET lock_timeout = '1s'; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off"));
    own_ = TRY(read_row_catalogue(*live_));
    RowCatalogue renamed = own_;
    rename_as_before(renamed, schema::postgresql::renames_from_json(get(args_, "renamed")));
    map_ = map_rows(renamed, base_.rows, TRY(row_choices(get(args_, "tables"))), TRY(row_fill(get(args_, "fill"))));
    std::erase_if(map_.new_tables,
                  [&](const RowTable& table) { return base_.others.contains(table.schema + "." + table.name); });
    ground_.manifest = &manifest_;
    ground_.base = &base_;
    ground_.live = &own_;
    const auto origin = live_->text(
        "SELECT s.system_identifier || '/' || d.oid FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d "
        "WHERE d.datname = pg_catalog.current_database()");
    if (!origin)
      TRY_VOID(live_->exec("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off"));
    ground_.unsound = why_unsound(*live_, manifest_, base_, origin.value_or(""));
    ground_.horizon = std::to_string(oldest_running(manifest_.snapshot) & 0xffffffffU);
    return {};
  }

  Result<SlotCount> from_slot() {
    TRY_VOID(live_->exec("SAVEPOINT backout_slot"));
    SlotCount slot = count_by_slot(TRY(server_of(args_)), *live_, ground_, map_);
    TRY_VOID(live_->exec("ROLLBACK TO SAVEPOINT backout_slot; RELEASE SAVEPOINT backout_slot"));
    return slot;
  }

  Result<TableCount> count(const MappedTable& table, std::string doubt = "") {
    const auto net = slot_.nets.find(table.target.oid);
    if (doubt.empty() && net != slot_.nets.end() && net->second.doubt.empty())
      return count_from_slot(table, std::move(net->second));
    TableCount count = TRY(count_table(*live_, ground_, table));
    if (doubt.empty()) doubt = net != slot_.nets.end() ? net->second.doubt : slot_.why_not;
    count.not_by_slot = std::move(doubt);
    return count;
  }

  /// What the rows that changed were, from the dump, in one pass for all tables that want it.
  Result<void> look_up() {
    std::map<int64_t, ChangedRows*> by_base;
    std::set<int64_t> leaves;
    size_t bytes = kKeptBytes;
    for (TableCount& count : counts_) {
      if (!count.wants_dump || ground_.left() < Millis(0)) continue;
      if (TRY(settle_by_fingerprints(*live_, ground_, get_string(args_, "backup"), count))) continue;
      const MappedTable& table = *count.difference.map;
      if (const std::string why = why_not_text(manifest_, table); !why.empty()) {
        count.why += ": " + why;
        continue;
      }
      rows_.emplace_back(table, count);
      if (!TRY(rows_.back().read(*live_, ground_, bytes).with_context("table " + table.shown))) {
        rows_.pop_back();
        if (count.net) count = TRY(this->count(table, "its changes are too many, or are not what the table holds"));
        continue;
      }
      by_base[table.target.oid] = &rows_.back();
      const auto& of_table = base_.tables.at(table.target.oid).leaves;
      leaves.insert(of_table.begin(), of_table.end());
    }
    if (leaves.empty()) return {};
    if (progress_) progress_("looking up what changed rows were");
    std::map<std::pair<std::string, std::string>, ChangedRows*> by_name;
    for (const auto& table : base_.catalog.tables)
      if (const auto root = base_.root_of.find(table.oid); root != base_.root_of.end() && leaves.contains(table.oid))
        by_name[{table.schema, table.name}] = by_base.at(root->second);
    const auto read = read_through(leaves, by_name);
    if (read) {
      for (ChangedRows& rows : rows_)
        if (!rows.conclude() && rows.count().net)
          rows.count() = TRY(count(rows.table(), "it contradicts the checkpoint's dump"));
      return {};
    }
    for (ChangedRows& rows : rows_)
      for (TableCount& count : counts_)
        if (count.difference.map == &rows.table()) {
          count.why += ": " + read.error().message;
          count.difference.columns.clear();
        }
    return {};
  }

  Result<void> read_through(const std::set<int64_t>& leaves,
                            const std::map<std::pair<std::string, std::string>, ChangedRows*>& by_name) {
    if (ground_.left() <= Millis(0)) return Error{Code::kTimedOut, "reading the dump takes too long", ""};
    if (get_string(args_, "backup").empty())
      return Error{Code::kNotFound, "the checkpoint has no dump to look them up in", ""};
    const Program restore = TRY(find_program("pg_restore", live_->server_version(), get_string(args_, "programs")));
    return read_dump(restore, TRY(need_path(args_, "backup")), leaves, ground_.left(),
                     [&](const DumpRow& row) -> Result<void> {
                       const auto found = by_name.find({row.schema, row.table});
                       if (found == by_name.end()) return {};
                       return found->second->meet(row.columns, row.line);
                     });
  }

  Result<Json> report() {
    RowReport report;
    Json compared = Json::object(), old_rows = Json::object();
    bool exact = true;
    const auto note = [&](const std::string& table, const std::string& by, const TableCount& count) {
      const std::string not_so = count.not_by_slot.empty() ? "" : "; not by the slot: " + count.not_by_slot;
      compared[table] = {{"by", by}, {"how", count.how}, {"why", count.why + not_so}, {"exact", count.exact}};
      exact = exact && count.exact;
    };
    for (TableCount& count : counts_) {
      const MappedTable& table = *count.difference.map;
      note(table.shown, table.matched_by(), count);
      count.difference.compared = compared[table.shown];
      if (ground_.left() > Millis(0)) {
        TRY_VOID(live_->exec("SAVEPOINT backout_news"));
        count.difference.rows_with_news = count_news_of(count);
      }
      const int64_t rows = base_.tables.at(table.target.oid).rows;
      old_rows[table.shown] = old_rows_of(count, rows);
      TRY_VOID(report.add(count.difference, [&](int64_t) -> Result<int64_t> { return rows; }));
    }
    std::map<std::string, std::string> unkeyed;
    for (const auto& [oid, table] : base_.rows.tables) {
      const auto why = map_.unkeyed.find(table.shown());
      if (why == map_.unkeyed.end()) continue;
      const TableCount count = TRY(count_unkeyed(*live_, ground_, table));
      note(table.shown(), "", count);
      if (count.changed) unkeyed.insert(*why);
    }
    Json evidence = TRY(report.json(map_, unkeyed, *live_, *live_));
    evidence["compared"] = compared;
    evidence["exact"] = exact;
    evidence["old_rows"] = old_rows;
    return evidence;
  }

  /// A look that is not worth failing for.
  int64_t count_news_of(const TableCount& count) {
    (void)live_->exec(fmt::format("SET LOCAL statement_timeout = {}", std::max<int64_t>(ground_.left().count(), 1)));
    const auto rows = count_news(*live_, *count.difference.map);
    (void)live_->exec(rows ? "SET LOCAL statement_timeout = 0; RELEASE SAVEPOINT backout_news"
                           : "ROLLBACK TO SAVEPOINT backout_news; RELEASE SAVEPOINT backout_news");
    return rows ? *rows : 0;
  }

  const Json& args_;
  const driver::Progress& progress_;
  std::optional<Connection> live_;
  Manifest manifest_;
  BaseCatalogue base_;
  RowCatalogue own_;
  RowMap map_;
  CountGround ground_;
  SlotCount slot_;
  std::deque<TableCount> counts_;
  std::deque<ChangedRows> rows_;
};

}  // namespace

Result<Json> count_since(const Json& args, const driver::Progress& progress) { return Count(args, progress).run(); }

}  // namespace backout::postgresql
