#include "record/summary.h"

#include <map>

#include "base/text.h"

namespace backout::record {
namespace {

constexpr int64_t kShownOfAKind = 3;

/// "orders 17 (update): why" -> "of orders (update): why", which is the same for all rows that fail alike.
std::string kind_of(const std::string& conflict) {
  for (const char* what : {" (insert): ", " (update): ", " (delete): "})
    if (const size_t at = conflict.find(what); at != std::string::npos)
      return "of " + conflict.substr(0, conflict.find(' ')) + conflict.substr(at);
  return conflict;
}

/// A migration that takes a column away has a conflict for each row written since, and they are all alike.
std::vector<std::string> conflict_lines(const Report& report) {
  std::vector<std::string> lines;
  std::map<std::string, int64_t> seen;
  for (const std::string& conflict : report.conflicts)
    if (++seen[kind_of(conflict)] <= kShownOfAKind) lines.push_back("! NOT carried over: " + conflict);
  for (const auto& [kind, count] : seen)
    if (count > kShownOfAKind)
      lines.push_back(fmt::format("! NOT carried over: {} more {}", counted(count - kShownOfAKind, "row"), kind));
  if (const int64_t more = report.conflict_count - std::ssize(report.conflicts); more > 0)
    lines.push_back(fmt::format("! NOT carried over: {} more", counted(more, "row")));
  return lines;
}

}  // namespace

std::vector<std::string> summary(const Report& report) {
  if (report.result == "aborted") {
    std::vector<std::string> left;
    for (const std::string& sentence : report.residue) left.push_back("! " + sentence);
    return left;
  }
  const bool other_state = report.kind == RunKind::kRollback || report.kind == RunKind::kForward;
  const bool opened = report.outage > Millis(0) && !report.door_closed;
  if (!other_state || report.turned || !(report.result == "done" || (report.result == "stopped" && opened))) return {};
  std::string line = fmt::format("total {}, outage {}", for_people(report.total), for_people(report.outage));
  if (report.database_rung == "step-down")
    line += ", no row had to be carried over: the copy has all that the old schema has a place for";
  else if (const int64_t found = report.rows_found(); found > 0)
    line += report.rows_carried() == found
                ? ", " + counted(found, "row") + " carried over"
                : fmt::format(", {} of {} carried over", report.rows_carried(), counted(found, "row"));
  std::vector<std::string> lines{std::move(line)};
  for (std::string& conflict : conflict_lines(report)) lines.push_back(std::move(conflict));
  for (const Beside& one : report.beside)
    lines.push_back(fmt::format("! {} is opened beside it: {}", one.incident, one.why));
  for (const std::string& sentence : report.residue) lines.push_back("! " + sentence);
  return lines;
}

}  // namespace backout::record
