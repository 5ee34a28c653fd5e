#include "app/history/recorded.h"

#include <thread>

#include "app/history/runs.h"
#include "app/history/target.h"

namespace backout::app {
namespace {

constexpr int kRunsLookedAt = 100;
constexpr std::string_view kFiles = "config";  // of a checkpoint's part: what went with the release
constexpr Millis kJustStarted{5000};

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
  Json noted = Json::object();
  TRY_VOID(journal.each_release(site, [&](const Release& release) {
    if (release.version == version) came = release.deployed_at;
    if (release.version == version) noted = release.code;
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
  if (checkpoint == nullptr || (!noted.empty() && checkpoint->taken_at < came)) return noted;
  return saved_part(*checkpoint, subject);
}

Result<Json> seen_to_run(const Workspace& workspace, const Version& version) {
  Json seen = Json::object();
  for (const Subject& subject : subjects_of(workspace.site())) {
    if (subject.part != plan::Part::kCode || subject.driver != "compose") continue;
    const driver::Driver* driver = TRY(workspace.registry().find(subject.driver));
    for (const Step& step : TRY(offers(workspace, subject, {RunKind::kDeploy, version, version}, {}))) {
      if (!is_look(step)) continue;
      for (const std::string& host : step.hosts) {
        host::Host& target = *workspace.hosts().at(host);
        const WallTime began = system_clock().wall();
        Sight sight = driver->verify(step.action, target, {});
        while (sight.kind == SightKind::kDoesNotHold && system_clock().wall() - began < kJustStarted) {
          std::this_thread::sleep_for(Millis(250));
          sight = driver->verify(step.action, target, {});
        }
        if (sight.kind != SightKind::kHolds) return Error{Code::kNotFound, sight.why, ""};
        seen.merge_patch({{driver->release_evidence(), get(sight.evidence, std::string(driver->release_evidence()))}});
      }
    }
  }
  return seen;
}

Result<Json> kept_when_left(const Workspace& workspace, const Subject& subject, const Version& version) {
  const std::string_view member = TRY(workspace.registry().find(subject.driver))->release_evidence();
  Json kept = Json::object();
  for (const journal::RollbackRow& row : TRY(workspace.journal().rollbacks(workspace.site().id, kRunsLookedAt))) {
    if (row.run.from != version) continue;
    const auto run = told(workspace, row.run);
    if (!run) continue;  // its plan is gone
    for (const Step& step : run->plan.contract.steps) {
      if (step.phase != Phase::kPrepare || step.action.driver != subject.driver) continue;
      const auto found = run->state.evidence.find(step.id.str());
      if (found == run->state.evidence.end()) continue;
      for (const std::string_view key : {kFiles, member})  // the rest is of the release that it went to
        if (!key.empty() && get(found->second, key).is_object()) kept[std::string(key)] = get(found->second, key);
    }
    return kept;
  }
  return kept;
}

}  // namespace backout::app
