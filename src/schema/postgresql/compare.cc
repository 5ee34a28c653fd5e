#include "schema/postgresql/compare.h"

#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

/// The same names in the same order with the same types: what is left of a table that was renamed elsewhere.
bool same_shape(const Table& a, const Table& b) {
  return a.kind == b.kind && !a.columns.empty() &&
         std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](const Column& x, const Column& y) { return x.name == y.name && x.type == y.type; });
}

/// In `list`, what `table` is now, or was, under another name.
const Table* under_another_name(const Sides& sides, const Table& table, const std::vector<Table>& list,
                                const std::vector<Table>& others) {
  const Table* candidate = nullptr;
  for (const Table& each : list) {
    if (find(others, each.full_name()) != nullptr) continue;
    if (sides.same_database()) {
      if (each.oid == table.oid) return &each;
    } else if (same_shape(each, table)) {
      if (candidate != nullptr) return nullptr;  // two: nobody can tell
      candidate = &each;
    }
  }
  return candidate;
}

}  // namespace

Finding& Findings::add(std::string_view rule, const std::string& object, const std::string& detail) {
  const auto text = std::find_if(rules_.begin(), rules_.end(), [&](const RuleText& each) { return each.name == rule; });
  BACKOUT_CHECK(text != rules_.end(), rule);
  std::string words(text->breaks);
  if (!detail.empty()) words = detail + ": " + words;
  into_.push_back({std::string(rule), text->fit == Fit::kYes, shown(object), words, Harms(text->harms), {}});
  return into_.back();
}

std::span<const Family> families() {
  static const std::vector<Family> all = {kTables,     kColumns,  kConstraints,    kIndexes,  kTypes,
                                          kSequences,  kViews,    kFunctions,      kTriggers, kPrivileges,
                                          kPartitions, kSettings, kMigratorFamily, kEvidence};
  return all;
}

const Table* counterpart(const Sides& sides, const Table& table) {
  if (const Table* same = find(sides.there.tables, table.full_name())) return same;
  return under_another_name(sides, table, sides.there.tables, sides.wanted.tables);
}

const Table* predecessor(const Sides& sides, const Table& table) {
  if (const Table* same = find(sides.wanted.tables, table.full_name())) return same;
  return under_another_name(sides, table, sides.wanted.tables, sides.there.tables);
}

const Column* counterpart(const Sides& sides, const Table& wanted, const Table& there, const Column& column) {
  if (const Column* same = find_named(there.columns, column.name)) return same;
  const Column* candidate = nullptr;
  for (const Column& each : there.columns) {
    if (find_named(wanted.columns, each.name) != nullptr) continue;
    if (sides.same_database() && wanted.oid == there.oid) {
      if (each.number == column.number) return &each;
    } else if (each.type == column.type && each.not_null == column.not_null) {
      if (candidate != nullptr) return nullptr;
      candidate = &each;
    }
  }
  return candidate;
}

std::string shown(const std::string& full_name) {
  return full_name.starts_with("public.") ? full_name.substr(7) : full_name;
}

Comparison compare(const Catalog& wanted, const Catalog& there) {
  const Sides sides{wanted, there};
  Comparison out;
  for (const Family& family : families()) {
    Findings findings(family.rules, out.findings);
    family.compare(sides, findings);
  }
  out.conclude();
  return out;
}

}  // namespace backout::schema::postgresql
