#include "record/summary.h"

#include "base/text.h"

namespace backout::record {

std::vector<std::string> summary(const Report& report) {
  const bool other_state = report.kind == RunKind::kRollback || report.kind == RunKind::kForward;
  const bool opened = report.outage > Millis(0) && !report.door_closed;
  if (!other_state || report.turned || !(report.result == "done" || (report.result == "stopped" && opened))) return {};
  std::string line = fmt::format("total {}, outage {}", for_people(report.total), for_people(report.outage));
  if (const int64_t found = report.rows_found(); found > 0)
    line += report.rows_carried() == found
                ? ", " + counted(found, "row") + " carried over"
                : fmt::format(", {} of {} carried over", report.rows_carried(), counted(found, "row"));
  std::vector<std::string> lines{std::move(line)};
  for (const std::string& conflict : report.conflicts) lines.push_back("! NOT carried over: " + conflict);
  if (const int64_t more = report.conflict_count - std::ssize(report.conflicts); more > 0)
    lines.push_back(fmt::format("! NOT carried over: {} more", counted(more, "row")));
  for (const std::string& sentence : report.residue) lines.push_back("! " + sentence);
  return lines;
}

}  // namespace backout::record
