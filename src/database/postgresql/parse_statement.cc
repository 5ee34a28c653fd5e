#include "database/postgresql/parse_statement.h"

#include <pg_query.h>

#include <memory>

#include "base/json.h"
#include "base/text.h"

namespace backout::postgresql {
namespace {

std::string table_name(const Json& range) {
  const std::string schema = get_string(range, "schemaname"), name = get_string(range, "relname");
  return schema.empty() ? name : schema + "." + name;
}

/// Walks the tree that the parser gives as JSON: one object a node, its kind as the only key.
class FactsWalker {
 public:
  explicit FactsWalker(StatementFacts& facts) : facts_(facts) {}

  void statement(const std::string& kind, const Json& node) {
    using Kind = StatementFacts::Kind;
    if (kind == "SelectStmt" || kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt" ||
        kind == "MergeStmt") {
      facts_.kind = Kind::kQuery;
      if (get(node, "intoClause").is_object()) facts_.kind = Kind::kOther;
    } else if (kind == "CopyStmt") {
      facts_.kind = Kind::kCopy;
    } else if (kind == "TruncateStmt") {
      facts_.kind = Kind::kTruncate;
    }
    facts_.star = has_star(get(node, "targetList")) || has_star(get(node, "returningList"));
    enter(kind, node);
    if (stars_ > plain_stars_) facts_.odd_star = true;
  }

 private:
  void walk(const Json& value) {
    if (value.is_array()) {
      for (const Json& item : value) walk(item);
    } else if (value.is_object()) {
      for (const auto& [key, inner] : value.items()) enter(key, inner);
    }
  }

  void enter(const std::string& kind, const Json& node) {
    if (kind == "InsertStmt") {
      insertion(node);
    } else if (kind == "UpdateStmt") {
      updated(table_name(get(node, "relation")), get(node, "targetList"));
    } else if (kind == "DeleteStmt") {
      facts_.writes = true;
      facts_.deletes.insert(table_name(get(node, "relation")));
    } else if (kind == "MergeStmt") {
      merge(node);
    } else if (kind == "TruncateStmt") {
      facts_.writes = true;
      for (const Json& each : get(node, "relations")) facts_.truncates.insert(table_name(get(each, "RangeVar")));
    } else if (kind == "CopyStmt") {
      copy(node);
    } else if (kind == "RangeVar" || kind == "relation") {
      if (const std::string table = table_name(node); !table.empty()) {
        facts_.tables.insert(table);
        facts_.subqueries = facts_.subqueries || !seen_.insert(table).second;
        const std::string alias = get_string(get(node, "alias"), "aliasname");
        facts_.aliases.insert(alias.empty() ? get_string(node, "relname") : alias);
      }
    } else if (kind == "RangeSubselect" || kind == "RangeFunction" || kind == "CommonTableExpr") {
      facts_.subqueries = true;
    } else if (kind == "JoinExpr") {
      facts_.natural_join = facts_.natural_join || get_bool(node, "isNatural");
    } else if (kind == "FuncCall") {
      facts_.calls = true;
    } else if (kind == "ResTarget") {
      if (is_star(get(get(node, "val"), "ColumnRef"))) ++plain_stars_;
    } else if (kind == "SelectStmt") {
      const bool set_operation = get_string(node, "op", "SETOP_NONE") != "SETOP_NONE";
      if ((get(node, "distinctClause").is_array() && has_star(get(node, "targetList"))) ||
          (set_operation &&
           (has_star(get(get(node, "larg"), "targetList")) || has_star(get(get(node, "rarg"), "targetList")))))
        facts_.odd_star = true;
    } else if (kind == "ColumnRef") {
      const Json& parts = get(node, "fields");
      if (is_star(node)) ++stars_;
      if (parts.is_array() && parts.size() == 1) facts_.names.insert(get_string(get(parts[0], "String"), "sval"));
    }
    walk(node);
  }

  void insertion(const Json& node) {
    facts_.writes = true;
    Insertion out{.table = table_name(get(node, "relation"))};
    for (const Json& column : get(node, "cols")) out.columns.push_back(get_string(get(column, "ResTarget"), "name"));
    const Json& lists = get(get(get(node, "selectStmt"), "SelectStmt"), "valuesLists");
    if (lists.is_array() && !lists.empty()) out.values = static_cast<int>(get(get(lists[0], "List"), "items").size());
    const Json& conflict = get(node, "onConflictClause");
    if (get_string(conflict, "action") == "ONCONFLICT_UPDATE") updated(out.table, get(conflict, "targetList"));
    facts_.insertions.push_back(std::move(out));
  }

  void updated(const std::string& table, const Json& targets) {
    facts_.writes = true;
    std::set<std::string> columns;
    for (const Json& column : targets) columns.insert(get_string(get(column, "ResTarget"), "name"));
    facts_.updates.emplace_back(table, std::move(columns));
  }

  void merge(const Json& node) {
    const std::string table = table_name(get(node, "relation"));
    for (const Json& each : get(node, "mergeWhenClauses")) {
      const Json& clause = get(each, "MergeWhenClause");
      const std::string command = get_string(clause, "commandType");
      if (command == "CMD_DELETE") facts_.deletes.insert(table);
      if (command == "CMD_UPDATE") updated(table, get(clause, "targetList"));
      if (command == "CMD_INSERT") {
        Insertion out{.table = table};
        for (const Json& column : get(clause, "targetList"))
          out.columns.push_back(get_string(get(column, "ResTarget"), "name"));
        facts_.insertions.push_back(std::move(out));
      }
    }
    facts_.writes = true;
  }

  void copy(const Json& node) {
    const std::string table = table_name(get(node, "relation"));
    if (table.empty()) return;  // COPY (query) TO: the query is walked
    const Json& columns = get(node, "attlist");
    if (!get_bool(node, "is_from")) {
      if (!columns.is_array()) facts_.copied_out.insert(table);
      return;
    }
    Insertion out{.table = table, .copy = true};
    for (const Json& column : columns) out.columns.push_back(get_string(get(column, "String"), "sval"));
    facts_.writes = true;
    facts_.insertions.push_back(std::move(out));
  }

  static bool is_star(const Json& column) {
    const Json& parts = get(column, "fields");
    return parts.is_array() && !parts.empty() && parts.back().contains("A_Star");
  }
  static bool has_star(const Json& targets) {
    return targets.is_array() && std::any_of(targets.begin(), targets.end(), [](const Json& each) {
             return is_star(get(get(get(each, "ResTarget"), "val"), "ColumnRef"));
           });
  }
  StatementFacts& facts_;
  std::set<std::string> seen_;
  int stars_ = 0, plain_stars_ = 0;  // plain: an item of a SELECT or RETURNING list
};

}  // namespace

Result<StatementFacts> parse_statement(const std::string& sql) {
  const std::unique_ptr<PgQueryParseResult, void (*)(PgQueryParseResult*)> parsed(
      new PgQueryParseResult(pg_query_parse(sql.c_str())), [](PgQueryParseResult* result) {
        pg_query_free_parse_result(*result);
        delete result;
      });
  if (parsed->error != nullptr)
    return Error{Code::kUnsupported, "the parser does not take it: " + one_line(parsed->error->message), ""};
  const Json tree = TRY(parse_json(parsed->parse_tree));
  const Json& statements = get(tree, "stmts");
  if (statements.size() != 1) return Error{Code::kUnsupported, "it is not one statement", ""};
  StatementFacts facts;
  for (const auto& [kind, node] : get(statements[0], "stmt").items()) FactsWalker(facts).statement(kind, node);
  return facts;
}

}  // namespace backout::postgresql
