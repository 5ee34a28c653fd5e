// The text of CREATE statements, read far enough to see what no catalogue shows: CHECK constraints, ON CONFLICT
// clauses, expressions of generated columns. Pure. Not a parser of SQL: what it does not understand stays text that can
// be compared.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace backout::schema {

struct Token {
  std::string text;     // words in lowercase, quoted names without their quotes, strings with them
  bool quoted = false;  // "x", [x] or `x`: a name even where the word is a keyword
  bool is_word(std::string_view keyword) const { return !quoted && text == keyword; }
};

/// Without white space and comments. An unfinished string or comment ends at the end of the text.
std::vector<Token> tokens(std::string_view sql);

/// Equal for statements that differ only in white space, comments, case of words and style of quoting names.
std::string normalised(std::string_view sql);

/// The body of a CREATE TABLE.
struct TableText {
  std::map<std::string, std::vector<Token>> columns;  // name in lowercase -> its definition after the name
  std::vector<std::string> constraints;               // table constraints, normalised, sorted, without CHECKs
  std::vector<std::string> checks;                    // expression of every CHECK, of columns and of the table, sorted
};
TableText table_text(std::string_view create_sql);

std::string text_of(const std::vector<Token>& list);
/// Is the keyword there outside of any parentheses?
bool has_word(const std::vector<Token>& list, std::string_view keyword);
/// `list` without its CHECK (...) parts and the CONSTRAINT names before them.
std::vector<Token> without_checks(const std::vector<Token>& list);

}  // namespace backout::schema
