#include "app/watching/checking.h"

#include "app/history/answering.h"
#include "app/history/target.h"
#include "app/planning/looks.h"
#include "app/signals/log_memory.h"
#include "app/watching/auto_deploys.h"
#include "base/text.h"
#include "driver/final_sight.h"
#include "run/executor.h"
#include "run/resolve.h"

namespace backout::app {

namespace {

Result<Sight> take_look(const Workspace& workspace, const Step& step, const std::string& host,
                        const std::map<std::string, Json>& memory, bool once) {
  const driver::Driver* driver = TRY(workspace.registry().find(step.action.driver));
  Action action = step.action;
  if (is_scan(step)) action = remembering(std::move(action), memory_key(step, host), memory);
  action.args = run::with_host(action.args, host);
  const int attempts = once ? 1 : step.patience.attempts;
  Sight sight;
  driver::FinalLooks final_looks;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    sight = driver->verify(action, *workspace.hosts().at(host), {});
    if (sight.kind == SightKind::kHolds || attempt == attempts || final_looks.enough(sight)) break;
    system_clock().wait(step.patience.every, {});
  }
  return sight;
}

}  // namespace

bool Checked::all_hold() const {
  return !blind() && std::all_of(looks.begin(), looks.end(),
                                 [](const Look& look) { return look.manual || look.sight.kind == SightKind::kHolds; });
}

std::map<std::string, std::string> Checked::versions() const {
  std::map<std::string, std::string> by_host;
  for (const Look& look : looks)
    if (const std::string told = get_string(look.sight.evidence, "version"); !told.empty()) by_host[look.host] = told;
  return by_host;
}

bool Checked::blind() const {
  return std::all_of(looks.begin(), looks.end(), [](const Look& look) { return look.manual; });
}

Result<Checked> check_now(const Workspace& workspace, const Version& version, bool once,
                          const std::function<void(const Look&)>& seen, run::Asker* asker) {
  Checked checked;
  checked.version = version;
  if (version.empty()) checked.version = TRY(current_release(workspace.journal(), workspace.site().id)).version;
  std::vector<Step> steps;
  for (plan::Offered& offered : TRY(looks_for(workspace, checked.version)))
    std::move(offered.steps.begin(), offered.steps.end(), std::back_inserter(steps));
  std::stable_partition(steps.begin(), steps.end(), [](const Step& step) { return !is_scan(step); });
  const bool scans = !steps.empty() && is_scan(steps.back());
  const std::map<std::string, Json> memory = scans ? TRY(log_memory(workspace)) : std::map<std::string, Json>();
  for (const Step& step : steps)
    for (const std::string& host : run::hosts_of(step)) {
      Look look{step.id.str(), host, step.title, step.kind == StepKind::kAsk, {}};
      if (look.manual && asker != nullptr) {
        const run::Asker::Answer answer = TRY(sign_off(workspace, step, checked.version, *asker));
        const std::string said = fmt::format("answered '{}' by {}{}", answer.words, answer.by,
                                             answer.note.empty() ? "" : ": " + answer.note);
        look.sight = answer.yes ? Sight::holds(said) : Sight::does_not_hold(said);
        look.manual = false;
      } else if (!look.manual) {
        look.sight = TRY(take_look(workspace, step, host, memory, once));
      }
      seen(look);
      checked.looks.push_back(std::move(look));
    }
  for (const PausedDeploy& paused : TRY(must_stay_paused(workspace, checked.version)))
    for (const std::string& host : paused.hosts) {
      Step step = paused.step;
      step.action = TRY(run::resolved(step.action, host, paused.run.str(), workspace.runs_directory(), {}));
      Look look{step.id.str(), host, "since " + paused.run.str() + ": " + step.title, false, {}};
      look.sight = TRY(take_look(workspace, step, host, memory, true));  // it does not pause itself after a while
      seen(look);
      checked.looks.push_back(std::move(look));
    }
  return checked;
}

}  // namespace backout::app
