#include "app/planning/deploying.h"

#include "app/history/resolving.h"
#include "app/history/target.h"
#include "app/planning/settling.h"
#include "app/signals/log_memory.h"
#include "app/site/subject.h"
#include "base/text.h"
#include "run/recovery.h"

namespace backout::app {
namespace {

/// The evidence of every step that saved something, as the parts of a checkpoint.
Json parts_of(const Subject& subject, const std::vector<Step>& steps) {
  Json parts = Json::array();
  for (const Step& step : steps)
    if (step.phase == Phase::kPrepare)
      parts.push_back({{"driver", subject.driver},
                       {"subject", subject.name},
                       {"step", step.id.str()},
                       {"evidence_of", step.id.str()}});
  return parts;
}

std::vector<StepId> ids_in_prepare(const std::vector<plan::Offered>& offers) {
  std::vector<StepId> ids;
  for (const plan::Offered& offered : offers)
    for (const Step& step : offered.steps)
      if (step.phase == Phase::kPrepare) ids.push_back(step.id);
  return ids;
}

/// What is there before the deploy command: what to save, and which processes it has to replace. A service that does
/// not exist yet may be brought by the deploy.
Result<Seen> seen_before(const Workspace& workspace, const Subject& subject) {
  if (subject.part == plan::Part::kCheck || subject.part == plan::Part::kTraffic) return Seen();
  auto seen = observe(workspace, subject);
  if (!seen && subject.part == plan::Part::kService && seen.error().code == Code::kNotFound) return Seen();
  return seen;
}

Step deploy_step(const DeployRequest& request) {
  Step step;
  step.id = StepId(kDeployStep);
  step.phase = Phase::kSwitch;
  step.title = "your command: " + shortened(one_line(join(request.command.argv, " ")), 100);
  step.needs = {StepId("record-release")};
  step.action = {"command", "deploy", {{"run", to_json(request.command)}}};
  step.timeout = request.command.timeout;
  return step;
}

Release release_of(const DeployRequest& request, const std::string& commit, const Workspace& workspace, int64_t number,
                   const CheckpointId& checkpoint) {
  Release release;
  release.id = ReleaseId(fmt::format("R-{}", number));
  release.version = request.version;
  release.commit = one_line(commit);
  release.state = ReleaseState::kDeploying;
  release.deployed_at = release.state_since = system_clock().wall();
  release.deployed_by = workspace.actor();
  release.checkpoint_before = checkpoint;
  release.why = "its deploy command was started";
  return release;
}

}  // namespace

Result<Plan> plan_deploy(const Workspace& workspace, const DeployRequest& request) {
  const Site& site = workspace.site();
  journal::Journal& journal = workspace.journal();
  const bool checkpoint_only = request.command.argv.empty();
  const auto current = current_release(journal, site.id);
  if (!current && checkpoint_only) return current.error();
  const std::string commit = checkpoint_only || !request.commit.empty()
                                 ? request.commit
                                 : commit_of(site, request.version, request.command.cwd);
  if (!checkpoint_only) TRY_VOID(may_go_out(workspace, request.version, commit));

  plan::Draft draft;
  Contract& contract = draft.contract;
  contract.kind = checkpoint_only ? RunKind::kCheckpoint : RunKind::kDeploy;
  contract.site = site.id;
  contract.from = current ? current->version : Version();
  contract.to = request.version;
  contract.database_rung = "none";
  contract.preconditions = Json::object();
  if (current) contract.preconditions["release"] = current->id.str();

  const CheckpointId id(fmt::format("C-{}", TRY(journal.next_number(site.id, "C"))));
  contract.checkpoint = id;
  Journey journey{
      contract.kind, contract.from, contract.to, nullptr, {}, workspace.checkpoints_directory() + "/" + id.str()};
  journey.from_whole = current && came_whole(*current);
  journey.to_commit = commit;
  Json parts = Json::array();
  bool database = false;
  for (const Subject& subject : subjects_of(site)) {
    // What is in a log is known by its kinds of lines from then on.
    const bool log = subject.driver == "log";
    const bool saves = subject.part == plan::Part::kCode || subject.part == plan::Part::kDatabase || log;
    const bool serves = subject.part == plan::Part::kService || subject.part == plan::Part::kCheck ||
                        subject.part == plan::Part::kTraffic;
    if (!saves && (checkpoint_only || !serves)) continue;
    if (const auto driver = workspace.registry().find(subject.driver); !driver) {
      if (!saves) continue;  // as in looks_for: lint says that it cannot be looked at
      contract.refusals.push_back(subject.name + ": " + driver.error().message);
      continue;
    }
    std::vector<Step> steps = TRY(offers(workspace, subject, journey, TRY(seen_before(workspace, subject))));
    for (Step& step : steps)
      if (is_look(step)) step.phase = Phase::kCheck;  // nothing closes the door: both sides of it are looked at alike
    for (Json& part : parts_of(subject, steps)) parts.push_back(std::move(part));
    database = database || subject.part == plan::Part::kDatabase;
    draft.offers.push_back({subject.part, std::move(steps)});
  }
  scan_last(draft.offers);
  const bool worth_keeping = current.has_value() || checkpoint_only;
  if (worth_keeping) {
    Step record = record_step("record-checkpoint", Phase::kPrepare, EventType::kCheckpointTaken,
                              {{"checkpoint", id.str()},
                               {"taken_at_ms", to_millis(system_clock().wall())},
                               {"version", contract.from.str()},
                               {"verified", database},
                               {"parts", std::move(parts)}},
                              "checkpoint " + id.str() + " brings " + contract.from.str() + " back",
                              ids_in_prepare(draft.offers));
    draft.offers.push_back({plan::Part::kRecord, {std::move(record)}});
  }
  if (!checkpoint_only) {
    const Release release = release_of(request, commit, workspace, TRY(journal.next_number(site.id, "R")),
                                       worth_keeping ? id : CheckpointId());
    draft.offers.push_back({plan::Part::kRecord,
                            {record_step("record-release", Phase::kSwitch, EventType::kReleaseRecorded,
                                         to_json(release), release.version.str() + " is recorded as being deployed")}});
    draft.offers.push_back({plan::Part::kCommand, {deploy_step(request)}});
    const WallTime bake_until = release.deployed_at + site.bake;
    draft.offers.push_back(
        {plan::Part::kRecord,
         {record_step("record-current", Phase::kStart, EventType::kReleaseCurrent,
                      {{"release", release.id.str()}, {"version", release.version.str()}, {"why", "deployed"}},
                      "the journal says that " + release.version.str() + " runs"),
          record_step("record-watching", Phase::kStart, EventType::kReleaseState,
                      {{"release", release.id.str()},
                       {"state", "watching"},
                       {"why", "deployed; its checks come next"},
                       {"bake_until_ms", to_millis(bake_until)}},
                      "known-good once it has baked for " + for_people(site.bake), {StepId("record-current")})}});
  }
  draft.earlier = TRY(journal.step_durations(site.id, contract.kind));
  draft.now = system_clock().wall();
  draft.by = workspace.actor();
  Plan plan = TRY(plan::compose(std::move(draft)));
  TRY(journal.append(site.id, 0, {{EventType::kPlanMade, to_json(plan)}}));
  return plan;
}

std::vector<journal::NewEvent> end_of_deploy(const Plan& plan, const run::RunState& state, const run::RunEnd& end) {
  const auto recorded_release = state.evidence.find("record-release");
  if (recorded_release == state.evidence.end()) return {};
  const std::string release = get_string(recorded_release->second, "release");
  const auto says = [&](std::string_view name, const std::string& why) {
    return journal::NewEvent{EventType::kReleaseState, {{"release", release}, {"state", name}, {"why", why}}};
  };
  const auto held = [&] {  // its bake time begins with these looks
    journal::NewEvent event = says("watching", "its checks passed");
    event.body["held"] = true;
    return event;
  };
  const run::PairState& command = state.at({kDeployStep, "local", run::Purpose::kApply});
  const journal::NewEvent may_run{EventType::kReleaseCurrent,
                                  {{"release", release},
                                   {"version", plan.contract.to.str()},
                                   {"why", "its deploy command was run, at least in part"}}};
  // Intended and found not to have begun comes to the same as never intended.
  switch (command.may_have_run() ? run::recorded(command) : run::Recorded::kNothing) {
    case run::Recorded::kNothing: return {says("failed", "its deploy command was never started")};
    case run::Recorded::kInDoubt:
    case run::Recorded::kUnknown: return {may_run, says("failed", "whether its deploy command finished is Unknown")};
    case run::Recorded::kFailed: return {may_run, says("failed", "its deploy command failed: " + command.outcome->why)};
    case run::Recorded::kSucceeded: break;
  }
  if (end.result == "done") return {held()};
  return {may_run, says("watching", "its deploy command finished, but " + end.why)};
}

}  // namespace backout::app
