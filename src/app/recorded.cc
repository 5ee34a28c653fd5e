#include "app/recorded.h"

#include "app/session.h"
#include "app/target.h"

namespace backout::app {
namespace {

constexpr int kRunsLookedAt = 100;

/// Evidence of the look by which a run proved that the code runs; null when it proved nothing.
Json proof_in(const Told& run, const Subject& subject, std::string_view member) {
  for (const Step& step : run.plan.contract.steps) {
    if (step.kind != StepKind::kLook || step.phase != Phase::kCheck || step.action.driver != subject.driver) continue;
    const auto found = run.state.evidence.find(step.id.str());
    if (found != run.state.evidence.end() && get(found->second, member).is_object()) return found->second;
  }
  return {};
}

}  // namespace

Result<Json> recorded_of(const Workspace& workspace, const Subject& subject, const Version& version) {
  const std::string_view member = TRY(workspace.registry().find(subject.driver))->release_evidence();
  if (member.empty()) return Json::object();
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  WallTime came{};  // the newest release of that version: what ran before it was another one of the same name
  TRY_VOID(journal.each_release(site, [&](const Release& release) {
    if (release.version == version) came = release.deployed_at;
    return release.version != version;
  }));
  for (const journal::RunRow& row : TRY(journal.runs(site, kRunsLookedAt))) {
    if (row.to != version || row.kind == RunKind::kCheckpoint || row.started_at < came) continue;
    const auto run = told(workspace, row);
    if (!run) continue;  // its plan is gone
    if (Json proof = proof_in(*run, subject, member); !proof.is_null()) return proof;
  }
  const std::vector<Checkpoint> checkpoints = TRY(journal.checkpoints(site));
  const Checkpoint* checkpoint = checkpoint_for(checkpoints, version);
  return checkpoint == nullptr ? Json::object() : saved_part(*checkpoint, subject);
}

}  // namespace backout::app
