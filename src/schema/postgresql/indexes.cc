#include "schema/postgresql/expression.h"
#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kIndexRules[] = {
    {"index-added", Fit::kYes, "", "it changes no result"},
    {"index-added-expression", Fit::kNo, "W", "its expression is computed for rows that the code writes, and may fail"},
    {"index-added-unique", Fit::kNo, "WX",
     "rows that the code writes can be refused (23505), or left out silently by ON CONFLICT DO NOTHING"},
    {"index-added-unique-on-new", Fit::kYes, "", "a new column in it is NULL in rows that the code writes"},
    {"index-unfinished", Fit::kYes, "", "its CREATE INDEX CONCURRENTLY failed early: it does nothing; drop it"},
    {"index-removed", Fit::kYes, "", "no result changes; statements that it served are slow until it is made again"},
    {"index-removed-unique", Fit::kNo, "WX1", "ON CONFLICT on its columns fails (42P10), and duplicates may be there"},
    {"index-changed", Fit::kYes, "", "no result changes; statements that it served may be slow"},
    {"index-changed-unique", Fit::kNo, "WX1",
     "ON CONFLICT on its old columns fails (42P10), and other rows are refused"},
    {"index-invalid", Fit::kNo, "WX", "ON CONFLICT cannot use it (42P10), and duplicates may be there"},
    {"index-renamed", Fit::kYes, "", "no statement names it"},
    {"index-renamed-unique", Fit::kNo, "X", "code that reads the name out of an error does not know it"},
};

const Index* index_under_another_name(const Index& index, const Table& there, const Table& wanted) {
  for (const Index& each : there.indexes)
    if (!each.of_constraint && each.definition == index.definition && each.unique == index.unique &&
        find_named(wanted.indexes, each.name) == nullptr)
      return &each;
  return nullptr;
}

void compare_index(const Index& was, const Index& is, const std::string& name, Findings& findings) {
  if (was.unique != is.unique) {
    findings.add(is.unique ? "index-added-unique" : "index-removed-unique", name, "was " + was.definition);
  } else if (was.definition != is.definition || was.nulls_not_distinct != is.nulls_not_distinct) {
    findings.add(is.unique ? "index-changed-unique" : "index-changed", name,
                 "was " + was.definition + ", is " + is.definition);
  }
  if (was.valid && !is.valid && is.unique) findings.add("index-invalid", name);
  if (!was.ready && is.ready && is.unique) findings.add("index-added-unique", name, "it was not in use");
}

void added_index(const Table& wanted, const Table& there, const Index& index, Findings& findings) {
  const std::string name = there.full_name() + "." + index.name;
  if (!index.valid && !index.ready) {
    findings.add("index-unfinished", name);
  } else if (index.unique) {
    const bool free = !index.nulls_not_distinct &&
                      std::any_of(index.columns.begin(), index.columns.end(), [&](const std::string& each) {
                        const Column* column = find_named(there.columns, each);
                        return column != nullptr && find_named(wanted.columns, each) == nullptr && !column->not_null &&
                               !column->default_text && column->generated.empty();
                      });
    findings.add(free ? "index-added-unique-on-new" : "index-added-unique", name,
                 index.valid ? index.definition : index.definition + ", INVALID, and enforced all the same");
  } else if (!cannot_fail(index.expressions, there.columns) || !cannot_fail(index.predicate, there.columns)) {
    findings.add("index-added-expression", name, index.definition);
  } else {
    findings.add("index-added", name, index.definition);
  }
}

void compare_all_indexes(const Sides& sides, Findings& findings) {
  for (const Table& table : sides.wanted.tables) {
    const Table* other = find(sides.there.tables, table.full_name());
    if (other == nullptr) continue;
    std::vector<const Index*> met;
    for (const Index& index : table.indexes) {
      if (index.of_constraint) continue;  // the constraint is compared
      const std::string name = table.full_name() + "." + index.name;
      if (const Index* same = find_named(other->indexes, index.name)) {
        met.push_back(same);
        compare_index(index, *same, name, findings);
      } else if (const Index* renamed = index_under_another_name(index, *other, table)) {
        met.push_back(renamed);
        findings.add(index.unique ? "index-renamed-unique" : "index-renamed", name, "now " + renamed->name);
      } else {
        findings.add(index.unique ? "index-removed-unique" : "index-removed", name, index.definition);
      }
    }
    for (const Index& index : other->indexes)
      if (!index.of_constraint && std::find(met.begin(), met.end(), &index) == met.end())
        added_index(table, *other, index, findings);
  }
}

}  // namespace

const Family kIndexes{"indexes", kIndexRules, &compare_all_indexes};

}  // namespace backout::schema::postgresql
