// find_differences: all tables of a map compared, what differs staged or counted.
#pragma once
#include <deque>
#include <functional>

#include "database/postgresql/row_report.h"
#include "database/postgresql/staged_table.h"

namespace backout::postgresql {

/// Lines for a person while something takes long.
using Progress = std::function<void(std::string_view line)>;

struct FindJob {
  bool stage_all = false;  // for a rescue; else only what cannot be counted without
  bool known = false;      // load_known() was called
  int first_number = 0;    // of the stages
};

struct Found {
  std::deque<StagedTable> staged;       // tables with differences; in a rescue none that is left
  std::vector<TableDifference> tables;  // all, as in the map
};
/// `writer`: a session of the target, in a transaction, for the stages.
Result<Found> find_differences(RowSides& sides, Connection& writer, const RowMap& map, const FindJob& job,
                               const Progress& progress);

}  // namespace backout::postgresql
