// keyed_rows: rows of the live database by their keys, as a count in its transaction reads them.
#pragma once
#include <functional>

#include "database/postgresql/row_map.h"

namespace backout::postgresql {

/// The name that live has for a column.
std::string own_name(const RowTable& own, const RowTable& renamed, const std::string& name);

/// `what` of `t` for each row with one of the keys (fields of COPY with tabs between), in no order, some thousand keys
/// at a time. `own`: the table as live has it.
Result<void> read_by_keys(Connection& live, const MappedTable& table, const RowTable& own,
                          const std::vector<std::string>& keys, const std::string& what,
                          const std::function<void(std::string_view line)>& take);

}  // namespace backout::postgresql
