#include "app/checking.h"

#include "app/planning.h"
#include "app/target.h"
#include "base/text.h"
#include "run/executor.h"
#include "run/resolve.h"

namespace backout::app {

bool Checked::all_hold() const {
  return !blind() && std::all_of(looks.begin(), looks.end(),
                                 [](const Look& look) { return look.manual || look.sight.kind == SightKind::kHolds; });
}

bool Checked::blind() const {
  return std::all_of(looks.begin(), looks.end(), [](const Look& look) { return look.manual; });
}

Result<Checked> check_now(const Workspace& workspace, const Version& version, bool once,
                          const std::function<void(const Look&)>& seen) {
  Checked checked;
  checked.version = version;
  if (version.empty()) checked.version = TRY(current_release(workspace.journal(), workspace.site().id)).version;
  for (const plan::Offered& offered : TRY(looks_for(workspace, checked.version)))
    for (const Step& step : offered.steps)
      for (const std::string& host : run::hosts_of(step)) {
        Look look{step.id.str(), host, step.title, step.kind == StepKind::kAsk, {}};
        if (!look.manual) {
          const driver::Driver* driver = TRY(workspace.registry().find(step.action.driver));
          Action action = step.action;
          action.args = run::with_host(action.args, host);
          const int attempts = once ? 1 : step.patience.attempts;
          for (int attempt = 1; attempt <= attempts; ++attempt) {
            look.sight = driver->verify(action, *workspace.hosts().at(host), {});
            if (look.sight.kind == SightKind::kHolds || attempt == attempts) break;
            system_clock().wait(step.patience.every, {});
          }
        }
        seen(look);
        checked.looks.push_back(std::move(look));
      }
  return checked;
}

Result<std::string> promote_if_baked(const Workspace& workspace, const Checked& checked) {
  if (!checked.all_hold()) return std::string();
  const Release current = TRY(current_release(workspace.journal(), workspace.site().id));
  if (current.version != checked.version || current.state != ReleaseState::kWatching) return std::string();
  if (to_millis(current.bake_until) == 0 || system_clock().wall() < current.bake_until) return std::string();
  const std::string why = fmt::format("baked since {}, and {} held", to_iso(current.deployed_at),
                                      counted(static_cast<int64_t>(checked.looks.size()), "look"));
  TRY(workspace.journal().append(
      workspace.site().id, 0,
      {{EventType::kReleaseState, {{"release", current.id.str()}, {"state", "known-good"}, {"why", why}}}}));
  return current.version.str() + " is known-good now: " + why;
}

}  // namespace backout::app
