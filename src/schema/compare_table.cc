#include "schema/compare_table.h"

#include "base/text.h"
#include "schema/sql_text.h"

namespace backout::schema {
namespace {

/// One comparison of two tables: gathers findings, remembers which columns have been spoken about.
class TableComparison {
 public:
  TableComparison(const Table& wanted, const Table& there, std::vector<Finding>& findings)
      : wanted_(wanted),
        there_(there),
        findings_(findings),
        wanted_text_(table_text(wanted.sql)),
        there_text_(table_text(there.sql)) {}

  void run() {
    if (wanted_.kind != there_.kind || wanted_.without_rowid != there_.without_rowid ||
        wanted_.strict != there_.strict) {
      add("table-kind", false, "",
          "it is another kind of table now (virtual, WITHOUT ROWID or STRICT): rowids and types behave differently");
    }
    if (wanted_.kind != TableKind::kTable) {
      if (normalised(wanted_.sql) != normalised(there_.sql))
        add("table-definition", false, "", "its definition is not the same");
      return;
    }
    if (wanted_.autoincrement != there_.autoincrement)
      add("autoincrement", false, "", "ids of deleted rows are reused, or no longer are");
    old_columns();
    order_of_columns();
    new_columns();
    checks();
    indexes();
    foreign_keys();
    constraints();
  }

 private:
  void add(std::string rule, bool fits, const std::string& part, std::string breaks) {
    findings_.push_back(
        {std::move(rule), fits, part.empty() ? wanted_.name : wanted_.name + "." + part, std::move(breaks)});
  }
  void add_column(std::string rule, const Column& column, std::string breaks) {
    spoken_.insert(lowered(column.name));
    add(std::move(rule), false, column.name, std::move(breaks));
  }

  void old_columns() {
    for (const auto& column : wanted_.columns) {
      const Column* other = find_column(there_, column.name);
      if (other == nullptr) {
        const std::string successor = renamed_to(column);
        add_column("column-removed", column,
                   "statements that name it fail: no such column" +
                       (successor.empty() ? "" : " (renamed to " + successor + "?)"));
        continue;
      }
      if (lowered(column.type) != lowered(other->type))
        add_column("column-type", column,
                   "declared " + named(column.type) + ", now " + named(other->type) +
                       ": values are stored and compared in another way");
      if (!column.not_null && other->not_null)
        add_column("column-not-null", column, "writing NULL, or leaving it out, is refused now");
      if (column.not_null && !other->not_null)
        add_column("column-nullable", column, "it may hold NULLs now that the code does not expect");
      if (column.default_text != other->default_text)
        add_column("column-default", column, "INSERTs that leave it out get another value, or fail");
      if (column.key_position != other->key_position)
        add_column("column-key", column, "the primary key is not the same");
      if (column.generated != other->generated)
        add_column("column-generated", column, "it is computed now, or no longer is: writing it fails or is needed");
      if (!same_name(column.collation, other->collation))
        add_column("column-collation", column, "it sorts and compares in another way");
      same_text(column);
    }
  }

  /// What the catalogue does not show: ON CONFLICT, the expression of a generated column. CHECKs have a rule of their
  /// own.
  void same_text(const Column& column) {
    const std::string name = lowered(column.name);
    if (spoken_.contains(name)) return;
    const auto before = wanted_text_.columns.find(name), now = there_text_.columns.find(name);
    if (before == wanted_text_.columns.end() || now == there_text_.columns.end()) return;
    if (text_of(without_checks(before->second)) != text_of(without_checks(now->second)))
      add_column("column-definition", column, "its definition is not the same");
  }

  std::string renamed_to(const Column& column) const {
    std::string candidate;
    for (const auto& other : there_.columns) {
      if (find_column(wanted_, other.name) != nullptr || lowered(other.type) != lowered(column.type)) continue;
      if (!candidate.empty()) return "";
      candidate = other.name;
    }
    return candidate;
  }

  void order_of_columns() {
    std::vector<std::string> before, now;
    bool added_in_between = false, seen_new = false;
    for (const auto& column : there_.columns) {
      if (find_column(wanted_, column.name) == nullptr) {
        seen_new = true;
      } else {
        now.push_back(lowered(column.name));
        added_in_between = added_in_between || seen_new;
      }
    }
    for (const auto& column : wanted_.columns)
      if (find_column(there_, column.name) != nullptr) before.push_back(lowered(column.name));
    if (before != now || added_in_between)
      add("column-order", false, "",
          "SELECT * and INSERT without a column list put values into other columns than the code means");
  }

