#include "base/text.h"
#include "schema/postgresql/expression.h"
#include "schema/postgresql/references.h"
#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kConstraintRules[] = {
    {"check-added", Fit::kNo, "W",
     "rows that the code writes can be refused (23514), old rows when it updates them, too"},
    {"check-added-on-new", Fit::kYes, "", "it is about new columns only, which are NULL in rows that the code writes"},
    {"check-removed", Fit::kNo, "X1", "what the code relied on is no longer refused, and may be there"},
    {"check-changed", Fit::kNo, "WX1", "other rows are refused (23514)"},
    {"constraint-validated", Fit::kYes, "", "it held for new rows before"},
    {"constraint-not-validated", Fit::kNo, "X", "rows may be there that it would refuse"},
    {"unique-added", Fit::kNo, "WX",
     "rows that the code writes can be refused (23505), or left out silently by ON CONFLICT DO NOTHING"},
    {"unique-added-on-new", Fit::kYes, "", "a new column in it is NULL or numbered in rows that the code writes"},
    {"unique-removed", Fit::kNo, "WX1", "ON CONFLICT on its columns fails (42P10), and duplicates may be there"},
    {"unique-changed", Fit::kNo, "WX1", "ON CONFLICT on its old columns fails (42P10), and other rows are refused"},
    {"exclude-added", Fit::kNo, "W", "rows that the code writes can be refused (23P01)"},
    {"exclude-removed", Fit::kNo, "X1", "what the code relied on is no longer refused, and may be there"},
    {"exclude-changed", Fit::kNo, "WX1", "other rows are refused (23P01)"},
    {"reference-added", Fit::kNo, "WX", "rows whose parent is missing are refused (23503), and deletes of parents"},
    {"reference-added-on-new", Fit::kYes, "", "a new column in it is NULL in rows that the code writes"},
    {"reference-restricts", Fit::kNo, "W", "deletes of parents by the code can be refused (23503)"},
    {"reference-cascades", Fit::kNo, "X", "deletes of parents by the code delete rows here, silently"},
    {"reference-removed", Fit::kNo, "X1", "rows may be there whose parent is missing, and nothing cascades"},
    {"reference-changed", Fit::kNo, "WX", "deletes and updates of parents do something else here"},
    {"constraint-deferrable", Fit::kNo, "WX",
     "violations are told at another moment; ON CONFLICT cannot use a key that is deferrable (55000)"},
    {"constraint-renamed", Fit::kNo, "WX",
     "ON CONFLICT ON CONSTRAINT fails (42704), and code that reads the name out of an error does not know it"},
    {"constraint-trigger-added", Fit::kNo, "WX", "it runs on writes by the code, and may refuse them"},
    {"constraint-trigger-removed", Fit::kNo, "X", "what it checked is no longer checked"},
};

/// One pair of tables.
class ConstraintComparison {
 public:
  ConstraintComparison(const Sides& sides, const Table& wanted, const Table& there, Findings& findings)
      : sides_(sides), wanted_(wanted), there_(there), findings_(findings) {
    for (const Column& column : there.columns)
      if (find_named(wanted.columns, column.name) == nullptr) new_columns_.push_back(column);
  }

  void run() {
    std::vector<const Constraint*> met;
    for (const Constraint& constraint : wanted_.constraints) {
      if (const Constraint* other = find_named(there_.constraints, constraint.name);
          other != nullptr && other->type == constraint.type) {
        met.push_back(other);
        both(constraint, *other);
      } else if (const Constraint* same = under_another_name(constraint)) {
        met.push_back(same);
        findings_.add("constraint-renamed", name_of(constraint), "now " + same->name);
      } else {
        removed(constraint);
      }
    }
    for (const Constraint& constraint : there_.constraints)
      if (std::find(met.begin(), met.end(), &constraint) == met.end()) added(constraint);
  }

 private:
  std::string name_of(const Constraint& constraint) const { return wanted_.full_name() + "." + constraint.name; }
  static std::string word(const Constraint& constraint) {
    if (constraint.type == "foreign key") return "reference";
    if (constraint.type == "primary key") return "unique";
    return constraint.type == "trigger" ? "constraint-trigger" : constraint.type;
  }

  const Constraint* under_another_name(const Constraint& constraint) const {
    for (const Constraint& each : there_.constraints)
      if (each.type == constraint.type && each.definition == constraint.definition &&
          find_named(wanted_.constraints, each.name) == nullptr)
        return &each;
    return nullptr;
  }

