#include "database/postgresql/row_sequences.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/json.h"

namespace backout::postgresql {
namespace {

struct Sequence {
  std::string schema, name;
  std::string owner;  // "schema.table.column" as SQL names, or empty
  std::string owner_table, owner_column;
  int64_t last = 0, increment = 1, lowest = 1, highest = 1;
  bool called = false;

  bool up() const { return increment > 0; }
  /// Has `a` been given out, or passed?
  bool passed(int64_t a) const { return up() ? last > a || (last == a && called) : last < a || (last == a && called); }
  std::string shown() const { return schema == "public" ? name : schema + "." + name; }
};

constexpr const char* kSequences = R"(
SELECT n.nspname, c.relname, s.seqincrement, s.seqmin, s.seqmax, coalesce(o.nspname, ''), coalesce(t.relname, ''),
  coalesce(a.attname, '')
FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_catalog.pg_namespace o ON o.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE c.relpersistence <> 't' ORDER BY 1, 2)";

Result<std::vector<Sequence>> sequences_on(Connection& connection) {
  std::vector<Sequence> out;
  const Rows rows = TRY(connection.query(kSequences));
  for (int row = 0; row < rows.count(); ++row) {
    Sequence sequence{.schema = rows.text(row, 0), .name = rows.text(row, 1)};
    sequence.increment = rows.integer(row, 2);
    sequence.lowest = rows.integer(row, 3);
    sequence.highest = rows.integer(row, 4);
    if (!rows.text(row, 6).empty()) {
      sequence.owner_table = sql_name(rows.text(row, 5), rows.text(row, 6));
      sequence.owner_column = sql_name(rows.text(row, 7));
      sequence.owner = sequence.owner_table + "." + sequence.owner_column;
    }
    const Rows now =
        TRY(connection.query("SELECT last_value, is_called FROM " + sql_name(sequence.schema, sequence.name)));
    sequence.last = now.integer(0, 0);
    sequence.called = now.flag(0, 1);
    out.push_back(std::move(sequence));
  }
  return out;
}

/// The furthest value in the column that the sequence feeds.
Result<std::optional<int64_t>> furthest_id(Connection& connection, const Sequence& sequence) {
  std::optional<int64_t> id;
  if (sequence.owner.empty()) return id;
  const Rows rows = TRY(connection.query(std::string("SELECT pg_catalog.") + (sequence.up() ? "max" : "min") + "(" +
                                         sequence.owner_column + ")::pg_catalog.text FROM " + sequence.owner_table +
                                         " WHERE " + sequence.owner_column + " BETWEEN " +
                                         std::to_string(sequence.lowest) + " AND " + std::to_string(sequence.highest)));
  if (!rows.is_null(0, 0)) id = rows.integer(0, 0);
  return id;
}

}  // namespace

Result<Json> raise_sequences(Connection& live, Connection& target) {
  Json raised = Json::object();
  const auto there = TRY(sequences_on(live).with_context("the live database's sequences"));
  for (Sequence& sequence : TRY(sequences_on(target).with_context("the new database's sequences"))) {
    const Sequence before = sequence;
    const auto take = [&](int64_t value, bool called) {
      value = std::clamp(value, sequence.lowest, sequence.highest);
      const bool further = sequence.up() ? value > sequence.last : value < sequence.last;
      if (further) {
        sequence.last = value;
        sequence.called = called;
      } else if (value == sequence.last) {
        sequence.called = sequence.called || called;
      }
    };
    for (const Sequence& other : there) {
      const bool same_name = other.schema == sequence.schema && other.name == sequence.name;
      if (!same_name && (other.owner.empty() || other.owner != sequence.owner)) continue;
      if (other.up() == sequence.up()) take(other.last, other.called);
    }
    if (const auto id = TRY(furthest_id(target, sequence)); id && !sequence.passed(*id)) take(*id, true);
    if (sequence.last == before.last && sequence.called == before.called) continue;
    TRY(target.query("SELECT pg_catalog.setval(" + sql_text(sql_name(sequence.schema, sequence.name)) +
                         "::pg_catalog.regclass, $1::pg_catalog.int8, $2::pg_catalog.bool)",
                     {std::to_string(sequence.last), sequence.called ? "true" : "false"}));
    raised[sequence.shown()] = sequence.last;
  }
  return raised;
}

}  // namespace backout::postgresql
