#include "app/planning/looks.h"

#include "app/history/recorded.h"
#include "app/history/target.h"
#include "app/site/subject.h"

namespace backout::app {

Result<std::vector<plan::Offered>> looks_for(const Workspace& workspace, const Version& version) {
  std::vector<plan::Offered> looks;
  Journey journey{RunKind::kDeploy, version, version, nullptr, {}, ""};
  TRY_VOID(workspace.journal().each_release(workspace.site().id, [&](const Release& release) {
    if (release.version == version) journey.to_commit = release.commit;
    if (release.version != version && release.state == ReleaseState::kBad)
      journey.bad_versions.push_back(release.version.str());
    return release.version != version || workspace.site().traffic.has_value();
  }));
  const std::vector<Checkpoint> checkpoints = TRY(workspace.journal().checkpoints(workspace.site().id));
  journey.noted = checkpoint_for(checkpoints, version);
  if (journey.noted == nullptr && !checkpoints.empty()) journey.noted = &checkpoints.front();
  for (const Subject& subject : subjects_of(workspace.site())) {
    const bool serves = subject.part == plan::Part::kCode || subject.part == plan::Part::kService ||
                        subject.part == plan::Part::kTraffic;
    if (!serves && subject.part != plan::Part::kCheck) continue;
    if (!workspace.registry().find(subject.driver)) continue;
    if (subject.part == plan::Part::kCode) journey.recorded = TRY(recorded_of(workspace, subject, version));
    plan::Offered offered{subject.part, {}};
    for (Step& step : TRY(offers(workspace, subject, journey, {}))) {
      if (!is_look(step)) continue;
      step.needs.clear();
      offered.steps.push_back(std::move(step));
    }
    looks.push_back(std::move(offered));
  }
  return looks;
}

}  // namespace backout::app
