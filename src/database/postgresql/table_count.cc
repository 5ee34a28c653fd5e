#include "database/postgresql/table_count.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/keyed_rows.h"

namespace backout::postgresql {
namespace {

constexpr int64_t kMostKept = 500'000;  // rows looked up in a dump
constexpr Millis kLeast{50};
constexpr size_t kMostKeyParts = 32;  // columns of an index

/// Under its own name, with system columns.
const RowTable* own_table(const CountGround& ground, int64_t oid) {
  const auto found = ground.live->tables.find(oid);
  return found == ground.live->tables.end() ? nullptr : &found->second;
}

std::string changed(const CountGround& ground) {
  return "pg_catalog.age(t.xmin) <= pg_catalog.age(" + sql_text(ground.horizon) + "::pg_catalog.xid)";
}

/// Under a savepoint and a time limit: nothing when it took too long.
template <class Ask>
auto in_time(Connection& live, const CountGround& ground, Ask ask)
    -> Result<std::optional<std::decay_t<decltype(*ask())>>> {
  using Value = std::decay_t<decltype(*ask())>;
  if (ground.left() < kLeast) return std::optional<Value>();
  TRY_VOID(live.exec(fmt::format("SAVEPOINT backout_try; SET LOCAL statement_timeout = {}", ground.left().count())));
  auto answer = ask();
  if (answer) {
    TRY_VOID(live.exec("SET LOCAL statement_timeout = 0; RELEASE SAVEPOINT backout_try"));
    return std::optional<Value>(*std::move(answer));
  }
  if (answer.error().code != Code::kTimedOut) return std::move(answer).error();
  TRY_VOID(live.exec("ROLLBACK TO SAVEPOINT backout_try; RELEASE SAVEPOINT backout_try"));
  return std::optional<Value>();
}

/// Does the same hold its rows as did then? Then a row that no transaction touched since is a row of the checkpoint.
Result<bool> same_leaves(Connection& live, const RowTable& own, const BaseTable& base) {
  std::set<int64_t> leaves{own.oid};
  if (own.partitioned) {
    leaves.clear();
    const Rows rows =
        TRY(live.query("SELECT relid::pg_catalog.oid::pg_catalog.int8 FROM pg_catalog.pg_partition_tree(" +
                       std::to_string(own.oid) + "::pg_catalog.oid) WHERE isleaf"));
    for (int i = 0; i < rows.count(); ++i) leaves.insert(rows.integer(i, 0));
    if (rows.count() == 1 && rows.integer(0, 0) == own.oid) leaves.clear();  // it has no partitions
  }
  return leaves == base.leaves;
}

struct Scan {
  int64_t rows = 0, changed = 0, within = 0;  // `within`: of those changed, the ones whose key the checkpoint may have
};
Result<Scan> scan(Connection& live, const CountGround& ground, const RowTable& own, const std::string& key,
                  const std::optional<int64_t>& highest) {
  const std::string is_changed = changed(ground);
  const std::string within =
      !highest ? is_changed : is_changed + " AND t." + sql_name(key) + " <= " + std::to_string(*highest);
  const Rows row = TRY(live.query("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE " + is_changed +
                                  "), pg_catalog.count(*) FILTER (WHERE " + within + ") FROM " + own.from() + " AS t"));
  return Scan{row.integer(0, 0), row.integer(0, 1), row.integer(0, 2)};
}

/// The greatest key that the checkpoint had, when the table is still matched by that column.
std::optional<int64_t> highest_key(const CountGround& ground, const MappedTable& table) {
  const Json& key =
      get(get(get(ground.manifest->horizon, "keys"), table.target.schema + "." + table.target.name), "max");
  const Json& column =
      get(get(get(ground.manifest->horizon, "keys"), table.target.schema + "." + table.target.name), "column");
  if (!table.by_integer() || !key.is_number_integer() || column != table.columns.front().name) return std::nullopt;
  return key.get<int64_t>();
}

void settle(TableCount& count, const RowCounts& counts, std::string how, std::string why, bool exact) {
  count.difference.counts = counts;
  count.how = std::move(how);
  count.why = std::move(why);
  count.exact = exact;
}

/// By transaction numbers: a row that none touched since the checkpoint is one of its rows, and as it was. So its rows
/// less those are gone or changed.
void settle_by_numbers(TableCount& count, const Scan& seen, int64_t base_rows, bool keyed, bool has_highest) {
  const int64_t missing = base_rows - (seen.rows - seen.changed);
  count.changed_rows = seen.changed;
  count.missing = missing;
  count.changed = seen.changed > 0 || missing > 0;
  if (missing == 0 || seen.changed == 0) {
    settle(count, {seen.changed, 0, missing}, "numbers",
           count.changed ? "by the transactions that wrote its rows" : "no transaction wrote to its rows", true);
  } else if (keyed && has_highest && seen.within == 0) {
    settle(count, {seen.changed, 0, missing}, "numbers",
           "by the transactions that wrote its rows; all new keys are above the checkpoint's", true);
  } else {
    const int64_t both = keyed ? std::min(seen.within, missing) : 0;
    settle(count, {seen.changed - both, both, missing - both}, "numbers",
           keyed ? "by the transactions that wrote its rows; which were changed and which are new is guessed"
                 : "by the transactions that wrote its rows; some may be as they were",
           false);
    count.wants_dump = keyed;
  }
}

/// The columns of the checkpoint, when live has them all under their names and with their types.
Result<std::optional<bool>> same_hash(Connection& live, const CountGround& ground, const RowTable& base,
                                      const RowTable& own) {
  constexpr int kMajor = 10000;  // another version of the server may hash otherwise
  if (live.server_version() / kMajor != ground.manifest->server_version / kMajor) return std::optional<bool>();
  std::set<std::string> names;
  for (const RowColumn& column : base.columns) {
    const RowColumn* now = find_column(own, column.name);
    if (now == nullptr || now->type != column.type || now->generated != column.generated) return std::optional<bool>();
    if (!column.generated) names.insert(column.name);
  }
  const auto found = ground.base->tables.find(base.oid);
  if (found == ground.base->tables.end() || found->second.content.size() != 1 || own.partitioned)
    return std::optional<bool>();
  const auto now = TRY(in_time(live, ground, [&] { return content_of(live, own.schema, own.name, names); }));
  if (!now) return std::optional<bool>();
  const TableContent& then = found->second.content.begin()->second;
  return std::optional<bool>(now->rows == then.rows && now->hash == then.hash);
}

/// What the server's statistics count since the marks of the checkpoint; nothing when they cannot tell.
std::optional<RowCounts> by_counters(const CountGround& ground, const RowTable& base, const RowTable& own) {
  const Json &then = get(ground.manifest->horizon, "marks"), &now = ground.marks;
  for (const char* key : {"database", "reset"})
    if (get(get(then, "server"), key) != get(get(now, "server"), key)) return std::nullopt;
  if (!then.is_object() || !get_bool(get(then, "server"), "counts") || !get_bool(get(now, "server"), "counts"))
    return std::nullopt;
  const auto sum = [](const Json& marks, const RowTable& table) {
    std::array<int64_t, 3> sums{};
    for (const Json& counters : get(get(get(marks, "tables"), table.schema + "." + table.name), "counters"))
      for (size_t i = 0; i < 3; ++i)
        if (counters.is_array() && counters.size() >= 5 && counters[i + 2].is_number())
          sums[i] += counters[i + 2].get<int64_t>();
    return sums;
  };
  const auto before = sum(then, base), after = sum(now, own);
  RowCounts counts{after[0] - before[0], after[1] - before[1], after[2] - before[2]};
  if (counts.insert < 0 || counts.update < 0 || counts.remove < 0) return std::nullopt;
  return counts;
}

Result<void> settle_otherwise(TableCount& count, Connection& live, const CountGround& ground, const RowTable& base,
                              const RowTable& own, const std::string& why_not) {
  if (const auto same = TRY(same_hash(live, ground, base, own)); same && *same) {
    count.changed = false;
    settle(count, {}, "hash", "its hash is that of the checkpoint", true);
    return {};
  }
  if (const auto counts = by_counters(ground, base, own)) {
    count.changed = counts->all() > 0;
    settle(count, *counts, "counters", "the server's statistics; " + why_not, false);
    return {};
  }
  const auto rows = TRY(
      in_time(live, ground, [&] { return live.integer("SELECT pg_catalog.count(*) FROM " + own.from() + " AS t"); }));
  const auto then = ground.base->tables.find(base.oid);
  if (!rows || then == ground.base->tables.end()) {
    count.known = false;
    settle(count, {}, "unknown", rows ? why_not : "counting it takes too long", false);
    return {};
  }
  const int64_t more = *rows - then->second.rows;
  settle(count, {std::max<int64_t>(more, 0), 0, std::max<int64_t>(-more, 0)}, "balance",
         "the number of rows then and now: changes do not show, nor as many deleted as inserted; " + why_not, false);
  return {};
}

Result<TableCount> count_by(Connection& live, const CountGround& ground, const RowTable& base, const RowTable& renamed,
                            const MappedTable* table) {
  TableCount count;
  const RowTable* own = own_table(ground, renamed.oid);
  const auto then = ground.base->tables.find(base.oid);
  if (own == nullptr || then == ground.base->tables.end())
    return Error{Code::kInternal, "table " + base.shown() + " is not known", ""};
  std::string why_not = ground.unsound;
  if (why_not.empty() && !TRY(same_leaves(live, *own, then->second)))
    why_not = "what holds its rows is not what did at the checkpoint";
  if (why_not.empty()) {
    const bool keyed = table != nullptr && !table->multiset;
    const auto highest = keyed ? highest_key(ground, *table) : std::nullopt;
    const std::string key = keyed ? own_name(*own, renamed, table->columns.front().name) : "";
    const auto seen = TRY(in_time(live, ground, [&] { return scan(live, ground, *own, key, highest); }));
    if (seen && then->second.rows >= seen->rows - seen->changed) {
      settle_by_numbers(count, *seen, then->second.rows, keyed, highest.has_value());
      return count;
    }
    why_not = seen ? "more rows are old than the checkpoint had" : "reading it takes too long";
  }
  TRY_VOID(settle_otherwise(count, live, ground, base, *own, why_not));
  return count;
}

}  // namespace

Millis CountGround::left() const {
  return std::chrono::duration_cast<Millis>(until - std::chrono::steady_clock::now());
}

Result<TableCount> count_table(Connection& live, const CountGround& ground, const MappedTable& table) {
  TableCount count = TRY(count_by(live, ground, table.target, table.live, &table).with_context("table " + table.shown));
  count.difference.map = &table;
  return count;
}

Result<TableCount> count_unkeyed(Connection& live, const CountGround& ground, const RowTable& base) {
  for (const auto& [oid, table] : ground.live->tables)
    if (oid == base.oid || (table.schema == base.schema && table.name == base.name))
      return count_by(live, ground, base, table, nullptr).with_context("table " + base.shown());
  return Error{Code::kInternal, "table " + base.shown() + " is not there", ""};
}

TableCount count_from_slot(const MappedTable& table, SlotNet net) {
  TableCount count;
  count.difference.map = &table;
  const auto written = static_cast<int64_t>(net.written.size());
  count.changed = net.inserted + net.deleted + written > 0;
  count.wants_dump = written > 0;
  count.changed_rows = written;
  count.missing = written + net.deleted;
  settle(count, {net.inserted, written, net.deleted}, "slot",
         !count.changed ? "the slot has no change of it"
         : written == 0 ? "by the slot, which has every change of its rows"
                        : "by the slot; rows that were written to and are as they were count as changed",
         written == 0);
  count.net = std::move(net);
  return count;
}

Result<bool> ChangedRows::read(Connection& live, const CountGround& ground, size_t& bytes_left) {
  if (count_.changed_rows > kMostKept) return false;
  const RowTable* own = own_table(ground, table_.live.oid);
  if (own == nullptr) return false;
  std::vector<std::string> what;
  for (const MappedColumn& column : table_.columns)
    what.push_back("t." + sql_name(own_name(*own, table_.live, column.name)));
  what.emplace_back("t.xmin");
  bool fits = true;
  const auto take = [&](std::string_view line) {
    fits = fits && line.size() + 64 <= bytes_left;
    if (!fits) return;
    bytes_left -= line.size() + 64;
    size_t end = 0;
    for (size_t i = 0; i < table_.key_size && end != std::string_view::npos; ++i)
      end = line.find('\t', i == 0 ? 0 : end + 1);
    rows_.emplace(line.substr(0, end), end == std::string_view::npos ? "" : line.substr(end + 1));
  };
  if (count_.net) {
    TRY_VOID(read_by_keys(live, table_, *own, count_.net->written, join(what, ", "), take));
  } else {
    auto copy = TRY(live.copy_out("COPY (SELECT " + join(what, ", ") + " FROM " + own->from() + " AS t WHERE " +
                                  changed(ground) + ") TO STDOUT"));
    while (const auto line = TRY(copy.next())) take(*line);
  }
  return fits && static_cast<int64_t>(rows_.size()) == count_.changed_rows;
}

Result<void> ChangedRows::arrange(const std::vector<std::string>& columns) {
  columns_ = columns;
  places_.clear();
  for (const MappedColumn& column : table_.columns) {
    const auto at = std::find(columns.begin(), columns.end(), column.name);
    if (at == columns.end())
      return Error{Code::kCorrupt, "the dump has no column " + table_.shown + "." + column.name, ""};
    places_.push_back(static_cast<size_t>(at - columns.begin()));
  }
  part_at_.assign(columns.size(), table_.columns.size());
  last_key_place_ = 0;
  for (size_t i = 0; i < table_.key_size; ++i) {
    part_at_[places_[i]] = i;
    last_key_place_ = std::max(last_key_place_, places_[i]);
  }
  return {};
}

Result<void> ChangedRows::meet(const std::vector<std::string>& columns, std::string_view line) {
  if (columns != columns_) TRY_VOID(arrange(columns));
  // Nearly all rows of a dump are of no interest: of those only the key is looked at.
  size_t field = 0, begin = 0;
  std::string_view parts[kMostKeyParts];
  while (field <= last_key_place_) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    if (const size_t part = part_at_[field]; part < table_.key_size) parts[part] = line.substr(begin, end - begin);
    if (end == line.size() && field < last_key_place_)
      return Error{Code::kCorrupt, "a row of the dump has too few fields", ""};
    begin = end + 1;
    ++field;
  }
  key_.assign(parts[0]);
  for (size_t i = 1; i < table_.key_size; ++i) {
    key_ += '\t';
    key_ += parts[i];
  }
  const auto found = rows_.find(key_);
  if (found == rows_.end()) return {};
  const auto fields = copy_fields(line);
  if (fields.size() != columns_.size()) return Error{Code::kCorrupt, "a row of the dump has too few fields", ""};
  ++met_;
  bool differs = false, surely = false;
  const auto now = copy_fields(found->second);
  for (size_t i = table_.key_size; i < places_.size(); ++i) {
    if (now[i - table_.key_size] == fields[places_[i]]) continue;
    const MappedColumn& column = table_.columns[i];
    differs = true;
    surely = surely || column.target.type == column.live.type;
    ++count_.difference.columns[column.name];
    ++by_[column.name][std::string(now.back())];
  }
  if (differs) ++updated_;
  in_doubt_ = in_doubt_ || (differs && !surely);
  return {};
}

bool ChangedRows::conclude() {
  if (met_ > count_.missing) return false;  // a row of the checkpoint cannot be there twice: the guess stays
  if (count_.net && met_ != count_.changed_rows) return false;  // each must be one of the checkpoint's
  for (const auto& [column, transactions] : by_)
    for (const auto& [transaction, rows] : transactions)
      count_.difference.by_one[column] = std::max(count_.difference.by_one[column], rows);
  const std::string by = count_.net ? "by the slot" : "by the transactions that wrote its rows";
  const int64_t inserted = count_.net ? count_.net->inserted : count_.changed_rows - met_;
  settle(count_, {inserted, updated_, count_.missing - met_}, count_.net ? "slot" : "dump",
         by + ", and what the dump has of them" + (in_doubt_ ? "; a column has another type" : ""), !in_doubt_);
  return true;
}

}  // namespace backout::postgresql