  void new_columns() {
    for (const auto& column : there_.columns) {
      if (find_column(wanted_, column.name) != nullptr) continue;
      spoken_.insert(lowered(column.name));
      const auto text = there_text_.columns.find(lowered(column.name));
      const std::vector<Token> definition = text == there_text_.columns.end() ? std::vector<Token>() : text->second;
      if (column.generated != Generated::kNo) {
        add("column-added-generated", false, column.name,
            "its expression is computed for rows that the code writes, and may refuse them");
      } else if (column.key_position != 0) {
        add("column-added-key", false, column.name, "it is part of the primary key");
      } else if (column.not_null && (!column.default_text || lowered(*column.default_text) == "null")) {
        add("column-added-not-null", false, column.name,
            "INSERTs by the code do not give it a value and are refused: NOT NULL without default");
      } else if (has_word(definition, "check") || has_word(definition, "unique") ||
                 has_word(definition, "references")) {
        add("column-added-constrained", false, column.name, "it has a constraint that writes by the code can violate");
      } else {
        add("column-added", true, column.name,
            "statements that name their columns do not see it; INSERT without a column list would fail, SELECT * gets "
            "one more value at the end");
      }
    }
  }

  void checks() {
    for (const auto& check : missing_in(there_text_.checks, wanted_text_.checks)) {
      const bool of_new_column = std::any_of(there_.columns.begin(), there_.columns.end(), [&](const Column& column) {
        if (find_column(wanted_, column.name) != nullptr) return false;
        const auto text = there_text_.columns.find(lowered(column.name));
        return text != there_text_.columns.end() && text_of(text->second).find(check) != std::string::npos;
      });
      if (!of_new_column)
        add("check-added", false, "", "CHECK " + shortened(check, 80) + " can refuse rows that the code writes");
    }
    for (const auto& check : missing_in(wanted_text_.checks, there_text_.checks))
      add("check-removed", false, "",
          "CHECK " + shortened(check, 80) + " is gone: rows may be there that the code does not expect");
  }

  static std::vector<std::string> missing_in(const std::vector<std::string>& from, const std::vector<std::string>& in) {
    std::vector<std::string> out;
    std::set_difference(from.begin(), from.end(), in.begin(), in.end(), std::back_inserter(out));
    return out;
  }

  void indexes() {
    for (const auto& index : wanted_.indexes) {
      if (find_index(there_, index) != nullptr) continue;
      if (index.unique) {
        add("unique-removed", false, index.name, "duplicates may be there now, and ON CONFLICT on its columns fails");
      } else {
        add("index-removed", false, index.name, "statements of the code become slow; INDEXED BY fails");
      }
    }
    for (const auto& index : there_.indexes) {
      if (find_index(wanted_, index) != nullptr) continue;
      const bool expression = std::any_of(index.parts.begin(), index.parts.end(),
                                          [](const IndexPart& part) { return part.column.empty(); });
      if (index.unique) {
        add("unique-added", false, index.name, "rows that the code writes can be refused as duplicates");
      } else if (expression) {
        add("index-added-expression", false, index.name,
            "its expression is computed for rows that the code writes, and may refuse them");
      } else {
        add("index-added", true, index.name, "it changes no result");
      }
    }
  }

  /// Indexes that constraints made have made-up names: those are matched by what they are.
  static const Index* find_index(const Table& table, const Index& wanted) {
    for (const auto& index : table.indexes) {
      if (index.unique != wanted.unique || index.partial != wanted.partial || index.parts != wanted.parts) continue;
      if (wanted.origin == "c" && index.origin == "c" && !same_name(index.name, wanted.name)) continue;
      if ((index.origin == "c") != (wanted.origin == "c")) continue;
      if (wanted.origin == "c" && normalised(index.sql) != normalised(wanted.sql)) continue;
      return &index;
    }
    return nullptr;
  }

  void foreign_keys() {
    const auto has = [](const Table& table, const ForeignKey& key) {
      return std::find(table.foreign_keys.begin(), table.foreign_keys.end(), key) != table.foreign_keys.end();
    };
    for (const auto& key : there_.foreign_keys) {
      if (has(wanted_, key)) continue;
      const bool of_new_column = std::any_of(key.from.begin(), key.from.end(), [&](const std::string& name) {
        return find_column(wanted_, name) == nullptr;
      });
      if (of_new_column) continue;  // said as column-added-constrained
      add("reference-added", false, join(key.from, "+"),
          "rows whose " + key.parent + " does not exist are refused, and deletes there");
    }
    for (const auto& key : wanted_.foreign_keys) {
      if (has(there_, key)) continue;
      for (const auto& name : key.from) spoken_.insert(lowered(name));
      add("reference-removed", false, join(key.from, "+"),
          "rows may be there whose " + key.parent + " does not exist, and nothing cascades");
    }
  }

  void constraints() {
    if (wanted_text_.constraints == there_text_.constraints) return;
    const bool said = std::any_of(findings_.begin(), findings_.end(), [&](const Finding& finding) {
      return !finding.fits && (finding.object == wanted_.name || finding.object.starts_with(wanted_.name + "."));
    });
    if (!said) add("table-definition", false, "", "its constraints are not the same");
  }

  static std::string named(const std::string& type) { return type.empty() ? "without type" : type; }

  const Table& wanted_;
  const Table& there_;
  std::vector<Finding>& findings_;
  TableText wanted_text_, there_text_;
  std::set<std::string> spoken_;
};

}  // namespace

void compare_table(const Table& wanted, const Table& there, std::vector<Finding>& findings) {
  TableComparison(wanted, there, findings).run();
}

}  // namespace backout::schema
