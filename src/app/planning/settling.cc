#include "app/planning/settling.h"

namespace backout::app {

Step record_step(const std::string& id, Phase phase, EventType type, Json body, std::string title,
                 std::vector<StepId> needs) {
  Step step;
  step.id = StepId(id);
  step.phase = phase;
  step.kind = StepKind::kRecord;
  step.title = std::move(title);
  step.needs = std::move(needs);
  step.action = {"journal", std::string(name_of(type)), std::move(body)};
  step.repeatable = true;
  step.has_probe = true;
  return step;
}

std::vector<Step> settle_records(const Contract& contract, const Release& from, const Release& to,
                                 const std::vector<Step>& database_steps) {
  std::vector<Step> steps;
  const bool back = contract.kind == RunKind::kRollback;
  steps.push_back(record_step("record-current", Phase::kSettle, EventType::kReleaseCurrent,
                              {{"release", to.id.str()},
                               {"version", to.version.str()},
                               {"why", back ? "rolled back to" : "went forward again to"}},
                              "the journal says that " + to.version.str() + " runs"));
  if (back && from.version != to.version)
    steps.push_back(record_step("record-bad", Phase::kSettle, EventType::kReleaseState,
                                {{"release", from.id.str()}, {"state", "bad"}, {"why", "rolled back from, in {run}"}},
                                from.version.str() + " is marked bad", {StepId("record-current")}));
  if (!back)
    steps.push_back(
        record_step("record-watching", Phase::kSettle, EventType::kReleaseState,
                    {{"release", to.id.str()}, {"state", "watching"}, {"why", "went forward again, in {run}"}},
                    to.version.str() + " is watched again", {StepId("record-current")}));
  for (const Step& step : database_steps) {
    if (step.phase != Phase::kSettle || step.kind != StepKind::kEffect) continue;
    // What settle keeps is the database of `from`: with it the site can go the other way again, rows and all.
    steps.push_back(record_step(
        "record-kept", Phase::kSettle, EventType::kCheckpointTaken,
        {{"checkpoint", "K-{run}"},
         {"version", from.version.str()},
         {"verified", true},
         {"parts",
          {{{"driver", step.action.driver}, {"subject", step.action.driver}, {"evidence_of", step.id.str()}}}}},
        "the database of " + from.version.str() + " is kept", {step.id, StepId("record-current")}));
  }
  return steps;
}

}  // namespace backout::app
