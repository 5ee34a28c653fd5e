#include "cli/finish.h"

#include <cstdio>

#include "app/history/runs.h"
#include "app/planning/deploying.h"
#include "base/text.h"
#include "cli/opened.h"
#include "record/report.h"
#include "record/summary.h"

namespace backout::cli {
namespace {

std::string verdict(const app::Finished& finished, const app::Told& told) {
  const Contract& contract = finished.plan.contract;
  const std::string to = one_line(contract.to.str());
  const run::RunEnd& end = finished.end;
  if (end.result == "done") {
    switch (contract.kind) {
      case RunKind::kRollback: return "Rolled back and verified: " + to + " serves.";
      case RunKind::kForward: return "Gone forward again and verified: " + to + " serves.";
      case RunKind::kDeploy: return to + " is deployed and its checks passed; known-good once it has baked.";
      case RunKind::kCheckpoint:
        return "Checkpoint " + contract.checkpoint.str() + " is taken: it brings " + one_line(contract.from.str()) +
               " back.";
    }
  }
  if (end.result == "aborted" && end.exit == 0)
    return "Put back as it was found: " + one_line(contract.from.str()) + ".";
  if (end.result == "aborted" && end.exit == 5) return "NOT done: " + end.why;
  if (end.result == "aborted")
    return "NOT done: " + end.why + ". Everything was put back; " + one_line(contract.from.str()) + " runs as before.";
  if (end.result == "unverified" && contract.kind == RunKind::kDeploy) {
    const auto& command = told.state.at({app::kDeployStep, "local", run::Purpose::kApply}).outcome;
    if (command && !command->succeeded()) return to + " is NOT deployed, or only in part: " + end.why;
    return to + " is deployed but NOT good: " + end.why;
  }
  if (end.exit == 4) return "Stopped: " + end.why;
  const bool forward = contract.kind == RunKind::kForward;
  if (end.exit == 5 && told.state.door_opened)
    return fmt::format("{}: {} serves, but {}", forward ? "Gone forward" : "Rolled back", to, end.why);
  return "NOT " + std::string(forward ? "gone forward" : "rolled back") + ": " + end.why;
}

std::string next(const app::Finished& finished, const app::Told& told) {
  const run::RunEnd& end = finished.end;
  const std::string name = finished.incident.empty() ? finished.run.str() : finished.incident.str();
  if (end.result == "done" && !finished.incident.empty()) return "report: backout report " + name;
  if (end.result == "unverified" && finished.plan.contract.kind == RunKind::kDeploy)
    return "look: backout verify      go back: backout plan, then backout rollback --reason \"...\"";
  if (end.ended) return end.exit == 0 ? "" : "look: backout log " + name;
  if (end.exit == 3) return "look who: backout status";
  return run::next_steps(run::ways_out(told.state, told.plan),
                         end.exit == 5 ? "backout log " + name : std::string("backout status"));
}

}  // namespace

int finish(const Globals& globals, Stage& stage, const app::Workspace& workspace, const app::Finished& finished) {
  stage.end_of_progress();
  const auto events = workspace.journal().read(workspace.site().id);
  if (globals.json) {
    Json value = {{"run", finished.run.str()},      {"incident", finished.incident.str()},
                  {"plan", finished.plan.id.str()}, {"result", finished.end.result},
                  {"exit", finished.end.exit},      {"why", finished.end.why},
                  {"step", finished.end.step},      {"host", finished.end.host}};
    if (events) value["report"] = record::to_json(record::make_report(*events, finished.run));
    print_json(std::move(value));
    return finished.end.exit;
  }
  const app::Told told{finished.plan, events ? run::fold(*events, finished.run, finished.plan) : run::RunState{}};
  FILE* where = finished.end.exit == 0 ? stdout : stderr;
  std::fflush(stdout);
  std::fprintf(where, "\n%s\n", sanitised(verdict(finished, told)).c_str());
  if (events)
    for (const std::string& line : record::summary(record::make_report(*events, finished.run)))
      std::fprintf(where, "  %s\n", sanitised(line).c_str());
  if (const std::string door = run::about_the_door(told.state, told.plan); !finished.end.ended && !door.empty())
    std::fprintf(where, "  %s\n", door.c_str());
  if (const std::string type = next(finished, told); !type.empty()) std::fprintf(where, "  %s\n", type.c_str());
  return finished.end.exit;
}

}  // namespace backout::cli
