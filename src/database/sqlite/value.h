// Cell: one value of a row as SQLite stores it - NULL, integer, real, text or blob - looked at without copying.
//
// Equality is exact: storage class and bytes, so that 1, 1.0 and '1' are three values and integers beyond 2^53 keep
// every digit. Order is SQLite's own, for the three collations that every SQLite has.
#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace backout::database {

enum class Collation { kBinary, kNocase, kRtrim };

/// Valid until the statement is stepped, reset or finalised.
struct Cell {
  int type = SQLITE_NULL;
  int64_t integer = 0;
  double real = 0;
  std::string_view bytes;  // of text and blobs
};

Cell cell_of(sqlite3_stmt* row, int column);

bool same(const Cell& a, const Cell& b);
/// Below, at or above zero. Text by `collation`; NULL < numbers < text < blobs.
int order(const Cell& a, const Cell& b, Collation collation);

/// Appends class, length and bytes: two rows append the same only when all their cells are the same.
void append_exactly(const Cell& cell, std::string& to);

/// Binds it without copying: the cell must live until the statement is reset.
int bind(sqlite3_stmt* statement, int at, const Cell& cell);

/// Numbers and text as themselves; {"blob": hex}, {"text": hex} for text that is not UTF-8, {"real": "inf"}.
Json to_json(const Cell& cell);

}  // namespace backout::database
