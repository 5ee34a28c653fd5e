#include "database/sqlite/value.h"

#include <cmath>
#include <cstring>

#include "base/text.h"

namespace backout::database {
namespace {

int rank(const Cell& cell) {
  switch (cell.type) {
    case SQLITE_NULL: return 0;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT: return 1;
    case SQLITE_TEXT: return 2;
    default: return 3;
  }
}

template <class T>
int three_way(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/// Exact: a double cannot hold every 64-bit integer.
int order_mixed(int64_t integer, double real) {
  if (real >= 9223372036854775808.0) return -1;
  if (real < -9223372036854775808.0) return 1;
  const auto whole = static_cast<int64_t>(real);
  if (integer != whole) return integer < whole ? -1 : 1;
  return three_way(static_cast<double>(whole), real);
}

int order_numbers(const Cell& a, const Cell& b) {
  if (a.type == SQLITE_INTEGER && b.type == SQLITE_INTEGER) return three_way(a.integer, b.integer);
  if (a.type == SQLITE_FLOAT && b.type == SQLITE_FLOAT) return three_way(a.real, b.real);
  if (a.type == SQLITE_INTEGER) return order_mixed(a.integer, b.real);
  return -order_mixed(b.integer, a.real);
}

int order_bytes(std::string_view a, std::string_view b) {
  const int by_content = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return by_content != 0 ? by_content : three_way(a.size(), b.size());
}

unsigned char folded(char c) { return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c); }

int order_nocase(std::string_view a, std::string_view b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (const int by_letter = folded(a[i]) - folded(b[i]); by_letter != 0) return by_letter;
  return three_way(a.size(), b.size());
}

std::string_view without_trailing_spaces(std::string_view text) {
  const size_t last = text.find_last_not_of(' ');
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::string hex_of(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

bool plain_json_text(std::string_view text) {
  try {
    (void)Json(std::string(text)).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;  // not UTF-8
  }
}

}  // namespace

Cell cell_of(sqlite3_stmt* row, int column) {
  // One call into the statement, then the value itself: connections here belong to one thread, so that needs no lock.
  sqlite3_value* value = sqlite3_column_value(row, column);
  Cell cell{.type = sqlite3_value_type(value)};
  switch (cell.type) {
    case SQLITE_INTEGER: cell.integer = sqlite3_value_int64(value); break;
    case SQLITE_FLOAT: cell.real = sqlite3_value_double(value); break;
    case SQLITE_TEXT:
    case SQLITE_BLOB: {
      // Bytes of text too: sqlite3_value_text() would copy each value to put a NUL behind it.
      const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
      cell.bytes = {bytes == nullptr ? "" : bytes, static_cast<size_t>(sqlite3_value_bytes(value))};
      break;
    }
    default: break;
  }
  return cell;
}

bool same(const Cell& a, const Cell& b) {
  if (a.type != b.type) return false;
  switch (a.type) {
    case SQLITE_INTEGER: return a.integer == b.integer;
    case SQLITE_FLOAT: return std::memcmp(&a.real, &b.real, sizeof a.real) == 0;
    case SQLITE_NULL: return true;
    default: return a.bytes == b.bytes;
  }
}

int order(const Cell& a, const Cell& b, Collation collation) {
  const int first = rank(a), second = rank(b);
  if (first != second) return first - second;
  if (first == 0) return 0;
  if (first == 1) return order_numbers(a, b);
  if (first == 3) return order_bytes(a.bytes, b.bytes);
  switch (collation) {
    case Collation::kBinary: return order_bytes(a.bytes, b.bytes);
    case Collation::kNocase: return order_nocase(a.bytes, b.bytes);
    case Collation::kRtrim: return order_bytes(without_trailing_spaces(a.bytes), without_trailing_spaces(b.bytes));
  }
  return 0;
}

void append_exactly(const Cell& cell, std::string& to) {
  to += static_cast<char>(cell.type);
  const auto append_word = [&](const void* word) { to.append(static_cast<const char*>(word), 8); };
  const uint64_t length = cell.bytes.size();
  switch (cell.type) {
    case SQLITE_INTEGER: append_word(&cell.integer); break;
    case SQLITE_FLOAT: append_word(&cell.real); break;
    case SQLITE_NULL: break;
    default: append_word(&length); to += cell.bytes;
  }
}

int bind(sqlite3_stmt* statement, int at, const Cell& cell) {
  switch (cell.type) {
    case SQLITE_INTEGER: return sqlite3_bind_int64(statement, at, cell.integer);
    case SQLITE_FLOAT: return sqlite3_bind_double(statement, at, cell.real);
    case SQLITE_TEXT:
      return sqlite3_bind_text64(statement, at, cell.bytes.data(), cell.bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
    case SQLITE_BLOB: return sqlite3_bind_blob64(statement, at, cell.bytes.data(), cell.bytes.size(), SQLITE_STATIC);
    default: return sqlite3_bind_null(statement, at);
  }
}

Json to_json(const Cell& cell) {
  switch (cell.type) {
    case SQLITE_INTEGER: return cell.integer;
    case SQLITE_FLOAT:
      if (std::isfinite(cell.real)) return cell.real;
      return {{"real", cell.real > 0 ? "inf" : "-inf"}};
    case SQLITE_TEXT:
      if (plain_json_text(cell.bytes)) return std::string(cell.bytes);
      return {{"text", hex_of(cell.bytes)}};
    case SQLITE_BLOB: return {{"blob", hex_of(cell.bytes)}};
    default: return nullptr;
  }
}

}  // namespace backout::database
