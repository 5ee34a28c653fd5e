#include "record/follow_ups.h"

#include <algorithm>

#include "base/text.h"
#include "record/words.h"

namespace backout::record {
namespace {

constexpr Millis kHour{3'600'000};
constexpr Millis kDay = 24 * kHour;

/// The time that the version which was left served users, up to the door or the end.
std::optional<Millis> time_served(const Report& report) {
  Millis served{0};
  bool counting = false;
  for (const Moment& moment : report.clock) {
    if (counting && moment.since_before) served += *moment.since_before;
    if (moment.what == "deployed") counting = true;
    if (counting && (users_leave(moment) || moment.what == "ended")) return served;
  }
  return std::nullopt;
}

class List {
 public:
  explicit List(const Report& report) : report_(report) {}
  void add(Millis within, std::string text) { items_.push_back({within, report_.ended_at + within, std::move(text)}); }
  std::vector<FollowUp> by_time() && {
    std::stable_sort(items_.begin(), items_.end(), [](const auto& a, const auto& b) { return a.within < b.within; });
    return std::move(items_);
  }

 private:
  const Report& report_;
  std::vector<FollowUp> items_;
};

}  // namespace

std::vector<std::string> impact_of(const Report& report) {
  std::vector<std::string> impact;
  if (report.door_closed)
    impact.push_back("Users are outside since " + stamp(*report.outside_since) + ".");
  else if (report.outage > Millis(0))
    impact.push_back("Users were outside for " + for_people(report.outage) + ".");
  else
    impact.emplace_back("Users were not kept outside.");
  if (report.kind == RunKind::kRollback && report.result == "done")
    if (const auto served = time_served(report))
      impact.push_back(report.from.str() + " served for " + for_people(*served) + ".");
  if (const int64_t found = report.rows_found(); found > 0) {
    std::string text = counted(found, "row") + " had been written since the checkpoint";
    if (report.rows_carried() > 0) text += ", " + std::to_string(report.rows_carried()) + " of them carried over";
    impact.push_back(text + ".");
  }
  if (report.conflict_count > 0)
    impact.push_back(counted(report.conflict_count, "row") + " could not be carried over.");
  return impact;
}

std::vector<FollowUp> follow_ups_of(const Report& report) {
  if (!report.ended()) return {};
  List list(report);
  const std::string from = report.from.str(), to = report.to.str();
  const bool back = report.kind == RunKind::kRollback;
  if (report.result == "unverified" || report.result == "failed")
    list.add(kHour, "Find out what serves now, by hand if need be: backout verify.");
  if (report.conflict_count > 0)
    list.add(kHour, "Decide about every row that could not be carried over, and tell the people whose rows they are.");
  for (const std::string& left : report.residue) list.add(kDay, "Deal with what stayed behind: " + left);
  if (!back && report.kind != RunKind::kForward) return std::move(list).by_time();

  if (report.outage > Millis(0) || report.result == "done")
    list.add(kHour, "Tell support, and everyone who was told of the trouble, that " +
                        (report.result == "done" ? to : from) + " serves.");
  if (report.result == "done") list.add(kHour, "Watch errors and support requests: has the trouble really gone?");
  if (report.result == "aborted" && report.exit == 5)
    list.add(kHour, "Find out what serves now, by hand if need be: backout verify.");
  else if (report.result == "aborted")
    list.add(kHour, from + " still serves: decide how its trouble is dealt with now.");
  if (report.result == "done" && back) {
    list.add(kDay,
             "Keep " + from + " from coming back by itself: revert it in the repository, pause what deploys alone.");
    if (!report.resolution)
      list.add(kDay, "Reproduce the failure of " + from + " with a test, and record its cause: backout resolve " +
                         from + ". It is not deployed again before.");
  }
  for (const Beside& one : report.beside)
    list.add(kDay, one.incident.str() + ": " + one.why + ". Find out how it came to serve, and whether it should.");
  if (!report.unknowns.empty())
    list.add(kDay, "Give every step that ended Unknown a probe, so that the next run can look.");
  list.add(7 * kDay, "Review without blame: what would have found this before users did? Make it a check.");
  if (report.rows_found() > 0)
    list.add(7 * kDay, "Delete the kept copies of the database when nobody needs them: they hold personal data.");
  return std::move(list).by_time();
}

}  // namespace backout::record
