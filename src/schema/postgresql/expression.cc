#include "schema/postgresql/expression.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "schema/postgresql/catalog.h"

namespace backout::schema::postgresql {
namespace {

struct Piece {
  enum class Kind { kName, kString, kNumber, kSign, kOpen, kClose, kComma, kDot } kind;
  std::string text;     // names: as they are stored
  bool quoted = false;  // "name"
};

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c < 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> out;
  constexpr std::string_view kSigns = "+-*/<>=~!@#%^&|`?:[]";
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const size_t begin = i;
    if (c == ' ' || c == '\n' || c == '\t') {
      ++i;
    } else if (c == '\'' || c == '"') {
      std::string inner;
      for (++i; i < text.size(); ++i) {
        if (text[i] != c) {
          inner += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == c) {
          inner += text[i++];
        } else {
          break;
        }
      }
      ++i;
      out.push_back({c == '"' ? Piece::Kind::kName : Piece::Kind::kString, inner, c == '"'});
    } else if (starts_name(c)) {
      while (i < text.size() && (starts_name(text[i]) || is_digit(text[i]) || text[i] == '$')) ++i;
      out.push_back({Piece::Kind::kName, std::string(text.substr(begin, i - begin))});
    } else if (is_digit(c)) {
      while (i < text.size() && (is_digit(text[i]) || text[i] == '.')) ++i;
      out.push_back({Piece::Kind::kNumber, std::string(text.substr(begin, i - begin))});
    } else if (c == '[' || c == ']') {
      out.push_back({c == '[' ? Piece::Kind::kOpen : Piece::Kind::kClose, std::string(1, c)}), ++i;
    } else if (kSigns.find(c) != std::string_view::npos) {
      while (i < text.size() && text[i] != '[' && text[i] != ']' && kSigns.find(text[i]) != std::string_view::npos) ++i;
      out.push_back({Piece::Kind::kSign, std::string(text.substr(begin, i - begin))});
    } else {
      const auto kind = c == '('   ? Piece::Kind::kOpen
                        : c == ')' ? Piece::Kind::kClose
                        : c == ',' ? Piece::Kind::kComma
                        : c == '.' ? Piece::Kind::kDot
                                   : Piece::Kind::kSign;
      out.push_back({kind, std::string(1, c)}), ++i;
    }
  }
  return out;
}

template <size_t N>
bool among(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_comparison(std::string_view sign) {
  static constexpr std::array<std::string_view, 10> kComparisons{
      "=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*"};
  return among(kComparisons, sign);
}

/// The words of a type after `::`, from `i` on; moves `i` behind them.
std::string type_words(const std::vector<Piece>& pieces, size_t& i) {
  static constexpr std::array<std::string_view, 6> kMore{"varying", "precision", "without", "with", "time", "zone"};
  std::string type;
  while (i < pieces.size() && pieces[i].kind == Piece::Kind::kName && (type.empty() || among(kMore, pieces[i].text)))
    type += (type.empty() ? "" : " ") + pieces[i++].text;
  if (i + 1 < pieces.size() && pieces[i].kind == Piece::Kind::kDot && pieces[i + 1].kind == Piece::Kind::kName)
    type += "." + pieces[i + 1].text, i += 2;
  if (i + 2 < pieces.size() && pieces[i].text == "(" && pieces[i + 1].kind == Piece::Kind::kNumber) i += 3;
  if (i + 1 < pieces.size() && pieces[i].text == "[" && pieces[i + 1].text == "]") i += 2, type += "[]";
  return type;
}

}  // namespace

bool cannot_fail(std::string_view expression, const std::vector<Column>& columns) {
  static constexpr std::array<std::string_view, 15> kWords{"AND",  "OR",    "NOT",  "IS",    "NULL",
                                                           "true", "false", "ANY",  "ARRAY", "CASE",
                                                           "WHEN", "THEN",  "ELSE", "END",   "USING"};
  static constexpr std::array<std::string_view, 6> kFunctions{"lower", "upper", "COALESCE", "btrim", "length", "md5"};
  static constexpr std::array<std::string_view, 3> kOperators{"||", "->", "->>"};
  static constexpr std::array<std::string_view, 5> kTextTypes{"text", "character varying", "text[]",
                                                              "character varying[]", "varchar"};
  const auto pieces = pieces_of(expression);
  for (size_t i = 0; i < pieces.size();) {
    const Piece& piece = pieces[i++];
    if (piece.kind == Piece::Kind::kDot) return false;
    if (piece.kind == Piece::Kind::kSign) {
      if (piece.text == "::") {
        const bool of_constant = i >= 2 && (pieces[i - 2].kind == Piece::Kind::kString || pieces[i - 2].text == "NULL");
        const std::string type = type_words(pieces, i);
        if (type.empty() || (!of_constant && !among(kTextTypes, type))) return false;
      } else if (!is_comparison(piece.text) && !among(kOperators, piece.text)) {
        return false;
      }
    } else if (piece.kind == Piece::Kind::kName) {
      const bool call = i < pieces.size() && pieces[i].text == "(";
      const bool column = !call && find_named(columns, piece.text) != nullptr;
      const bool word = !piece.quoted && (among(kWords, piece.text) || (call && among(kFunctions, piece.text)));
      if (!column && !word) return false;
    }
  }
  return true;
}

bool holds_for_null(std::string_view check, const std::vector<Column>& columns) {
  if (!cannot_fail(check, columns)) return false;
  size_t comparisons = 0, names = 0;
  for (const Piece& piece : pieces_of(check)) {
    if (piece.kind == Piece::Kind::kSign && is_comparison(piece.text)) ++comparisons;
    if (piece.kind != Piece::Kind::kName) continue;
    if (find_named(columns, piece.text) != nullptr) {
      ++names;
    } else if (piece.text != "AND" && piece.text != "OR" && piece.text != "NOT" && piece.text != "ANY" &&
               piece.text != "ARRAY" && piece.text != "text" && piece.text != "character" && piece.text != "varying") {
      return false;  // IS NULL, COALESCE, CASE: NULL need not stay NULL
    }
  }
  return comparisons > 0 && names >= comparisons;
}

bool calls_users_code(std::string_view expression) {
  const auto pieces = pieces_of(expression);
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const Piece& piece) { return piece.kind == Piece::Kind::kDot || piece.text == "OPERATOR"; });
}

bool is_constant(std::string_view expression) {
  const auto pieces = pieces_of(expression);
  for (size_t i = 0; i < pieces.size();) {
    const Piece& piece = pieces[i++];
    if (piece.kind == Piece::Kind::kSign) {
      if (piece.text == "-") continue;
      if (piece.text != "::" || type_words(pieces, i).empty()) return false;
    } else if (piece.kind == Piece::Kind::kName || piece.kind == Piece::Kind::kDot) {
      if (piece.text != "NULL" && piece.text != "true" && piece.text != "false" && piece.text != "ARRAY") return false;
    }
  }
  return true;
}

bool is_null_constant(std::string_view expression) {
  return expression == "NULL" || (expression.starts_with("NULL::") && is_constant(expression));
}

std::string sequence_of(std::string_view default_text) {
  constexpr std::string_view kStart = "nextval('", kEnd = "'::regclass)";
  if (!default_text.starts_with(kStart) || !default_text.ends_with(kEnd)) return "";
  return replaced(std::string(default_text.substr(kStart.size(), default_text.size() - kStart.size() - kEnd.size())),
                  "\"", "");
}

}  // namespace backout::schema::postgresql
