#include <cstdio>

#include "app/acting/session.h"
#include "app/backups/points.h"
#include "app/history/releasing.h"
#include "app/planning/planning.h"
#include "base/text.h"
#include "cli/finish.h"
#include "cli/opened.h"
#include "cli/picker.h"
#include "cli/plan_view.h"
#include "cli/progress_view.h"
#include "cli/stage.h"

namespace backout::cli {
namespace {

Result<app::PlanRequest> request_of(const PlanOptions& options) {
  app::PlanRequest request;
  request.kind = options.forward ? RunKind::kForward : RunKind::kRollback;
  if (!options.version.empty()) request.to = TRY(app::checked_version(options.version));
  if (options.code_only && options.db_only)
    return Error{Code::kInvalid, "--code-only and --db-only exclude each other", ""};
  request.code_only = options.code_only;
  request.db_only = options.db_only;
  request.rung = options.rung;
  if (options.to_time.empty()) return request;
  if (options.code_only || options.forward || (!options.rung.empty() && options.rung != "restore"))
    return Error{Code::kInvalid,
                 "--to-time restores the database on the way back: --code-only, --forward and other rungs exclude it",
                 ""};
  request.to_time = TRY(app::checked_moment(options.to_time, system_clock().wall()));
  request.rung = "restore";
  return request;
}

Result<Plan> saved_plan(const app::Workspace& workspace, const std::string& id) {
  auto plan = TRY(workspace.journal().plan(workspace.site().id, PlanId(id)));
  if (!plan)
    return Error{Code::kNotFound, "there is no plan '" + one_line(id) + "' on " + workspace.site().id.str(),
                 "make one: backout plan"};
  return std::move(*plan);
}

/// Asked before anything is begun: y/N, or the site's name when a database will be replaced.
Result<void> confirmed(const app::Workspace& workspace, const Plan& plan) {
  const bool replaces = plan.contract.database_rung == "restore" || plan.contract.database_rung == "step-down";
  const std::string verb = plan.contract.kind == RunKind::kForward ? "Take" : "Roll";
  const std::string question =
      fmt::format("{} {} {} to {} now?", verb, workspace.site().id.str(),
                  plan.contract.kind == RunKind::kForward ? "forward" : "back", plan.contract.to.str());
  if (!TRY(confirm(question, replaces ? workspace.site().name : "")))
    return Error{Code::kRefused, "not confirmed; nothing was begun", ""};
  return {};
}

/// A question that nobody can answer must not be met behind a closed door.
Result<void> somebody_is_there(const Plan& plan) {
  if (can_ask()) return {};
  for (const Step& step : plan.contract.steps)
    if (step.kind == StepKind::kAsk && get_int(step.action.args, "within_ms") == 0)  // else it is waited for
      return Error{
          Code::kRefused,
          fmt::format("'{}' asks a person ({}), and standard input is not a terminal", step.id,
                      one_line(get_string(step.action.args, "question"))),
          "run it on a terminal, take the question out of checks, or say how long to wait for an answer: within"};
  return {};
}

Result<int> run_rollback(const Globals& globals, const RollbackOptions& options) {
  if (trimmed(options.reason).empty())
    return Error{Code::kInvalid, "a rollback needs a reason: it goes into the record", "say it: --reason \"...\""};
  if (options.pick && (!options.plan.version.empty() || !options.plan_id.empty()))
    return Error{Code::kInvalid, "--pick and a version or a plan exclude each other", ""};
  const auto workspace = TRY(open(globals));
  PlanOptions wanted = options.plan;
  if (options.pick) wanted.version = TRY(picked(*workspace)).str();
  Stage stage(globals);
  const app::PlanRequest request = TRY(request_of(wanted));
  TRY_VOID(app::make_way(*workspace, stage.acting(), &request));
  if (options.plan_id.empty()) stage.acting().looked = TRY(app::looking_now(*workspace));
  const Plan plan =
      options.plan_id.empty() ? TRY(app::make_plan(*workspace, request)) : TRY(saved_plan(*workspace, options.plan_id));
  if (!globals.json && !globals.quiet) std::printf("%s\n", view_of(plan).c_str());
  if (!plan.contract.refusals.empty())
    return Error{Code::kRefused, "this plan may not be run: " + join(plan.contract.refusals, "; "),
                 "mend that, or choose another target: backout releases"};
  TRY_VOID(somebody_is_there(plan));
  if (!options.yes) TRY_VOID(confirmed(*workspace, plan));
  return finish(globals, stage, *workspace, TRY(app::start(*workspace, plan, options.reason, stage.acting())));
}

}  // namespace

int plan(const Globals& globals, const PlanOptions& options) {
  const auto made = [&]() -> Result<Plan> {
    const auto workspace = TRY(open(globals));
    return app::make_plan(*workspace, TRY(request_of(options)));
  }();
  if (!made) return fail(made.error());
  if (globals.json)
    print_json(to_json(*made));
  else
    std::printf("%s", view_of(*made).c_str());
  return made->contract.refusals.empty() ? 0 : 3;
}

int rollback(const Globals& globals, const RollbackOptions& options) {
  const auto exit = run_rollback(globals, options);
  return exit ? *exit : fail(exit.error());
}

}  // namespace backout::cli
