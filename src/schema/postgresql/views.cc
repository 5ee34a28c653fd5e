#include "base/text.h"
#include "schema/postgresql/rules.h"
#include "schema/postgresql/types.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kViewRules[] = {
    {"view-added", Fit::kYes, "", "the code does not know it"},
    {"view-removed", Fit::kNo, "RW", "statements that read it fail (42P01)"},
    {"view-kind", Fit::kNo, "RWU", "it is another kind of relation, in which not every statement works"},
    {"view-column-added", Fit::kYes, "L",
     "statements that name their columns do not see it; the code's own statements tell about the others"},
    {"view-column-removed", Fit::kNo, "R", "statements that name it fail (42703)"},
    {"view-column-order", Fit::kNo, "X", "SELECT * gives values in another order"},
    {"view-column-type", Fit::kNo, "RX", "values are compared and decoded in another way"},
    {"view-definition", Fit::kNo, "WXU", "it may show other rows, and may no longer be writable (55000)"},
    {"view-options", Fit::kNo, "RWX",
     "security_invoker, security_barrier or a check option is not the same: other rights and rows (42501, 44000)"},
    {"view-not-populated", Fit::kNo, "R", "reading it fails until it is refreshed (55000)"},
    {"rule-added", Fit::kNo, "X", "statements of the code are rewritten into others"},
    {"rule-removed", Fit::kNo, "X", "statements of the code are no longer rewritten"},
    {"rule-changed", Fit::kNo, "X", "statements of the code are rewritten in another way"},
};

void compare_view(const Table& was, const Table& is, Findings& findings) {
  const std::string name = was.full_name();
  size_t position = 0;
  bool same_order = true, columns_same = was.columns.size() == is.columns.size();
  for (const Column& column : was.columns) {
    const Column* other = find_named(is.columns, column.name);
    if (other == nullptr) {
      findings.add("view-column-removed", name + "." + column.name);
      columns_same = false;
      continue;
    }
    same_order = same_order && static_cast<size_t>(other - is.columns.data()) == position++;
    if (column.type != other->type) {
      const std::string_view rule = rule_of_types(column.type, other->type);
      columns_same = columns_same && rule == "type-widened";
      if (rule != "type-widened")
        findings.add("view-column-type", name + "." + column.name, "was " + column.type + ", is " + other->type);
    }
  }
  if (!same_order) findings.add("view-column-order", name);
  for (const Column& column : is.columns)
    if (find_named(was.columns, column.name) == nullptr)
      findings.add("view-column-added", name + "." + column.name).question = Question{Question::Kind::kReplay, {name}};
  if (was.definition != is.definition) findings.add("view-definition", name);
  if (was.options != is.options) findings.add("view-options", name);
  if (was.populated && !is.populated) findings.add("view-not-populated", name);
}

void compare_rules(const Table& was, const Table& is, Findings& findings) {
  for (const Rule& rule : was.rules) {
    const std::string name = was.full_name() + "." + rule.name;
    const Rule* other = find_named(is.rules, rule.name);
    if (other == nullptr) {
      findings.add("rule-removed", name);
    } else if (*other != rule) {
      findings.add("rule-changed", name);
    }
  }
  for (const Rule& rule : is.rules)
    if (find_named(was.rules, rule.name) == nullptr) findings.add("rule-added", is.full_name() + "." + rule.name);
}

void compare_all_views(const Sides& sides, Findings& findings) {
  for (const Table& table : sides.wanted.tables) {
    const Table* other = find(sides.there.tables, table.full_name());
    if (other != nullptr) compare_rules(table, *other, findings);
    if (!table.is_view()) continue;
    if (other == nullptr) {
      findings.add("view-removed", table.full_name());
    } else if (other->kind != table.kind) {
      findings.add("view-kind", table.full_name(), "was a " + table.kind + ", is a " + other->kind);
    } else {
      compare_view(table, *other, findings);
    }
  }
  for (const Table& table : sides.there.tables)
    if (table.is_view() && find(sides.wanted.tables, table.full_name()) == nullptr)
      findings.add("view-added", table.full_name());
}

}  // namespace

const Family kViews{"views", kViewRules, &compare_all_views};

}  // namespace backout::schema::postgresql
