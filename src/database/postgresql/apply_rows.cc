#include "database/postgresql/apply_rows.h"

#include <algorithm>
#include <deque>
#include <set>

#include "base/text.h"
#include "database/postgresql/quiet.h"
#include "database/postgresql/row_carrier.h"
#include "database/postgresql/row_files.h"
#include "database/postgresql/row_sequences.h"
#include "database/postgresql/verb_args.h"
#include "os/rows_directory.h"

namespace backout::postgresql {
namespace {

constexpr const char* kNumberAmongEqual = "#";
constexpr size_t kFirstTold = 100;

/// One line, whatever wrote it: an export, a rescue's conflicts, its archive.
struct Wanted {
  char operation = 'i';
  Json row, base;  // `row`: of a delete its key
};

/// Lines about the same columns of one table.
struct Batch {
  std::string table;
  std::set<std::string> columns;
  std::vector<Wanted> rows;
  bool copies = false;  // of a table without a key
};

std::set<std::string> names_of(const Json& row) {
  std::set<std::string> names;
  for (const auto& [name, value] : row.items())
    if (name != kNumberAmongEqual) names.insert(name);
  return names;
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string field_of(const Json& row, const std::string& name) {
  const Json& value = get(row, name);
  return copy_field(value.is_null() ? std::optional<std::string>() : text_of(value));
}

Result<Wanted> wanted_of(const Json& line) {
  Wanted wanted;
  const std::string operation = get_string(line, "operation");
  const Json &live = get(line, "live"), &base = get(line, "base"), &key = get(line, "key");
  if (operation == "insert" && live.is_object()) {
    wanted.row = live;
  } else if (operation == "update" && live.is_object() && base.is_object()) {
    wanted = {'u', live, base};
  } else if (operation == "delete" && base.is_object()) {
    wanted = {'d', base, base};
  } else if (operation == "update" && live.is_object()) {
    wanted = {'u', live, Json()};  // the target had no such row: it can only be a conflict again
  } else if (operation == "delete" && key.is_object()) {
    wanted = {'d', key, Json()};
  } else if (operation.empty() && get(line, "row").is_object()) {
    wanted.row = get(line, "row");
  } else if (operation.empty() && get(line, "columns").is_object() && key.is_object()) {
    wanted = {'u', key, key};
    wanted.row.update(get(line, "columns"));
    for (const auto& [name, value] : get(line, "columns").items()) wanted.base[name] = nullptr;
  } else {
    return Error{Code::kCorrupt, "it is not a row that backout wrote", ""};
  }
  if (key.is_object() && key.contains(kNumberAmongEqual)) wanted.row[kNumberAmongEqual] = key[kNumberAmongEqual];
  return wanted;
}

class Apply {
 public:
  Apply(const Json& args, const driver::Progress& progress) : args_(args), progress_(progress) {}

  Result<Json> run() {
    TRY_VOID(os::each_row_line(TRY(need_path(args_, "from")), "postgresql", [&](const Json& line) -> Result<void> {
      return take(get_string(line, "table"), TRY(wanted_of(line)));
    }));
    fill_ = TRY(row_fill(get(args_, "fill")));
    live_ = TRY(Connection::open(TRY(server_of(args_)), TRY(need(args_, "live"))));
    TRY_VOID(live_->exec("SET lock_timeout = '3s'; BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL jit = off"));
    catalogue_ = TRY(read_row_catalogue(*live_));
    const RowMap whole = map_rows(catalogue_, catalogue_, {});
    // Batches of one table come one after the other: each pass has at most one of them.
    while (!batches_.empty()) {
      std::set<std::string> met;
      std::deque<Batch> now, later;
      for (Batch& batch : batches_) (met.insert(batch.table).second ? now : later).push_back(std::move(batch));
      batches_ = std::move(later);
      TRY_VOID(pass(whole, now));
    }
    return finish();
  }
  bool somebody_else_writes() const { return live_ && live_->sqlstate() == "40001"; }

 private:
  Result<void> take(const std::string& table, Wanted wanted) {
    auto columns = names_of(wanted.row);
    for (const std::string& name : names_of(wanted.base)) columns.insert(name);
    for (Batch& batch : batches_)
      if (batch.table == table && batch.columns == columns) {
        batch.rows.push_back(std::move(wanted));
        return {};
      }
    const bool copies = wanted.row.contains(kNumberAmongEqual);
    batches_.push_back({table, std::move(columns), {}, copies});
    batches_.back().rows.push_back(std::move(wanted));
    return {};
  }

  /// The table with the columns that the batch is about; nothing, and why: it cannot go there.
  std::optional<MappedTable> mapped(const RowMap& whole, const Batch& batch) {
    const auto found = std::find_if(whole.tables.begin(), whole.tables.end(),
                                    [&](const MappedTable& table) { return table.shown == batch.table; });
    const auto skip = [&](const std::string& why) {
      skipped_.push_back(
          fmt::format("{}: {} not applied: {}", batch.table, counted(std::ssize(batch.rows), "row"), why));
      return std::optional<MappedTable>();
    };
    if (found == whole.tables.end()) {
      const auto why = whole.unkeyed.find(batch.table);
      return skip(why == whole.unkeyed.end() ? "there is no such table" : why->second);
    }
    MappedTable table = *found;
    if (table.leave) return skip("a migrator keeps its books there");
    if (table.multiset && !batch.copies && batch.rows.front().operation != 'i') return skip("the table has no key");
    std::vector<MappedColumn> columns;
    std::vector<std::string> missing;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (batch.columns.contains(table.columns[i].name))
        columns.push_back(table.columns[i]);
      else if (i < table.key_size && !table.multiset)
        return skip("the file has no value of its key, " + table.columns[i].name);
      else
        table.only_target.push_back(table.columns[i].name);
    }
    for (const std::string& name : batch.columns)
      if (std::none_of(columns.begin(), columns.end(), [&](const MappedColumn& column) { return column.name == name; }))
        missing.push_back(name);
    if (!missing.empty())
      skipped_.push_back(batch.table + ": values of " + join(missing, ", ") +
                         " have no place: there is no such column");
    if (table.multiset && columns.size() != table.columns.size())
      return skip("the table has no key, and other columns");
    for (const std::string& name : table.only_target)
      for (const std::string& full :
           {table.target.schema + "." + table.target.name + "." + name, batch.table + "." + name})
        if (const auto value = fill_.find(full); value != fill_.end()) table.fill[name] = value->second;
    table.columns = std::move(columns);
    if (table.multiset) table.key_size = table.columns.size();
    return table;
  }

  Result<void> pass(const RowMap& whole, std::deque<Batch>& batches) {
    RowMap map;
    std::deque<const Batch*> kept;
    for (const Batch& batch : batches)
      if (auto table = mapped(whole, batch)) {
        map.tables.push_back(*std::move(table));
        kept.push_back(&batch);
      }
    std::deque<StagedTable> staged;
    const bool hush = TRY(has_event_triggers(*live_));
    for (size_t i = 0; i < kept.size(); ++i) {
      staged.push_back({.map = &map.tables[i], .number = number_++, .hush = hush});
      if (progress_) progress_("looking at " + map.tables[i].shown);
      TRY_VOID(stage(staged.back(), *kept[i]).with_context("table " + map.tables[i].shown));
    }
    RowReferences references(*live_, catalogue_, map, staged);
    auto quiet = TRY(Quiet::begin(*live_, catalogue_, staged));
    RowCarrier carrier(*live_, references);
    TRY_VOID(carrier.carry());
    TRY_VOID(quiet.end());
    size_t at = 0;
    for (StagedTable& table : staged) {
      applied_[table.map->shown] += TRY(count_marked_as(table, "a"));
      const RowCounts known = TRY(count_marked_as(table, "k"));
      if (known.all() > 0) already_[table.map->shown] += known.all();
      TRY_VOID(note_conflicts(table, *kept[at++]));
    }
    return {};
  }

  /// As they were read: what the file says the row was is not made what it is now.
  Result<void> note_conflicts(const StagedTable& table, const Batch& batch) {
    const MappedTable& map = *table.map;
    const Rows rows = TRY(live_->query("SELECT n, kind, why FROM " + table.stage() + " WHERE mark = 'r' ORDER BY n"));
    for (int i = 0; i < rows.count(); ++i) {
      const Wanted& wanted = batch.rows.at(static_cast<size_t>(rows.integer(i, 0) - 1));
      Json key = Json::object();
      for (size_t column = 0; column < map.key_size; ++column)
        key[map.columns[column].name] = get(wanted.row, map.columns[column].name);
      if (wanted.row.contains(kNumberAmongEqual)) key[kNumberAmongEqual] = wanted.row[kNumberAmongEqual];
      Json line{{"table", map.shown},
                {"operation", wanted.operation == 'i'   ? "insert"
                              : wanted.operation == 'u' ? "update"
                                                        : "delete"},
                {"kind", rows.text(i, 1)},
                {"why", rows.text(i, 2)},
                {"key", key}};
      ++conflicts_.count;
      Json& count = conflicts_.by_kind[map.shown][rows.text(i, 1)];
      count = count.is_null() ? 1 : count.get<int64_t>() + 1;
      if (conflicts_.first.size() < kFirstTold) conflicts_.first.push_back(line);
      if (get_string(args_, "conflicts").empty()) continue;
      line["live"] = wanted.operation == 'd' ? Json(nullptr) : wanted.row;
      line["base"] = wanted.base;
      if (line["live"].is_object()) line["live"].erase(kNumberAmongEqual);
      if (!file_) file_ = TRY(os::LinesFile::create(TRY(need_path(args_, "conflicts"))));
      TRY_VOID(file_->add(line));
    }
    return {};
  }

  Result<RowCounts> count_marked_as(const StagedTable& table, const std::string& mark) {
    RowCounts counts;
    const Rows rows = TRY(live_->query("SELECT op, pg_catalog.count(*) FROM " + table.stage() +
                                       " WHERE mark = " + sql_text(mark) + " GROUP BY 1"));
    for (int i = 0; i < rows.count(); ++i)
      (rows.text(i, 0) == "i"   ? counts.insert
       : rows.text(i, 0) == "u" ? counts.update
                                : counts.remove) += rows.integer(i, 1);
    return counts;
  }

  std::string bases(const StagedTable& table) const { return "pg_temp.backout_base_" + std::to_string(table.number); }

  /// Into the stage, and marked by what the row is now: a: to be applied, k: is so already, r: something else is there.
  Result<void> stage(StagedTable& table, const Batch& batch) {
    TRY_VOID(live_->exec(table.create_stage()));
    const MappedTable& map = *table.map;
    std::string definitions, columns;
    for (size_t i = 0; i < map.columns.size(); ++i) {
      definitions += ", b" + std::to_string(i) + " text";
      columns += ", v" + std::to_string(i);
    }
    TRY_VOID(live_->exec(hushed("CREATE TEMPORARY TABLE backout_base_" + std::to_string(table.number) +
                                    " (n bigint, known boolean" + definitions + ")",
                                table.hush)));
    std::string rows, before;
    int64_t number = 0;
    std::map<std::string, int64_t> copies;
    for (const Wanted& wanted : batch.rows) {
      std::string values;
      for (const MappedColumn& column : map.columns) values += "\t" + field_of(wanted.row, column.name);
      rows += std::to_string(++number) + "\t" + wanted.operation + values;
      if (map.multiset)
        rows += "\t" + (wanted.row.contains(kNumberAmongEqual) ? text_of(wanted.row[kNumberAmongEqual])
                                                               : std::to_string(++copies[values]));
      rows += "\n";
      before += std::to_string(number) + (wanted.base.is_object() ? "\tt" : "\tf");
      for (const MappedColumn& column : map.columns) before += "\t" + field_of(wanted.base, column.name);
      before += "\n";
      (wanted.operation == 'i'   ? table.staged.insert
       : wanted.operation == 'u' ? table.staged.update
                                 : table.staged.remove)++;
    }
    TRY_VOID(
        put("COPY " + table.stage() + " (n, op" + columns + (map.multiset ? ", copy" : "") + ") FROM STDIN", rows));
    TRY_VOID(put("COPY " + bases(table) + " FROM STDIN", before));
    TRY_VOID(live_->exec(hushed("CREATE INDEX ON " + table.stage() + " (n)", table.hush) + "; ANALYZE " +
                         table.stage() + "; ANALYZE " + bases(table)));
    return mark(table);
  }

  Result<void> put(const std::string& copy_in, const std::string& lines) {
    auto copy = TRY(live_->copy_in(copy_in));
    TRY_VOID(copy.put(lines));
    TRY(copy.finish());
    return {};
  }

  Result<void> mark(const StagedTable& table) {
    const MappedTable& map = *table.map;
    std::vector<std::string> as_wanted{"true"}, as_before{"b.known"};
    for (size_t i = map.multiset ? map.columns.size() : map.key_size; i < map.columns.size(); ++i) {
      const std::string here = "t." + sql_name(map.columns[i].name) + "::pg_catalog.text";
      const std::string type = "::" + map.columns[i].target.type + "::pg_catalog.text";
      as_wanted.push_back(here + " IS NOT DISTINCT FROM s.v" + std::to_string(i) + type);
      as_before.push_back(here + " IS NOT DISTINCT FROM b.b" + std::to_string(i) + type);
    }
    const std::string there = map.multiset ? "t.backout_copy IS NOT NULL" : "t.tableoid IS NOT NULL",
                      wanted = join(as_wanted, " AND "), before = join(as_before, " AND ");
    const std::string is =
        "CASE WHEN NOT " + there + " THEN CASE s.op WHEN 'i' THEN 'a' WHEN 'd' THEN 'k' ELSE 'r' END " +
        "WHEN s.op <> 'd' AND " + wanted + " THEN 'k' WHEN s.op <> 'i' AND " + before + " THEN 'a' ELSE 'r' END";
    return live_->exec(
        "UPDATE " + table.stage() +
        " AS s SET mark = x.is, kind = CASE WHEN x.is = 'r' THEN CASE s.op WHEN "
        "'i' THEN 'unique' ELSE 'base-changed' END END, why = CASE WHEN x.is = 'r' THEN CASE WHEN s.op = "
        "'i' THEN 'another row has this key' WHEN x.there THEN 'the row is not what the file says it was' "
        "ELSE 'the row is not there' END END FROM (SELECT s.n, (" +
        there + ") AS there, (" + is + ")::\"char\" AS is FROM " + table.stage() + " AS s JOIN " + bases(table) +
        " AS b ON b.n = s.n LEFT JOIN " + table.rows() + " ON " + table.match() +
        ") AS x WHERE x.n = s.n AND x.is <> 'a'");
  }

  Result<Json> finish() {
    Json applied = Json::object();
    for (const auto& [table, counts] : applied_)
      if (counts.all() > 0) applied[table] = to_json(counts);
    Json evidence{{"applied", applied},
                  {"already", already_},
                  {"conflict_count", conflicts_.count},
                  {"conflicts", conflicts_.first},
                  {"conflicts_by_kind", conflicts_.by_kind},
                  {"skipped", skipped_}};
    if (file_) TRY_VOID(file_->finish());
    if (file_ && conflicts_.count > 0) evidence["conflicts_file"] = get(args_, "conflicts");
    if (get_bool(args_, "dry_run")) {
      TRY_VOID(live_->exec("ROLLBACK"));
      return evidence;
    }
    if (!applied.empty()) {
      auto own = TRY(Connection::open(TRY(server_of(args_)), TRY(need(args_, "live"))));
      evidence["sequences"] = TRY(raise_sequences(own, *live_));
    }
    TRY_VOID(live_->exec("COMMIT").with_context("committing the rows"));
    return evidence;
  }

  const Json& args_;
  const driver::Progress& progress_;
  std::deque<Batch> batches_;
  std::optional<Connection> live_;
  RowCatalogue catalogue_;
  RowFill fill_;
  int number_ = 0;
  std::map<std::string, RowCounts> applied_;
  std::map<std::string, int64_t> already_;
  Conflicts conflicts_;
  std::optional<os::LinesFile> file_;
  std::vector<std::string> skipped_;
};

}  // namespace

Result<Json> apply_rows(const Json& args, const driver::Progress& progress) {
  Apply apply(args, progress);
  auto done = apply.run();
  if (!done && apply.somebody_else_writes())
    return Error{Code::kConflict, "users wrote to the same rows: " + done.error().message,
                 "nothing was applied; try again"};
  return done;
}

}  // namespace backout::postgresql
