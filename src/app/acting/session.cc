#include "app/acting/session.h"

#include "app/acting/saving.h"
#include "app/history/ci.h"
#include "app/history/runs.h"
#include "app/planning/deploying.h"
#include "app/planning/planning.h"
#include "app/planning/staleness.h"
#include "app/watching/log_level.h"
#include "app/watching/watching.h"
#include "base/text.h"
#include "os/file.h"
#include "os/secret.h"
#include "run/lease_keeper.h"
#include "run/on_all.h"

namespace backout::app {
namespace {

run::Context context_of(const Workspace& workspace, const RunId& run, Acting& acting) {
  return {workspace.journal(),
          workspace.registry(),
          workspace.hosts(),
          system_clock(),
          acting.progress,
          acting.asker,
          workspace.site().id,
          run,
          workspace.runs_directory(),
          workspace.site().jobs};
}

run::Executor::AtEnd at_end_of(const Workspace& workspace, const Plan& plan) {
  return [&](const run::RunState& state, const run::RunEnd& end) {
    std::vector<journal::NewEvent> events = watches_at_end(workspace, plan, end);
    if (plan.contract.kind == RunKind::kDeploy)
      for (journal::NewEvent& event : end_of_deploy(plan, state, end)) events.push_back(std::move(event));
    return events;
  };
}

/// Attempt directories at the targets are kept while a run can be resumed, and no longer.
void forget_attempts(const Workspace& workspace, const Plan& plan, int64_t token) {
  const host::Guard guard{workspace.site().id.str(), workspace.journal().id(), token};
  std::set<std::string> names;
  for (const Step& step : plan.contract.steps)
    for (std::string& host : run::hosts_of(step)) names.insert(std::move(host));
  // A host that cannot be reached keeps its directories until the next run there; nothing depends on them any more.
  (void)run::on_all(workspace.hosts(), names, [&](host::Host& host) { return host.forget(guard, {}); });
}

/// So that what commands print of them is known when it comes, in a process that begins none of them, too.
void know_secrets(const Json& value) {
  if (value.is_object())
    for (const auto& [name, place] : get(value, "secrets").items())
      if (place.is_string()) (void)os::secret_at(name, place.get<std::string>());
  if (value.is_structured())
    for (const Json& member : value) know_secrets(member);
}

Result<Finished> carry(const Workspace& workspace, const Plan& plan, const RunId& run_id, run::Wish wish, bool again,
                       run::LeaseKeeper& lease, Acting& acting) {
  for (const Step& step : plan.contract.steps) {
    know_secrets(step.action.args);
    if (step.undo) know_secrets(step.undo->args);
  }
  const run::Context context = context_of(workspace, run_id, acting);
  const auto ledger = TRY(run::Ledger::open(context, plan, lease.token()));
  const IncidentId incident = ledger->state().incident;
  acting.progress.run_begins(run_id, incident, plan, again);
  run::Executor executor(context, plan, *ledger, at_end_of(workspace, plan));
  run::RunEnd end = TRY(executor.proceed(wish, acting.stop.get_token()));
  if (end.ended) settle_log_level(workspace, lease.token());
  if (end.ended) forget_attempts(workspace, plan, lease.token());
  return Finished{run_id, incident, plan, std::move(end)};
}

Result<IncidentId> new_incident(journal::Journal& journal, const SiteId& site) {
  const std::string year = to_iso(system_clock().wall()).substr(0, 4);
  return IncidentId(fmt::format("INC-{}-{:04}", year, TRY(journal.next_number(site, "INC-" + year))));
}

std::string doing(const Plan& plan) {
  return fmt::format("{} {}", name_of(plan.contract.kind),
                     plan.contract.to.empty() ? "" : "to " + plan.contract.to.str());
}

}  // namespace

Result<Finished> start(const Workspace& workspace, const Plan& plan, const std::string& reason, Acting& acting) {
  const Contract& contract = plan.contract;
  if (!contract.refusals.empty())
    return Error{Code::kRefused, "this plan may not be run: " + join(contract.refusals, "; "),
                 "see the whole of it: backout plan"};
  const auto lease = TRY(run::LeaseKeeper::take(workspace.journal(), workspace.site().id, doing(plan), acting.stop));
  if (const auto open = TRY(unfinished(workspace))) return is_unfinished(*open, TRY(told(workspace, *open)));
  TRY_VOID(still_holds(workspace, contract, acting.looked));

  journal::Journal& journal = workspace.journal();
  const RunId run_id(fmt::format("RUN-{:04}", TRY(journal.next_number(contract.site, "RUN"))));
  IncidentId incident;
  if (contract.kind == RunKind::kRollback || contract.kind == RunKind::kForward)
    incident = TRY(new_incident(journal, contract.site));
  TRY_VOID(os::make_directories(workspace.runs_directory() + "/" + run_id.str(), 0700));
  if (contract.kind == RunKind::kDeploy || contract.kind == RunKind::kCheckpoint)
    TRY_VOID(os::make_directories(workspace.checkpoints_directory() + "/" + contract.checkpoint.str(), 0700));
  std::vector<journal::NewEvent> begin{{EventType::kRunStarted,
                                        {{"kind", name_of(contract.kind)},
                                         {"incident", incident.str()},
                                         {"plan", plan.id.str()},
                                         {"from", contract.from.str()},
                                         {"to", contract.to.str()},
                                         {"reason", sanitised(reason)},
                                         {"by", workspace.actor()},
                                         {"jobs", workspace.site().jobs}},
                                        run_id}};
  if (acting.automatic) begin.front().body["automatic"] = true;
  if (const auto& ci = plan.forecast.ci; contract.kind == RunKind::kRollback && ci && never_passed(*ci)) {
    const IncidentId beside = TRY(new_incident(journal, contract.site));
    begin.push_back({EventType::kIncidentOpened,
                     {{"incident", beside.str()},
                      {"about", "ci"},
                      {"version", contract.to.str()},
                      {"why", never_passed_words(contract.to, *ci)}},
                     run_id});
  }
  // Of a plan that was only weighed until now: without it nobody could take this run up again.
  if (!TRY(journal.plan(contract.site, plan.id))) begin.insert(begin.begin(), {EventType::kPlanMade, to_json(plan)});
  TRY(journal.append(contract.site, lease->token(), std::move(begin)));
  if (contract.kind == RunKind::kRollback) TRY_VOID(save_evidence(workspace, run_id, lease->token()));
  return carry(workspace, plan, run_id, run::Wish::kCarryOn, false, *lease, acting);
}

Result<Finished> take_up(const Workspace& workspace, const RunId& run, run::Wish wish, Acting& acting) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  std::optional<journal::RunRow> row;
  for (journal::RunRow& each : TRY(journal.runs(site, 100)))
    if (run.empty() ? each.open() : each.id == run || each.incident.str() == run.str()) {
      row = std::move(each);
      break;
    }
  if (!row && run.empty())
    return Error{Code::kNotFound, "no run on " + site.str() + " is unfinished: nothing to do",
                 "see what happened: backout log"};
  if (!row)
    return Error{Code::kNotFound, "there is no run '" + one_line(run.str()) + "' on " + site.str(),
                 "see them: backout log"};
  if (!row->open())
    return Error{Code::kNotFound, fmt::format("{} has ended ({}): nothing to do", row->id, row->state),
                 "see what happened: backout log " + row->id.str()};
  const Plan plan = TRY(told(workspace, *row)).plan;
  const auto lease = TRY(run::LeaseKeeper::take(
      journal, site, (wish == run::Wish::kTurnBack ? "abort of " : "resume of ") + row->id.str(), acting.stop));
  return carry(workspace, plan, row->id, wish, true, *lease, acting);
}

