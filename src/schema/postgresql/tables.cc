#include "base/text.h"
#include "schema/postgresql/references.h"
#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kTableRules[] = {
    {"table-added", Fit::kYes, "", "the code does not know it and never touches it"},
    {"table-added-restricts", Fit::kNo, "W",
     "its rows point at tables of the code without ON DELETE CASCADE or SET NULL: deletes there can be refused"},
    {"table-added-shadows", Fit::kNo, "X", "its name is found before that of the code's own table of another schema"},
    {"table-removed", Fit::kNo, "RWD", "statements that name it fail (42P01), and its rows are gone"},
    {"table-renamed", Fit::kNo, "RW", "statements that name it fail (42P01)"},
    {"table-moved", Fit::kNo, "RW", "statements that name it fail (42P01) unless their search_path finds it"},
    {"table-recreated", Fit::kNo, "XD",
     "it is another table under the old name: its old rows are gone, or were copied"},
    {"table-kind", Fit::kNo, "RWU", "it is another kind of relation, in which not every statement works"},
    {"table-unlogged", Fit::kNo, "X", "its rows are lost in a crash and never reach a standby"},
    {"table-logged", Fit::kYes, "", "its rows survive a crash now"},
    {"table-owner", Fit::kNo, "RWX",
     "what only its owner may do is refused, and row security no longer spares the same role"},
    {"table-replica-identity", Fit::kYes, "", "statements work; consumers of logical replication see other old values"},
    {"inheritance-added", Fit::kNo, "X", "the parent's SELECT returns rows of a table that it did not"},
    {"inheritance-removed", Fit::kNo, "X", "the parent's SELECT no longer returns rows that it did"},
    {"schema-added", Fit::kYes, "", "the code does not know it"},
    {"schema-removed", Fit::kNo, "RW", "statements that name it fail (3F000)"},
    {"schema-owner", Fit::kNo, "W", "what only its owner may do is refused"},
};

/// The search_paths that sessions may have: the default, and those that were set.
std::vector<std::vector<std::string>> search_paths(const Catalog& catalog) {
  std::vector<std::vector<std::string>> out;
  for (const Role& role : catalog.whole.roles)
    if (role.login) out.push_back({role.name, "public"});
  for (const Setting& setting : catalog.whole.settings) {
    if (setting.name != "search_path") continue;
    out.emplace_back();
    for (const auto& part : split(setting.value, ','))
      out.back().push_back(replaced(std::string(trimmed(part)), "\"", ""));
  }
  return out;
}

/// The table of the code that is no longer found, because the new one is before it.
const Table* shadowed(const Sides& sides, const Table& added) {
  for (const Table& table : sides.wanted.tables) {
    if (table.name != added.name || table.schema == added.schema) continue;
    for (const auto& path : search_paths(sides.there)) {
      const auto mine = std::find(path.begin(), path.end(), added.schema);
      const auto its = std::find(path.begin(), path.end(), table.schema);
      if (mine < its && its != path.end()) return &table;
    }
  }
  return nullptr;
}

void compare_added(const Sides& sides, const Table& table, Findings& findings) {
  const References references(sides.there);
  std::vector<const Constraint*> refusing, all;
  std::vector<std::string> parents;
  for (const Constraint& key : table.constraints) {
    if (key.type != "foreign key" || find(sides.wanted.tables, key.parent) == nullptr) continue;
    all.push_back(&key);
    if (!References::refuses_deletes(key)) continue;
    refusing.push_back(&key);
    parents.push_back(shown(key.parent));
  }
  if (!refusing.empty()) {
    findings.add("table-added-restricts", table.full_name(), "points at " + join(parents, ", ")).question =
        references.question(Question::Kind::kDeletes, table, all);
  } else if (!all.empty()) {
    findings.add("table-added", table.full_name()).question =
        references.question(Question::Kind::kKeyChanges, table, all);
  } else {
    findings.add("table-added", table.full_name());
  }
}

void compare_pair(const Sides& sides, const Table& table, const Table& other, Findings& findings) {
  const std::string name = table.full_name();
  if (sides.same_database() && table.oid != other.oid) findings.add("table-recreated", name);
  if (table.kind != other.kind) findings.add("table-kind", name, "was a " + table.kind + ", is a " + other.kind);
  if (table.persistence != other.persistence)
    findings.add(other.persistence == "unlogged" ? "table-unlogged" : "table-logged", name);
  if (table.owner != other.owner) findings.add("table-owner", name, "owned by " + table.owner + ", now " + other.owner);
  if (table.replica_identity != other.replica_identity) findings.add("table-replica-identity", name);
  if (!table.partition_bound.empty() || !other.partition_bound.empty()) return;  // said by the partitions' rules
  for (const auto& parent : other.parents)
    if (std::find(table.parents.begin(), table.parents.end(), parent) == table.parents.end())
      findings.add("inheritance-added", parent, "child " + shown(name));
  for (const auto& parent : table.parents)
    if (std::find(other.parents.begin(), other.parents.end(), parent) == other.parents.end())
      findings.add("inheritance-removed", parent, "child " + shown(name));
}

void compare_all_tables(const Sides& sides, Findings& findings) {
  for (const Schema& schema : sides.wanted.schemas) {
    const Schema* other = find(sides.there.schemas, schema.name);
    if (other == nullptr) {
      findings.add("schema-removed", schema.name);
    } else if (other->owner != schema.owner) {
      findings.add("schema-owner", schema.name, "owned by " + schema.owner + ", now " + other->owner);
    }
  }
  for (const Schema& schema : sides.there.schemas)
    if (find(sides.wanted.schemas, schema.name) == nullptr) findings.add("schema-added", schema.name);
  for (const Table& table : sides.wanted.tables) {
    if (table.is_view()) continue;
    const Table* other = counterpart(sides, table);
    if (other == nullptr) {
      if (table.partition_bound.empty()) findings.add("table-removed", table.full_name());
    } else if (other->full_name() != table.full_name()) {
      findings.add(other->name == table.name ? "table-moved" : "table-renamed", table.full_name(),
                   "now " + shown(other->full_name()));
    } else {
      compare_pair(sides, table, *other, findings);
    }
  }
  for (const Table& table : sides.there.tables)
    if (predecessor(sides, table) == nullptr)
      if (const Table* other = shadowed(sides, table))
        findings.add("table-added-shadows", table.full_name(), "before " + shown(other->full_name()));
  for (const Table& table : sides.there.tables) {
    if (table.is_view() || predecessor(sides, table) != nullptr || !table.partition_bound.empty()) continue;
    compare_added(sides, table, findings);
    for (const auto& parent : table.parents)
      if (find(sides.wanted.tables, parent) != nullptr)
        findings.add("inheritance-added", parent, "child " + shown(table.full_name()));
  }
}

}  // namespace

const Family kTables{"tables", kTableRules, &compare_all_tables};

}  // namespace backout::schema::postgresql
