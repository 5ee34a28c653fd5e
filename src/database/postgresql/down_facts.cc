#include "database/postgresql/down_facts.h"

#include <pg_query.h>

#include <memory>

#include "base/json.h"
#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr std::string_view kNotSql = "CANNOT BE WRITTEN AS SQL";  // Django, of a RunPython

std::string relation_name(const Json& range) {
  const std::string schema = get_string(range, "schemaname"), name = get_string(range, "relname");
  return schema.empty() ? name : schema + "." + name;
}

/// {"List": {"items": [{"String": {"sval": "public"}}, ...]}}
std::string name_in_list(const Json& object) {
  std::vector<std::string> parts;
  for (const Json& item : get(get(object, "List"), "items")) parts.push_back(get_string(get(item, "String"), "sval"));
  return join(parts, ".");
}

/// "varchar(20)", "numeric(8,2)", "pg_catalog.int4" as "int4".
std::string type_words(const Json& type) {
  std::vector<std::string> names;
  for (const Json& part : get(type, "names")) names.push_back(get_string(get(part, "String"), "sval"));
  if (names.size() > 1 && names.front() == "pg_catalog") names.erase(names.begin());
  std::string words = join(names, ".");
  std::vector<std::string> modifiers;
  for (const Json& each : get(type, "typmods"))
    modifiers.push_back(std::to_string(get_int(get(get(each, "A_Const"), "ival"), "ival")));
  if (!modifiers.empty() && words != "interval") words += "(" + join(modifiers, ",") + ")";
  if (!get(type, "arrayBounds").empty()) words += "[]";
  return words;
}

class Walk {
 public:
  explicit Walk(DownFacts& facts) : facts_(facts) {}

  void statement(const std::string& kind, const Json& node) {
    if (kind == "TransactionStmt") return;
    ++facts_.statements;
    if (kind == "DropStmt") return drop(node);
    if (kind == "AlterTableStmt") return alter(node);
    if (kind == "TruncateStmt") {
      for (const Json& each : get(node, "relations"))
        facts_.writes.push_back("TRUNCATE " + relation_name(get(each, "RangeVar")));
    } else if (kind == "UpdateStmt" || kind == "DeleteStmt" || kind == "InsertStmt" || kind == "MergeStmt") {
      facts_.writes.push_back(to_upper(kind.substr(0, kind.size() - 4)) + " " + relation_name(get(node, "relation")));
    } else if (kind == "CopyStmt") {
      if (get_bool(node, "is_from")) facts_.writes.push_back("COPY " + relation_name(get(node, "relation")));
    } else if (kind == "SelectStmt" || kind == "DoStmt" || kind == "CallStmt" || kind == "ExecuteStmt") {
      facts_.unknown.push_back(kind == "SelectStmt" ? "SELECT, which may call anything" : to_upper(kind.substr(0, 2)));
    } else if (kind == "DropdbStmt" || kind == "DropOwnedStmt" || kind == "DropRoleStmt") {
      facts_.unknown.push_back(kind);
    }
  }

 private:
  static std::string to_upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }

  void drop(const Json& node) {
    const std::string what = get_string(node, "removeType");
    for (const Json& object : get(node, "objects")) {
      if (what == "OBJECT_TABLE" || what == "OBJECT_FOREIGN_TABLE")
        facts_.taken.push_back({Taken::Kind::kTable, name_in_list(object), "", ""});
      else if (what == "OBJECT_SCHEMA" || what == "OBJECT_EXTENSION" || what == "OBJECT_TYPE" ||
               what == "OBJECT_DOMAIN")
        if (get_string(node, "behavior") == "DROP_CASCADE")
          facts_.unknown.push_back("DROP ... CASCADE of what holds rows");
    }
  }

  void alter(const Json& node) {
    const std::string table = relation_name(get(node, "relation"));
    for (const Json& each : get(node, "cmds")) {
      const Json& command = get(each, "AlterTableCmd");
      const std::string what = get_string(command, "subtype");
      const Json& column = get(get(command, "def"), "ColumnDef");
      if (what == "AT_DropColumn")
        facts_.taken.push_back({Taken::Kind::kColumn, table, get_string(command, "name"), ""});
      else if (what == "AT_AlterColumnType")
        facts_.taken.push_back(
            {Taken::Kind::kType, table, get_string(command, "name"), type_words(get(column, "typeName"))});
    }
  }

  DownFacts& facts_;
};

}  // namespace

DownFacts facts_of_down(const std::string& sql) {
  DownFacts facts;
  if (sql.find(kNotSql) != std::string::npos) facts.unknown.emplace_back("code that is not SQL");
  const std::unique_ptr<PgQueryParseResult, void (*)(PgQueryParseResult*)> parsed(
      new PgQueryParseResult(pg_query_parse(sql.c_str())), [](PgQueryParseResult* result) {
        pg_query_free_parse_result(*result);
        delete result;
      });
  const auto tree = parsed->error == nullptr ? parse_json(parsed->parse_tree) : Result<Json>(Json::object());
  if (parsed->error != nullptr || !tree) {
    facts.unknown.push_back("SQL that the parser does not take: " +
                            one_line(parsed->error == nullptr ? "" : parsed->error->message));
    return facts;
  }
  for (const Json& each : get(*tree, "stmts"))
    for (const auto& [kind, node] : get(each, "stmt").items()) Walk(facts).statement(kind, node);
  return facts;
}

}  // namespace backout::postgresql