Result<void> make_way(const Workspace& workspace, Acting& acting, const PlanRequest* next) {
  const auto open = TRY(unfinished(workspace));
  if (!open) return {};
  // Unfinished, because somebody is at it: that is what to say, and to whom to talk.
  if (const auto lease = TRY(workspace.journal().holder(workspace.site().id)))
    return Error{Code::kBusy,
                 fmt::format("{} is held by {} since {}, doing: {}", workspace.site().id, lease->holder,
                             to_hms(lease->since), lease->doing),
                 "wait, or look: backout status"};
  const Told run = TRY(told(workspace, *open));
  const run::Ways ways = run::ways_out(run.state, run.plan);
  if (!ways.replace || (ways.stuck && next == nullptr)) return is_unfinished(*open, run);
  if (ways.stuck) {
    const Plan plan = TRY(draft_plan(workspace, *next).with_context(open->id.str() + " is left unfinished"));
    if (!plan.contract.refusals.empty())
      return Error{Code::kRefused,
                   fmt::format("{} is left unfinished, because the plan that would follow may not be run: {}", open->id,
                               join(plan.contract.refusals, "; ")),
                   run::next_steps(ways)};
  }
  const Finished concluded = TRY(take_up(workspace, open->id, run::Wish::kConclude, acting));
  if (!concluded.end.ended)
    return Error{Code::kBusy, fmt::format("{} cannot be closed yet: {}", open->id, concluded.end.why),
                 "look: backout status"};
  return {};
}

}  // namespace backout::app
