#include "database/postgresql/keyed_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "database/postgresql/row_stream.h"

namespace backout::postgresql {

std::string own_name(const RowTable& own, const RowTable& renamed, const std::string& name) {
  for (size_t i = 0; i < renamed.columns.size() && i < own.columns.size(); ++i)
    if (renamed.columns[i].name == name) return own.columns[i].name;
  return name;
}

Result<void> read_by_keys(Connection& live, const MappedTable& table, const RowTable& own,
                          const std::vector<std::string>& keys, const std::string& what,
                          const std::function<void(std::string_view line)>& take) {
  constexpr size_t kKeysAtOnce = 5'000;
  std::string names, join_on;
  for (size_t j = 0; j < table.key_size; ++j) {
    names += (j == 0 ? "k" : ", k") + std::to_string(j);
    join_on += fmt::format("{}t.{} OPERATOR(pg_catalog.=) CAST(k.k{} AS {})", j == 0 ? "" : " AND ",
                           sql_name(own_name(own, table.live, table.columns[j].name)), j, table.columns[j].live.type);
  }
  for (size_t first = 0; first < keys.size(); first += kKeysAtOnce) {
    std::string values;
    for (size_t i = first; i < std::min(first + kKeysAtOnce, keys.size()); ++i) {
      values += i == first ? "(" : ", (";
      std::string before;
      for (const std::string_view field : copy_fields(keys[i])) {
        values += before + sql_text(copy_value(field).value_or(""));
        before = ", ";
      }
      values += ")";
    }
    auto copy = TRY(live.copy_out("COPY (SELECT " + what + " FROM (VALUES " + values + ") AS k(" + names + ") JOIN " +
                                  own.from() + " AS t ON " + join_on + ") TO STDOUT"));
    while (const auto line = TRY(copy.next())) take(*line);
  }
  return {};
}

}  // namespace backout::postgresql
