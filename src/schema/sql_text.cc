#include "schema/sql_text.h"

#include <algorithm>

#include "schema/snapshot.h"

namespace backout::schema {
namespace {

bool starts_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0; }
bool in_word(char c) { return starts_word(c) || (c >= '0' && c <= '9') || c == '$'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

/// Past the white space and comments that begin at `at`.
size_t past_blank(std::string_view sql, size_t at) {
  while (at < sql.size()) {
    if (is_space(sql[at])) {
      ++at;
    } else if (sql.substr(at, 2) == "--") {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (sql.substr(at, 2) == "/*") {
      const size_t end = sql.find("*/", at + 2);
      at = end == std::string_view::npos ? sql.size() : end + 2;
    } else {
      break;
    }
  }
  return at;
}

/// The quoted thing that begins at `at`; doubled closing quotes stand for one. Moves `at` past it.
std::string unquote(std::string_view sql, size_t& at, char close) {
  std::string text;
  for (++at; at < sql.size(); ++at) {
    if (sql[at] == close) {
      if (close != ']' && at + 1 < sql.size() && sql[at + 1] == close) {
        ++at;
      } else {
        ++at;
        break;
      }
    }
    text += sql[at];
  }
  return text;
}

/// One past the parenthesis that closes the one at `open`.
size_t past_parentheses(const std::vector<Token>& list, size_t open) {
  int depth = 0;
  for (size_t i = open; i < list.size(); ++i) {
    if (list[i].is_word("(")) ++depth;
    if (list[i].is_word(")") && --depth == 0) return i + 1;
  }
  return list.size();
}

void collect_checks(const std::vector<Token>& list, std::vector<std::string>& checks) {
  for (size_t i = 0; i + 1 < list.size(); ++i) {
    if (list[i].is_word("check") && list[i + 1].is_word("(")) {
      const size_t end = past_parentheses(list, i + 1);
      checks.push_back(text_of({list.begin() + static_cast<long>(i) + 1, list.begin() + static_cast<long>(end)}));
      i = end - 1;
    } else if (list[i].is_word("(")) {
      i = past_parentheses(list, i) - 1;
    }
  }
}

bool begins_constraint(const Token& token) {
  return token.is_word("constraint") || token.is_word("primary") || token.is_word("unique") || token.is_word("check") ||
         token.is_word("foreign");
}

}  // namespace

std::vector<Token> tokens(std::string_view sql) {
  std::vector<Token> list;
  for (size_t at = past_blank(sql, 0); at < sql.size(); at = past_blank(sql, at)) {
    const char c = sql[at];
    if (c == '"' || c == '`' || c == '[') {
      list.push_back({lowered(unquote(sql, at, c == '[' ? ']' : c)), true});
    } else if (c == '\'') {
      list.push_back({"'" + unquote(sql, at, '\'') + "'", false});
    } else if (in_word(c)) {
      const size_t begin = at;
      while (at < sql.size() && (in_word(sql[at]) || sql[at] == '.')) ++at;
      list.push_back({lowered(sql.substr(begin, at - begin)), false});
    } else {
      list.push_back({std::string(1, c), false});
      ++at;
    }
  }
  return list;
}

std::string text_of(const std::vector<Token>& list) {
  std::string text;
  for (const auto& token : list) {
    if (!text.empty()) text += ' ';
    text += token.text;
  }
  return text;
}

std::string normalised(std::string_view sql) { return text_of(tokens(sql)); }

bool has_word(const std::vector<Token>& list, std::string_view keyword) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_word("(")) {
      i = past_parentheses(list, i) - 1;
    } else if (list[i].is_word(keyword)) {
      return true;
    }
  }
  return false;
}

std::vector<Token> without_checks(const std::vector<Token>& list) {
  std::vector<Token> kept;
  for (size_t i = 0; i < list.size(); ++i) {
    if (i + 1 < list.size() && list[i].is_word("check") && list[i + 1].is_word("(")) {
      if (kept.size() >= 2 && kept[kept.size() - 2].is_word("constraint")) kept.resize(kept.size() - 2);
      i = past_parentheses(list, i + 1) - 1;
    } else {
      kept.push_back(list[i]);
    }
  }
  return kept;
}

TableText table_text(std::string_view create_sql) {
  TableText out;
  const auto list = tokens(create_sql);
  const auto open = std::find_if(list.begin(), list.end(), [](const Token& token) { return token.is_word("("); });
  if (open == list.end()) return out;
  const size_t begin = static_cast<size_t>(open - list.begin());
  const size_t end = past_parentheses(list, begin);
  std::vector<Token> part;
  const auto finish = [&] {
    if (part.empty()) return;
    collect_checks(part, out.checks);
    if (begins_constraint(part.front())) {
      const auto rest = without_checks(part);
      if (!rest.empty()) out.constraints.push_back(text_of(rest));
    } else {
      out.columns[part.front().text] = {part.begin() + 1, part.end()};
    }
    part.clear();
  };
  int depth = 0;
  for (size_t i = begin; i < end; ++i) {
    if (list[i].is_word(")")) --depth;
    if (depth == 1 && list[i].is_word(",")) {
      finish();
    } else if (depth >= 1) {
      part.push_back(list[i]);
    }
    if (list[i].is_word("(")) ++depth;
  }
  finish();
  std::sort(out.constraints.begin(), out.constraints.end());
  std::sort(out.checks.begin(), out.checks.end());
  return out;
}

}  // namespace backout::schema
