#include "database/postgresql/row_stream.h"

#include <charconv>

#include "base/text.h"

namespace backout::postgresql {
namespace {

char unescaped(char letter) {
  switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return letter;
  }
}

std::string plain_bytes(std::string_view field) {
  std::string out;
  out.reserve(field.size());
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '\\' && i + 1 < field.size()) {
      out += unescaped(field[++i]);
    } else {
      out += field[i];
    }
  }
  return out;
}

std::string text_of(const MappedTable& table, size_t column, const std::string& alias) {
  return alias + sql_name(table.columns[column].name) + "::pg_catalog.text";
}

std::string all_texts(const MappedTable& table) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < table.columns.size(); ++i) texts.push_back(text_of(table, i, "t.") + " COLLATE \"C\"");
  return join(texts, ", ");
}

}  // namespace

std::vector<std::string_view> copy_fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t at = 0;;) {
    const size_t tab = line.find('\t', at);
    fields.push_back(line.substr(at, tab == std::string_view::npos ? tab : tab - at));
    if (tab == std::string_view::npos) return fields;
    at = tab + 1;
  }
}

std::optional<std::string> copy_value(std::string_view field) {
  if (field == "\\N") return std::nullopt;
  return plain_bytes(field);
}

std::string copy_field(const std::optional<std::string>& value) {
  if (!value) return "\\N";
  std::string out;
  for (const char byte : *value) {
    switch (byte) {
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      default: out += byte;
    }
  }
  return out;
}

std::string read_expression(const MappedTable& table, size_t column, const std::string& alias) {
  if (column < table.key_size && table.columns[column].order == KeyOrder::kBytes) return text_of(table, column, alias);
  return alias + sql_name(table.columns[column].name);
}

std::string ordered_rows(const MappedTable& table, RowSide side, const std::string& where) {
  std::vector<std::string> what, by;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    what.push_back(read_expression(table, i, "t."));
    if (i >= table.key_size) continue;
    if (table.columns[i].order != KeyOrder::kBytes) {
      by.push_back(what.back());
    } else if (table.recode) {
      by.push_back("pg_catalog.convert_to(" + what.back() + ", 'UTF8') NULLS FIRST");
    } else {
      by.push_back(what.back() + " COLLATE \"C\" NULLS FIRST");
    }
  }
  if (table.multiset) {
    what.push_back("pg_catalog.row_number() OVER (PARTITION BY " + all_texts(table) + ") AS backout_copy");
    by.push_back("backout_copy");
  }
  const RowTable& from = side == RowSide::kLive ? table.live : table.target;
  return "SELECT " + join(what, ", ") + " FROM " + from.from() + " AS t" + (where.empty() ? "" : " WHERE " + where) +
         " ORDER BY " + join(by, ", ");
}

std::string from_ranges(const KeyRanges& ranges) {
  std::string from, to;
  for (const auto& [first, last] : ranges) {
    from += (from.empty() ? "" : ",") + std::to_string(first);
    to += (to.empty() ? "" : ",") + std::to_string(last);
  }
  return "ROWS FROM (pg_catalog.unnest('{" + from + "}'::pg_catalog.int8[]), pg_catalog.unnest('{" + to +
         "}'::pg_catalog.int8[])) AS backout_range(low, high)";
}

std::string in_range(const MappedTable& table, const std::string& alias) {
  return alias + "." + sql_name(table.columns.front().name) + " BETWEEN backout_range.low AND backout_range.high";
}

Result<void> RowStream::send(Connection& connection, const MappedTable& table, RowSide side, const RowPart& part) {
  if (part.ranges.empty())
    return connection.send_copy_out("COPY (" + ordered_rows(table, side, part.where) + ") TO STDOUT");
  // A loop over the ranges keeps their order, and each of them is in order; whether that is so is looked at in next().
  return connection.send_copy_out("COPY (SELECT r.* FROM " + from_ranges(part.ranges) + " CROSS JOIN LATERAL (" +
                                  ordered_rows(table, side, in_range(table, "t")) + ") AS r) TO STDOUT");
}

Result<RowStream> RowStream::open(Connection& connection, const MappedTable& table) {
  std::vector<Part> parts;
  for (size_t i = 0; i < table.key_size; ++i) parts.push_back({.order = table.columns[i].order});
  if (table.multiset) parts.push_back({.order = KeyOrder::kInteger});
  auto copy = TRY(connection.sent_copy_out());
  RowStream stream(std::move(copy), parts);
  TRY_VOID(stream.next());
  return stream;
}

Result<void> RowStream::next() {
  std::swap(before_, parts_);
  const auto line = TRY(copy_.next());
  done_ = !line;
  if (done_) return {};
  line_ = *line;
  TRY_VOID(read_key());
  if (started_) TRY_VOID(check_order());
  started_ = true;
  return {};
}

Result<void> RowStream::read_key() {
  size_t at = 0;
  for (Part& part : parts_) {
    if (at > line_.size()) return Error{Code::kInternal, "a row has fewer fields than its key", ""};
    const size_t tab = line_.find('\t', at);
    const size_t end = tab == std::string_view::npos ? line_.size() : tab;
    part.field = line_.substr(at, end - at);
    part.null = part.field == "\\N";
    if (part.order == KeyOrder::kInteger) {
      std::from_chars(part.field.data(), part.field.data() + part.field.size(), part.number);
    } else if (part.field.find('\\') != std::string_view::npos) {
      part.plain = plain_bytes(part.field);
    }
    at = end + 1;
  }
  rest_ = at > line_.size() ? std::string_view() : line_.substr(at);
  return {};
}

int RowStream::order(const Part& a, const Part& b) {
  if (a.null != b.null) return a.null ? -1 : 1;
  if (a.null) return 0;
  if (a.order == KeyOrder::kInteger) return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
  return a.bytes().compare(b.bytes());
}

Result<void> RowStream::check_order() {
  for (size_t i = 0; i < parts_.size(); ++i) {
    const int way = order(before_[i], parts_[i]);
    if (way < 0) return {};
    if (way > 0) break;
  }
  return Error{Code::kCorrupt, "rows do not come in the order of their key, or a key stands in two rows",
               "check the table's indexes: REINDEX, amcheck"};
}

std::vector<std::string_view> RowStream::key() const {
  std::vector<std::string_view> fields;
  for (const Part& part : parts_) fields.push_back(part.field);
  return fields;
}

int order(const RowStream& a, const RowStream& b) {
  for (size_t i = 0; i < a.parts_.size(); ++i)
    if (const int way = RowStream::order(a.parts_[i], b.parts_[i]); way != 0) return way;
  return 0;
}

}  // namespace backout::postgresql
