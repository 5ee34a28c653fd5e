#include "cli/vigil_view.h"

#include <algorithm>
#include <cstdio>

#include "app/acting/session.h"
#include "app/history/releasing.h"
#include "base/text.h"
#include "cli/finish.h"
#include "cli/opened.h"
#include "cli/stage.h"
#include "decide/explain.h"

namespace backout::cli {

void tell_evidence(const std::vector<Evidence>& evidence) {
  for (const Evidence& each : evidence) std::printf("  %s\n", sanitised(app::line_of(each)).c_str());
}

void tell_round(const Globals& globals, const app::VigilRound& round) {
  if (globals.json) return;
  for (const std::string& remark : round.remarks)
    if (!globals.quiet) std::fprintf(stderr, "  note: %s\n", one_line(remark).c_str());
  if (round.news && !globals.quiet) {
    std::printf("%s\n", to_hms(system_clock().wall()).c_str());
    tell_evidence(round.evidence);
  }
  if (round.decided && (round.decided->decision.verdict != Verdict::kMonitor || !globals.quiet))
    for (const std::string& line : decide::explained(round.decided->decision))
      std::printf("%s\n", sanitised(line).c_str());
  std::fflush(stdout);
}

std::optional<int> act_on(const Globals& globals, const app::Workspace& workspace, const app::Vigil& vigil) {
  if (!vigil.may_act(system_clock().wall())) return std::nullopt;
  const app::Decided& decided = *vigil.last();
  for (const Step& step : decided.plan->contract.steps)
    if (step.kind == StepKind::kAsk && get_int(step.action.args, "within_ms") == 0) {
      if (vigil.just_decided())
        std::fprintf(stderr, "not by itself: '%s' asks a person\n  go back: backout rollback --reason \"...\"\n",
                     one_line(step.id.str()).c_str());
      return std::nullopt;
    }
  const std::string reason = "by itself: " + decided.decision.reason;
  if (!globals.json && !globals.quiet)
    std::printf("goes back by itself: %s\n", one_line(decided.decision.automatic_why).c_str());
  std::fflush(stdout);
  Stage stage(globals);
  stage.acting().automatic = true;
  const auto finished = app::start(workspace, *decided.plan, reason, stage.acting());
  if (!finished) {
    stage.end_of_progress();
    return fail(finished.error());
  }
  return finish(globals, stage, workspace, *finished);
}

int exit_by(const std::vector<Evidence>& evidence) {
  const app::SignalsSaid said = app::said_by(evidence);
  if (!said.alarm.empty() || !said.bad_before.empty()) return 1;
  return said.blind.empty() ? 0 : 4;
}

}  // namespace backout::cli
