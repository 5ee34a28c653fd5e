#include "database/postgresql/statements.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr int kMostStatements = 20000;

Statements none(const std::string& why) {
  Statements out;
  out.why_none = why;
  return out;
}

std::string first_word(std::string_view sql) {
  for (;;) {
    sql = trimmed(sql);
    if (sql.starts_with("(")) {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--")) {
      const size_t end = sql.find('\n');
      if (end == std::string_view::npos) return "";
      sql.remove_prefix(end);
    } else if (sql.starts_with("/*")) {
      const size_t end = sql.find("*/", 2);
      if (end == std::string_view::npos) return "";
      sql.remove_prefix(end + 2);
    } else {
      break;
    }
  }
  std::string word;
  for (const char c : sql) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) break;
    word += static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
  }
  return word;
}

}  // namespace

bool is_evidence(std::string_view sql) {
  static constexpr std::array<std::string_view, 10> kWords{"SELECT", "INSERT", "UPDATE",   "DELETE", "MERGE",
                                                           "WITH",   "VALUES", "TRUNCATE", "COPY",   "TABLE"};
  return std::find(kWords.begin(), kWords.end(), first_word(sql)) != kWords.end();
}

Result<Statements> read_statements(Connection& connection) {
  const std::string schema = TRY(connection.text(
      "SELECT e.extnamespace::regnamespace FROM pg_extension e WHERE e.extname = 'pg_stat_statements'"));
  if (schema.empty()) return none("pg_stat_statements is not installed in this database");
  const auto rows = connection.query(
      "SELECT s.query FROM " + schema +
      ".pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database() AND s.toplevel "
      // Ours are not the code's, unless both go by the same role.
      "AND (s.userid <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user) OR NOT EXISTS (SELECT FROM " +
      schema +
      ".pg_stat_statements o JOIN pg_database od ON od.oid = o.dbid WHERE od.datname = current_database() AND o.userid "
      "<> "
      "(SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user))) "
      "ORDER BY s.calls DESC, s.query COLLATE \"C\" LIMIT " +
      std::to_string(kMostStatements));
  if (!rows) return none("pg_stat_statements cannot be read: " + rows.error().message);
  Statements out;
  out.source = "pg_stat_statements";
  for (int i = 0; i < rows->count(); ++i)
    if (is_evidence(rows->view(i, 0)) && rows->view(i, 0).find('\0') == std::string_view::npos)
      out.texts.push_back(rows->text(i, 0));
  std::sort(out.texts.begin(), out.texts.end());
  out.texts.erase(std::unique(out.texts.begin(), out.texts.end()), out.texts.end());
  if (out.texts.empty()) out.why_none = "pg_stat_statements holds no statement of this database";
  const std::string path = TRY(connection.text(
      "SELECT substr(c, length('search_path=') + 1) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = "
      "s.setdatabase, unnest(s.setconfig) c WHERE d.datname = current_database() AND c LIKE 'search\\_path=%' ORDER BY "
      "s.setrole LIMIT 1"));
  if (!path.empty()) out.search_path = path;
  return out;
}

Result<Statements> statements_from_file(const std::string& name, std::string_view text) {
  Statements out;
  out.source = name;
  for (const auto& line : split(text, '\n')) {
    std::string sql(trimmed(line));
    while (sql.ends_with(';')) sql = std::string(trimmed(std::string_view(sql).substr(0, sql.size() - 1)));
    if (sql.empty() || sql.starts_with("--") || sql.starts_with("#")) continue;
    if (sql.find('\0') == std::string::npos && is_evidence(sql)) out.texts.push_back(std::move(sql));
  }
  if (out.texts.empty())
    return Error{Code::kInvalid, name + " has no statement that reads or changes rows",
                 "give one statement a line, as the application sends it: SELECT ... WHERE id = $1"};
  return out;
}

Json to_json(const Statements& statements) {
  return {{"texts", statements.texts},
          {"source", statements.source},
          {"why_none", statements.why_none},
          {"search_path", statements.search_path}};
}

Result<Statements> statements_from_json(const Json& value) {
  Statements out;
  if (!value.is_object() || !get(value, "texts").is_array())
    return Error{Code::kCorrupt, "these are not recorded statements", "take a new checkpoint: backout checkpoint"};
  for (const Json& text : get(value, "texts")) {
    if (!text.is_string()) return Error{Code::kCorrupt, "a recorded statement is no text", ""};
    out.texts.push_back(text.get<std::string>());
  }
  out.source = get_string(value, "source");
  out.why_none = get_string(value, "why_none");
  out.search_path = get_string(value, "search_path", out.search_path);
  return out;
}

}  // namespace backout::postgresql
