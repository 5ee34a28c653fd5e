#include "record/next_time.h"

#include "base/text.h"

namespace backout::record {

std::vector<Condition> next_time_of(const Report& report) {
  const bool left = report.result == "done" || (report.result == "unverified" && !report.turned);
  if (report.kind != RunKind::kRollback || !left || report.from == report.to) return {};
  const std::string from = report.from.str();
  const bool resolved = report.resolution.has_value();
  std::vector<Condition> list;
  list.push_back({resolved ? "The cause is known: " + report.resolution->cause
                           : fmt::format("The cause is known and recorded: backout resolve {} --cause \"...\"; deploy "
                                         "refuses {} until then",
                                         from, from),
                  resolved});
  const bool mended = resolved && !report.resolution->fix.empty();
  list.push_back(
      {mended ? "It is mended: " + report.resolution->fix : "It is mended, in a new release where code had to change",
       mended});
  const bool caught = resolved && !report.resolution->prevent.empty();
  list.push_back({caught ? "Next time this is found before users find it: " + report.resolution->prevent
                         : "A test or a check of backout.yaml fails on " + from + " and passes on what goes out",
                  caught});
  if (report.database_rung == "restore" || report.database_rung == "step-down")
    list.push_back(
        {"The migrations of the release run again, on the rows that were carried back: try them on a copy of "
         "today's database first",
         false});
  if (report.conflict_count > 0)
    list.push_back({counted(report.conflict_count, "row") + " that could not be carried over: decided about", false});
  for (const std::string& sentence : report.residue)
    list.push_back({"Left behind, and wanted back or given up: " + sentence, false});
  list.push_back(
      {"What the release turned on outside its code (flags, jobs, settings of others) is off until it serves", false});
  list.push_back({"It has passed where users are not: a staging site, or backout verify there", false});
  return list;
}

}  // namespace backout::record
