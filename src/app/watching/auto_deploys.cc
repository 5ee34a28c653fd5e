#include "app/watching/auto_deploys.h"

#include <set>

#include "app/history/runs.h"
#include "base/text.h"
#include "run/executor.h"
#include "run/lease_keeper.h"
#include "run/resolve.h"

namespace backout::app {
namespace {

constexpr int kRollbacksLookedAt = -1;  // all: a cause may stay open for long

bool is_of_a_deployer(const Step& step) {
  return step.action.driver == "auto-deploy" || step.action.driver == "coolify";
}
bool is_pause(const Step& step) { return step.action.verb == "pause" && step.undo && is_of_a_deployer(step); }
/// What was found paused: nobody's to let go on, and watched all the same.
bool is_rest(const Step& step) { return step.action.verb == "rests" && is_of_a_deployer(step); }

/// Of one rollback.
Result<std::vector<PausedDeploy>> paused_by(const Workspace& workspace, const journal::RollbackRow& row) {
  std::vector<PausedDeploy> paused;
  if (row.run.state != "done" && row.run.state != "unverified") return paused;
  const auto plan = TRY(workspace.journal().plan(workspace.site().id, row.run.plan));
  if (!plan) return paused;
  for (const Step& step : plan->contract.steps)
    if (is_pause(step) || is_rest(step))
      paused.push_back({row.run.id, row.run.from, row.run.to, step, run::hosts_of(step)});
  if (paused.empty()) return paused;
  std::set<std::string> gone_on;
  for (const Event& event : TRY(workspace.journal().read(workspace.site().id, 0, row.run.id)))
    if (event.type == EventType::kDeploysResumed && get_string(event.body, "result") == "resumed")
      gone_on.insert(get_string(event.body, "step") + " " + get_string(event.body, "host"));
  for (PausedDeploy& each : paused)
    std::erase_if(each.hosts,
                  [&](const std::string& host) { return gone_on.contains(each.step.id.str() + " " + host); });
  std::erase_if(paused, [](const PausedDeploy& each) { return each.hosts.empty(); });
  return paused;
}

Result<Sight> let_go_on(const Workspace& workspace, const PausedDeploy& paused, const std::string& host,
                        int64_t token) {
  const driver::Driver* driver = TRY(workspace.registry().find(paused.step.action.driver));
  Action resume = TRY(run::resolved(*paused.step.undo, host, paused.run.str(), workspace.runs_directory(), {}));
  resume.args["resolved"] = true;  // and not an abort, after which the release that was left serves again
  host::Host& target = *workspace.hosts().at(host);
  if (Sight already = driver->verify(resume, target, {}); already.kind == SightKind::kHolds) return already;
  const host::Guard guard{workspace.site().id.str(), workspace.journal().id(), token};
  TRY_VOID(target.claim(guard));
  const host::Command command = TRY(driver->command(resume, target));
  const host::AttemptId attempt("resume-deploys." + random_hex(6));
  const auto result = target.attempt(guard, attempt, command, [](std::string_view) {}, {});
  (void)target.forget(guard, {});  // only under the lease, and without an unfinished run: nothing else is there
  if (!result) return result.error();
  if (!result->ok()) return Error{Code::kUnavailable, one_line(result->why_not_ok() + " " + result->err), ""};
  Sight sight;
  for (int tried = 0; tried < 8; ++tried) {
    sight = driver->verify(resume, target, {});
    if (sight.kind == SightKind::kHolds) break;
    system_clock().wait(Millis(250), {});
  }
  return sight;
}

}  // namespace

Result<std::vector<PausedDeploy>> must_stay_paused(const Workspace& workspace, const Version& version) {
  std::vector<PausedDeploy> all;
  std::set<std::string> looked_at;  // newest first: a later run says how it must be now
  for (const journal::RollbackRow& row : TRY(workspace.journal().rollbacks(workspace.site().id, kRollbacksLookedAt))) {
    const bool blocked = row.left && row.left->blocked();
    for (PausedDeploy& each : TRY(paused_by(workspace, row))) {
      if (!blocked && !is_pause(each.step)) continue;  // a pause holds until it has gone on, whatever is resolved
      const std::string name = each.step.action.driver + " " + get_string(each.step.action.args, "name") + " ";
      std::erase_if(each.hosts, [&](const std::string& host) { return !looked_at.insert(name + host).second; });
      if (each.hosts.empty()) continue;
      // Another release may serve from another commit by now; that none comes by itself holds until the cause is known.
      if (each.to != version) each.step.action.args["any_commit"] = true;
      all.push_back(std::move(each));
    }
  }
  return all;
}

Result<ResumedDeploys> resume_deploys(const Workspace& workspace) {
  ResumedDeploys resumed;
  const SiteId& site = workspace.site().id;
  std::vector<PausedDeploy> all;
  for (const journal::RollbackRow& row : TRY(workspace.journal().rollbacks(site, kRollbacksLookedAt))) {
    for (PausedDeploy& each : TRY(paused_by(workspace, row)))
      if (is_pause(each.step)) all.push_back(std::move(each));
    if (row.left && row.left->blocked() && resumed.waits_for.empty()) resumed.waits_for = row.left->version.str();
  }
  if (all.empty()) resumed.waits_for.clear();
  if (all.empty() || !resumed.waits_for.empty()) return resumed;
  if (const auto run = TRY(unfinished(workspace)))
    return Error{Code::kBusy, fmt::format("{} is unfinished: what deploys by itself stays paused", run->id),
                 "backout status"};
  const auto lease = TRY(run::LeaseKeeper::take(workspace.journal(), site, "letting go on what deploys by itself", {}));
  for (const PausedDeploy& each : all)
    for (const std::string& host : each.hosts) {
      const auto say = [&](const char* result, const std::string& why) {
        return workspace.journal().append(site, lease->token(),
                                          {{EventType::kDeploysResumed,
                                            {{"run", each.run.str()},
                                             {"step", each.step.id.str()},
                                             {"host", host},
                                             {"result", result},
                                             {"why", shortened(one_line(why), 300)}},
                                            each.run}});
      };
      TRY(say("resuming", "the cause is resolved"));
      const auto sight = let_go_on(workspace, each, host, lease->token());
      const bool done = sight && sight->kind == SightKind::kHolds;
      const std::string why = sight ? sight->why : sight.error().message;
      TRY(say(done ? "resumed" : "failed", why));
      resumed.deploys.push_back({each.step.id.str(), host, done, one_line(why)});
    }
  return resumed;
}

}  // namespace backout::app
