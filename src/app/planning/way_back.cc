#include "app/planning/way_back.h"

#include "app/history/runs.h"
#include "app/history/target.h"
#include "app/planning/planning.h"
#include "base/text.h"

namespace backout::app {
namespace {

/// Rows that a restore would neither keep nor carry; nothing: nobody could count them.
std::optional<int64_t> rows_lost(const Plan& plan) {
  if (plan.contract.database_rung != "restore") return 0;
  if (!plan.forecast.not_counted.empty()) return std::nullopt;
  return plan.forecast.not_carried.empty() ? std::optional<int64_t>(0) : std::nullopt;
}

/// How long `version` had served before the release that serves now came; nothing: it cannot be told.
Result<std::optional<Millis>> age_when_left(const Workspace& workspace, const Release& target, WallTime left) {
  if (target.deployed_at == WallTime() || left <= target.deployed_at) return std::optional<Millis>();
  (void)workspace;
  return std::optional<Millis>(std::chrono::duration_cast<Millis>(left - target.deployed_at));
}

/// What earlier rollbacks of this site took, and how many of them did not end well.
Result<void> measure(const Workspace& workspace, decide::Costs& costs) {
  int ended = 0, failed = 0;
  for (const journal::RollbackRow& rollback : TRY(workspace.journal().rollbacks(workspace.site().id, 20))) {
    if (rollback.run.open()) continue;
    ++ended;
    failed += rollback.run.state == "done" ? 0 : 1;
  }
  // One failure in fifty was believed before any was seen.
  costs.roll_back_fails = (failed + 1.0) / (ended + 50.0);
  if (ended > 0) costs.source = counted(ended, "earlier rollback");
  return {};
}

}  // namespace

Result<WayBackSeen> look_at_way_back(const Workspace& workspace, const Newcomer& newcomer) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  WayBackSeen seen;
  decide::WayBack& way = seen.way_back;
  way.from = newcomer.release.version.str();
  way.deployed_at = newcomer.cutover;
  way.no_database = !workspace.site().database;
  way.from_came_by_rollback = newcomer.by_rollback;
  way.rollback_running = TRY(unfinished(workspace)).has_value();
  const Json judgement = TRY(journal.judgement(site));
  if (const Json& automatic = get(judgement, "automatic"); automatic.is_array() && !automatic.empty())
    way.automatic_rollback_at = wall_from_millis(automatic.front().get<int64_t>());
  TRY_VOID(measure(workspace, seen.costs));
  if (way.rollback_running) {
    seen.why_not = "a run is unfinished: backout status";
    return seen;
  }
  auto plan = draft_plan(workspace, PlanRequest{.count_for = Millis(3'000)});
  if (!plan) {
    seen.why_not = one_line(plan.error().message);
    way.target_verified = false;
    return seen;
  }
  const WallTime now = system_clock().wall();
  way.to = plan->contract.to.str();
  way.target_verified = plan->contract.refusals.empty();
  if (!plan->contract.refusals.empty()) seen.why_not = join(plan->contract.refusals, "; ");
  way.target_verified_at = now;
  way.database_rung = plan->contract.database_rung;
  way.rows_lost = rows_lost(*plan);
  seen.costs.roll_back = plan->forecast.total;
  if (seen.costs.source == "defaults") seen.costs.source = plan->forecast.source;
  std::optional<Release> target;
  TRY_VOID(journal.each_release(site, [&](const Release& release) {
    if (release.version == plan->contract.to) target = release;
    return !target;
  }));
  if (target) {
    way.target_bad = target->state == ReleaseState::kBad || target->blocked();
    way.target_known_good = target->state == ReleaseState::kGood;
    way.target_age = TRY(age_when_left(workspace, *target, newcomer.cutover));
  }
  seen.plan = std::move(*plan);
  return seen;
}

}  // namespace backout::app