  void both(const Constraint& was, const Constraint& is) {
    if (was.definition != is.definition) {
      if (was.type == "trigger") return;  // a trigger's rule tells
      // The server prints new names of columns in it: that is their rename, not another constraint.
      const bool renamed = std::any_of(was.columns.begin(), was.columns.end(), [&](const std::string& column) {
        return find_named(there_.columns, column) == nullptr;
      });
      if (!renamed)
        findings_.add(word(was) + "-changed", name_of(was), "was " + was.definition + ", is " + is.definition);
    }
    if (was.deferrable != is.deferrable || was.deferred != is.deferred)
      findings_.add("constraint-deferrable", name_of(was));
    if (was.validated != is.validated)
      findings_.add(is.validated ? "constraint-validated" : "constraint-not-validated", name_of(was));
  }

  void removed(const Constraint& constraint) {
    findings_.add(word(constraint) + "-removed", name_of(constraint), constraint.definition);
  }

  void added(const Constraint& constraint) {
    const std::string name = there_.full_name() + "." + constraint.name;
    if (constraint.type == "check") {
      added_check(constraint, name);
    } else if (constraint.type == "foreign key") {
      added_reference(constraint, name);
    } else if ((constraint.type == "unique" || constraint.type == "primary key") && frees(constraint)) {
      findings_.add("unique-added-on-new", name, constraint.definition);
    } else {
      findings_.add(word(constraint) + "-added", name, constraint.definition);
    }
  }

  static bool is_null_by_default(const Column& column) {
    return !column.not_null && column.identity.empty() && column.generated.empty() &&
           (!column.default_text || is_null_constant(*column.default_text));
  }
  static bool is_numbered(const Column& column) {
    return !column.identity.empty() || (column.default_text && (!sequence_of(*column.default_text).empty() ||
                                                                *column.default_text == "gen_random_uuid()"));
  }
  /// One of its columns is new, and never the same twice in rows that the code writes.
  bool frees(const Constraint& constraint) const {
    const bool nulls_equal = constraint.definition.find("NULLS NOT DISTINCT") != std::string::npos;
    return std::any_of(constraint.columns.begin(), constraint.columns.end(), [&](const std::string& each) {
      const Column* column = find_named(new_columns_, each);
      return column != nullptr && (is_numbered(*column) || (is_null_by_default(*column) && !nulls_equal));
    });
  }

  void added_check(const Constraint& constraint, const std::string& name) {
    std::vector<std::string> values;
    bool of_new = !constraint.columns.empty(), null = true;
    for (const auto& each : constraint.columns) {
      const Column* column = find_named(new_columns_, each);
      if (column == nullptr || !column->generated.empty() || !column->identity.empty()) {
        of_new = false;
        break;
      }
      null = null && is_null_by_default(*column);
      const std::string value = column->default_text.value_or("NULL");
      of_new = of_new && is_constant(value);
      values.push_back("CAST(" + value + " AS " + column->type + ") AS \"" + replaced(each, "\"", "\"\"") + "\"");
    }
    if (of_new && null && holds_for_null(constraint.expression, new_columns_)) {
      findings_.add("check-added-on-new", name, constraint.definition);
      return;
    }
    Finding& finding = findings_.add("check-added", name, constraint.definition);
    if (of_new && !calls_users_code(constraint.expression))
      finding.question = Question{.kind = Question::Kind::kProbe,
                                  .probe = "SELECT 1 FROM (SELECT " + join(values, ", ") + ") AS new_columns WHERE (" +
                                           constraint.expression + ") IS FALSE"};
  }

  void added_reference(const Constraint& key, const std::string& name) {
    const bool null = std::any_of(key.columns.begin(), key.columns.end(), [&](const std::string& each) {
      const Column* column = find_named(new_columns_, each);
      return column != nullptr && is_null_by_default(*column);
    });
    if (!null || key.definition.find("MATCH FULL") != std::string::npos) {
      findings_.add("reference-added", name, key.definition);
    } else if (find(sides_.wanted.tables, key.parent) == nullptr) {
      findings_.add("reference-added-on-new", name, key.definition);
    } else if (key.on_delete == "cascade") {
      findings_.add("reference-cascades", name, key.definition);
    } else if (References::refuses_deletes(key)) {
      findings_.add("reference-restricts", name, key.definition).question =
          References(sides_.there).question(Question::Kind::kDeletes, there_, {&key});
    } else {
      findings_.add("reference-added-on-new", name, key.definition).question =
          References(sides_.there).question(Question::Kind::kKeyChanges, there_, {&key});
    }
  }

  const Sides& sides_;
  const Table& wanted_;
  const Table& there_;
  Findings& findings_;
  std::vector<Column> new_columns_;
};

void compare_all_constraints(const Sides& sides, Findings& findings) {
  for (const Table& table : sides.wanted.tables)
    if (const Table* other = find(sides.there.tables, table.full_name()))
      ConstraintComparison(sides, table, *other, findings).run();
}

}  // namespace

const Family kConstraints{"constraints", kConstraintRules, &compare_all_constraints};

}  // namespace backout::schema::postgresql
