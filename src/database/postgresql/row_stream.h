// RowStream: the rows of one side of a table in the order of its key, one at a time, as COPY writes them.
//
// The order is the same on both sides and known here: whole numbers and uuids natively, everything else as text, byte
// by byte. Rows that come in another order (an index that lies) are an error, never a difference.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/postgresql/row_map.h"

namespace backout::postgresql {

enum class RowSide { kLive, kTarget };

/// The fields of a line of COPY, still escaped.
std::vector<std::string_view> copy_fields(std::string_view line);
/// The value of a field; nothing: NULL.
std::optional<std::string> copy_value(std::string_view field);
/// The other way.
std::string copy_field(const std::optional<std::string>& value);

/// One column as it is read from a side: whole numbers and uuids as they are, other parts of a key as text.
/// `alias`: "t.".
std::string read_expression(const MappedTable& table, size_t column, const std::string& alias);
/// SELECT of all columns (and, of a multiset, the number among equal rows) in key order. `where`: "" or a condition.
std::string ordered_rows(const MappedTable& table, RowSide side, const std::string& where);

/// Of a whole number that is the key: from, to; in order.
using KeyRanges = std::vector<std::pair<int64_t, int64_t>>;
/// For FROM, and the condition that goes with it: a loop in which the key's index finds each of the ranges.
std::string from_ranges(const KeyRanges& ranges);
std::string in_range(const MappedTable& table, const std::string& alias);

/// Which rows of a table: all, those that meet a condition about t, or those of ranges.
struct RowPart {
  std::string where;
  KeyRanges ranges;
};

class RowStream {
 public:
  /// Begins to read; open() takes it from there. Between the two the other side can be asked.
  static Result<void> send(Connection& connection, const MappedTable& table, RowSide side, const RowPart& part);
  /// REQUIRES: send().
  static Result<RowStream> open(Connection& connection, const MappedTable& table);
  Result<void> next();
  bool done() const { return done_; }
  /// The line, without its newline; valid until next().
  std::string_view line() const { return line_; }
  /// What follows the key.
  std::string_view rest() const { return rest_; }
  /// The key's fields, escaped.
  std::vector<std::string_view> key() const;
  /// Below, at or above zero.
  friend int order(const RowStream& a, const RowStream& b);
  friend bool same_row(const RowStream& a, const RowStream& b) { return a.rest_ == b.rest_; }

 private:
  struct Part {
    KeyOrder order = KeyOrder::kBytes;
    int64_t number = 0;
    bool null = false;
    std::string_view field;
    std::string plain;  // unescaped, when that differs
    std::string_view bytes() const {
      return field.find('\\') == std::string_view::npos ? field : std::string_view(plain);
    }
  };
  static int order(const Part& a, const Part& b);
  RowStream(CopyOut copy, const std::vector<Part>& parts) : copy_(std::move(copy)), parts_(parts), before_(parts) {}
  Result<void> read_key();
  Result<void> check_order();

  CopyOut copy_;
  std::vector<Part> parts_, before_;  // of this line, and of the one before it, which the copy still holds
  std::string_view line_, rest_;
  bool done_ = false, started_ = false;
};
int order(const RowStream& a, const RowStream& b);

}  // namespace backout::postgresql
