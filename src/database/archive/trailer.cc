#include "database/archive/trailer.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace backout::archive {
namespace {

/// What may stand behind the last line of pg_dump: comments, nothing, and since 2025 \unrestrict.
bool may_follow(std::string_view line) {
  line = trimmed(line);
  return line.empty() || line.starts_with("--") || line.starts_with("\\unrestrict ");
}

std::string fault_of_line_end(std::string_view tail, std::string_view last, std::string_view who) {
  const size_t at = tail.rfind(last);
  if (at == std::string_view::npos)
    return fmt::format("it is cut off: '{}', with which {} ends, is not there", last, who);
  const size_t line_end = tail.find('\n', at);
  if (line_end == std::string_view::npos) return "";
  for (const std::string& line : split(tail.substr(line_end + 1), '\n'))
    if (!may_follow(line))
      return fmt::format("after the end of the dump comes something else: '{}'", shortened(one_line(line), 60));
  return "";
}

/// Since 2025 pg_dump begins with \restrict KEY and ends with \unrestrict KEY.
std::string fault_of_restriction(std::string_view head, std::string_view tail) {
  static constexpr std::string_view kWord = "\n\\restrict ";
  const size_t at = head.find(kWord);
  if (at == std::string_view::npos) return "";
  const std::string_view key = head.substr(at + kWord.size(), head.find('\n', at + 1) - at - kWord.size());
  if (tail.find(fmt::format("\n\\unrestrict {}\n", key)) != std::string_view::npos) return "";
  return "it is cut off: '\\unrestrict', with which pg_dump ends, is not there";
}

/// As .dump of sqlite3 begins: a line of its own, whatever comments a script wrote before it.
bool begins_transaction(std::string_view head) {
  for (const std::string_view statement : {"\nCREATE ", "\nINSERT "}) head = head.substr(0, head.find(statement));
  for (const std::string_view begin : {"BEGIN TRANSACTION;", "BEGIN;", "BEGIN IMMEDIATE;", "BEGIN EXCLUSIVE;"})
    if (head.starts_with(begin) || head.find("\n" + std::string(begin)) != std::string_view::npos) return true;
  return false;
}

std::string fault_of_sql(std::string_view head, std::string_view tail) {
  std::string_view end = trimmed(tail);
  if (end.ends_with("ROLLBACK; -- due to errors")) return "the tool that wrote it met errors, and says so at its end";
  if (begins_transaction(head) && !end.ends_with("COMMIT;") && !end.ends_with("END;") &&
      !end.ends_with("END TRANSACTION;") && !end.ends_with("COMMIT TRANSACTION;"))
    return end.find("\nCOMMIT;") == std::string_view::npos ? "it is cut off: its transaction has no COMMIT"
                                                           : "after its COMMIT comes something else";
  const size_t line = end.rfind('\n');
  const std::string_view last = trimmed(line == std::string_view::npos ? end : end.substr(line + 1));
  if (last.starts_with("--") || last.ends_with("*/") || last.ends_with(';')) return "";
  return "it is cut off: its last statement has no end";
}

}  // namespace

bool marks_its_end(Kind kind, std::string_view head) { return kind != Kind::kSql || begins_transaction(head); }

std::string fault_of_end(Kind kind, std::string_view head, std::string_view tail) {
  switch (kind) {
    case Kind::kPgSql: {
      const bool cluster = head.find("PostgreSQL database cluster dump") != std::string_view::npos;
      std::string fault = fault_of_line_end(
          tail, cluster ? "-- PostgreSQL database cluster dump complete" : "-- PostgreSQL database dump complete",
          cluster ? "pg_dumpall" : "pg_dump");
      return fault.empty() && !cluster ? fault_of_restriction(head, tail) : fault;
    }
    case Kind::kMysqlSql: return fault_of_line_end(tail, "-- Dump completed", "mysqldump");
    case Kind::kSql: return fault_of_sql(head, tail);
    case Kind::kEmpty: return "there is nothing in it";
    case Kind::kUnknown: return "it is no archive of a database that is known here";
    case Kind::kSqlite:
    case Kind::kPgCustom:
    case Kind::kPgTar:
    case Kind::kPgDirectory: return "";
  }
  return "";
}

}  // namespace backout::archive
