#include "app/history/going_out.h"

#include "record/report.h"

namespace backout::app {
namespace {
constexpr int kRollbacksSearched = 100;
}

Result<std::vector<Condition>> conditions_for(const Workspace& workspace, const Version& version) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  for (const journal::RollbackRow& rollback : TRY(journal.rollbacks(site, kRollbacksSearched))) {
    if (rollback.run.from != version) continue;
    std::vector<Event> events = TRY(journal.read(site, 0, rollback.run.id));
    const auto plan = TRY(journal.plan(site, rollback.run.plan));
    if (plan) events.insert(events.begin(), Event{.site = site, .type = EventType::kPlanMade, .body = to_json(*plan)});
    return record::make_report(events, rollback.run.id).next_time;
  }
  return std::vector<Condition>();
}

}  // namespace backout::app
