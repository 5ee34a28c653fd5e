#include "database/archive/kind.h"

#include <algorithm>
#include <array>
#include <string>

namespace backout::archive {
namespace {

constexpr size_t kTarMagicAt = 257;  // POSIX.1-1988, ustar

std::string_view without_space(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

bool says(std::string_view text, std::string_view what) { return text.find(what) != std::string_view::npos; }

/// The words that a statement of a dump begins with.
constexpr std::array kStatements = {"PRAGMA", "BEGIN",  "CREATE", "INSERT", "SET",    "DROP",
                                    "ALTER",  "DELETE", "UPDATE", "COPY",   "SELECT", "ANALYZE"};

bool begins_with_statement(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') || (text[end] >= 'A' && text[end] <= 'Z'))) ++end;
  std::string word(text.substr(0, end));
  std::transform(word.begin(), word.end(), word.begin(), [](char c) { return c >= 'a' ? char(c - 'a' + 'A') : c; });
  return std::find(kStatements.begin(), kStatements.end(), word) != kStatements.end();
}

/// Text without the comments at its beginning.
std::string_view without_comments(std::string_view text) {
  text = without_space(text);
  while (text.starts_with("--") || text.starts_with("/*")) {
    const bool line = text.starts_with("--");
    const size_t end = text.find(line ? "\n" : "*/");
    if (end == std::string_view::npos) return {};
    text = without_space(text.substr(end + (line ? 1 : 2)));
  }
  return text;
}

}  // namespace

std::string_view name_of(Packing packing) {
  switch (packing) {
    case Packing::kNone: return "";
    case Packing::kGzip: return "gzip";
    case Packing::kZstd: return "zstd";
    case Packing::kOther: return "packed";
  }
  return "";
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kEmpty: return "empty";
    case Kind::kSqlite: return "SQLite file";
    case Kind::kSql: return "SQL text";
    case Kind::kPgSql: return "PostgreSQL dump (plain)";
    case Kind::kPgCustom: return "PostgreSQL dump (custom)";
    case Kind::kPgTar: return "PostgreSQL dump (tar)";
    case Kind::kPgDirectory: return "PostgreSQL dump (directory)";
    case Kind::kMysqlSql: return "MySQL dump";
    case Kind::kUnknown: return "unknown";
  }
  return "";
}

bool is_postgresql(Kind kind) {
  return kind == Kind::kPgSql || kind == Kind::kPgCustom || kind == Kind::kPgTar || kind == Kind::kPgDirectory;
}

Packing packing_of(std::string_view head) {
  if (head.starts_with("\x1f\x8b")) return Packing::kGzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return Packing::kZstd;
  if (head.starts_with("BZh") ||
      head.starts_with("\xfd"
                       "7zXZ") ||
      head.starts_with("PK\x03\x04"))
    return Packing::kOther;
  return Packing::kNone;
}

Kind kind_of(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("SQLite format 3\0"sv)) return Kind::kSqlite;
  if (head.starts_with("PGDMP")) return Kind::kPgCustom;
  if (head.size() > kTarMagicAt && head.substr(kTarMagicAt).starts_with("ustar"))
    return head.starts_with("toc.dat\0"sv) ? Kind::kPgTar : Kind::kUnknown;
  if (without_space(head).empty()) return Kind::kEmpty;
  if (head.find('\0') != std::string_view::npos) return Kind::kUnknown;
  const std::string_view statement = without_comments(head);
  if (says(head, "PostgreSQL database dump") || says(head, "PostgreSQL database cluster dump") ||
      statement.starts_with("\\restrict "))
    return Kind::kPgSql;
  if (says(head, "MySQL dump") || says(head, "MariaDB dump")) return Kind::kMysqlSql;
  return statement.empty() || begins_with_statement(statement) ? (statement.empty() ? Kind::kUnknown : Kind::kSql)
                                                               : Kind::kUnknown;
}

}  // namespace backout::archive
