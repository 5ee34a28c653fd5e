#include <unistd.h>
#include <climits>

#include "app/history/ci.h"
#include "app/history/releasing.h"
#include "app/planning/deploying.h"
#include "app/watching/baking.h"
#include "app/watching/checking.h"
#include "app/watching/log_level.h"
#include "app/watching/vigil.h"
#include "base/text.h"
#include "cli/finish.h"
#include "cli/opened.h"
#include "cli/stage.h"
#include "cli/vigil_view.h"

namespace backout::cli {
namespace {

int not_good(const app::Checked& checked) {
  for (const app::Look& look : checked.looks)
    if (!look.manual && look.sight.kind != SightKind::kHolds)
      std::fprintf(stderr, "%s on %s: %s\n", look.step.c_str(), look.host.c_str(), one_line(look.sight.why).c_str());
  std::fprintf(stderr,
               "NOT good: its checks stopped holding while it was watched\n  go back: backout plan, then backout "
               "rollback --reason \"...\"\n");
  return 5;
}

/// What the signals leave of a success: a release that is not good, or that nobody saw, is none.
int judged(const Globals& globals, const std::vector<Evidence>& evidence, Millis span) {
  if (!globals.quiet && !globals.json) tell_evidence(evidence);
  const app::SignalsSaid said = app::said_by(evidence);
  if (!said.alarm.empty()) {
    std::fprintf(stderr, "NOT good: %s\n  go on: backout decide\n", sanitised(said.alarm).c_str());
    return 5;
  }
  if (!said.bad_before.empty()) {
    std::fprintf(stderr, "NOT good: %s\n  go on: backout decide\n", sanitised(said.bad_before).c_str());
    return 5;
  }
  if (!said.blind.empty()) {
    std::fprintf(stderr, "NOT judged: %s\n  nothing was seen of it in %s: mend the signal, then backout decide\n",
                 sanitised(said.blind).c_str(), for_people(span).c_str());
    return 5;
  }
  return 0;
}

/// Looks again and again: signals and checks every second. A look that does not hold twice running ends it, and so does
/// a verdict to go back.
int watch_for(const Globals& globals, Millis span, const app::Workspace& workspace, app::Acting& acting) {
  auto vigil = app::Vigil::open(workspace, std::max(span, workspace.site().bake), "deploy");
  if (!vigil) return fail(vigil.error()), 5;
  const BootTime end = system_clock().boot() + span;
  int bad_rounds = 0;
  std::vector<Evidence> evidence;
  while (system_clock().boot() < end) {
    const auto checked = app::check_now(workspace, {}, true, [](const app::Look&) {});
    if (!checked) return fail(checked.error());
    bad_rounds = checked->all_hold() ? 0 : bad_rounds + 1;
    if (!vigil->no_signals()) {
      auto round = vigil->step(false, bad_rounds == 1 ? nullptr : &*checked, acting.stop.get_token());
      if (!round) return fail(round.error()), 5;
      tell_round(globals, *round);
      evidence = std::move(round->evidence);
      if (const auto exit = act_on(globals, workspace, *vigil)) return *exit == 0 ? 1 : *exit;
      if (vigil->last() && vigil->last()->decision.verdict == Verdict::kRollBack) {
        if (const auto written = app::bake(workspace, *checked, evidence); !written) return fail(written.error());
        std::ignore = judged(globals, evidence, span);
        return 5;
      }
    }
    if (bad_rounds == 2) {
      if (const auto written = app::bake(workspace, *checked); !written) return fail(written.error());
      return not_good(*checked);
    }
    if (!system_clock().wait(Millis(1000), acting.stop.get_token())) return 4;
  }
  return judged(globals, evidence, span);
}

/// Stays for watch.first.
int watch_first(const Globals& globals, const app::Workspace& workspace, app::Acting& acting) {
  const Millis span = workspace.site().watch.first;
  if (span == Millis(0)) return 0;
  if (!globals.quiet && !globals.json) std::printf("watching for %s\n", for_people(span).c_str());
  if (const auto raised = app::raise_log_level(workspace, system_clock().wall() + span, "deploy watches"); !raised)
    std::fprintf(stderr, "note: the log level is not raised: %s\n", sanitised(raised.error().message).c_str());
  const int exit = watch_for(globals, span, workspace, acting);
  if (const auto back = app::put_log_level_back(workspace, true, "deploy watched"); !back)
    std::fprintf(stderr, "note: the log level is still raised: %s\n  next: backout tick\n",
                 sanitised(back.error().message).c_str());
  return exit;
}

Result<int> run_deploy(const Globals& globals, const DeployOptions& options) {
  if (options.command.empty())
    return Error{Code::kInvalid, "no deploy command was given", "backout deploy --version V -- COMMAND..."};
  if (options.version.empty())
    return Error{Code::kInvalid, "the release needs a name", "backout deploy --version V -- COMMAND..."};
  const auto timeout = parse_duration(options.timeout);
  if (!timeout)
    return Error{Code::kInvalid, "--timeout '" + one_line(options.timeout) + "' is no duration",
                 "such as 30s, 10m, 1h"};
  if (*timeout <= Millis(0))
    return Error{Code::kInvalid, "--timeout '" + one_line(options.timeout) + "' leaves the deploy command no time",
                 "such as 30s, 10m, 1h"};
  app::DeployRequest request;
  request.version = TRY(app::checked_version(options.version));
  request.commit = options.commit;
  request.command.argv = options.command;
  request.command.timeout = *timeout;
  char here[PATH_MAX];
  if (getcwd(here, sizeof here) != nullptr) request.command.cwd = here;
  const auto workspace = TRY(open(globals));
  Stage stage(globals);
  TRY_VOID(app::make_way(*workspace, stage.acting()));
  stage.acting().looked = TRY(app::looking_now(*workspace));
  const Plan plan = TRY(app::plan_deploy(*workspace, request));
  const int exit = finish(globals, stage, *workspace,
                          TRY(app::start(*workspace, plan, "deploy of " + options.version, stage.acting())));
  if (const auto serving = workspace->journal().serving(workspace->site().id); serving && serving->current)
    std::ignore = app::refresh_ci(*workspace, *serving->current);
  return exit == 0 ? watch_first(globals, *workspace, stage.acting()) : exit;
}

Result<int> run_checkpoint(const Globals& globals) {
  const auto workspace = TRY(open(globals));
  Stage stage(globals);
  stage.acting().looked = TRY(app::looking_now(*workspace));
  const Plan plan = TRY(app::plan_deploy(*workspace, {}));
  return finish(globals, stage, *workspace, TRY(app::start(*workspace, plan, "checkpoint", stage.acting())));
}

}  // namespace

int deploy(const Globals& globals, const DeployOptions& options) {
  const auto exit = run_deploy(globals, options);
  return exit ? *exit : fail(exit.error());
}

int checkpoint(const Globals& globals) {
  const auto exit = run_checkpoint(globals);
  return exit ? *exit : fail(exit.error());
}

}  // namespace backout::cli
