#include "app/signals/log_memory.h"

namespace backout::app {
namespace {

constexpr int kRunsLookedAt = 5;

/// "mark-error-log" of a run is about "log-error-log".
std::string key_of_mark(const std::string& mark, const std::string& host) {
  return "log-" + mark.substr(5) + " " + host;
}

}  // namespace

std::string memory_key(const Step& scan, const std::string& host) { return scan.id.str() + " " + host; }

bool is_scan(const Step& step) { return step.action.driver == "log" && step.action.verb == "scan"; }

Result<std::map<std::string, Json>> log_memory(const Workspace& workspace) {
  std::map<std::string, Json> memory;
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  // Newest first: what a newer run said stays.
  for (const journal::RunRow& run : TRY(journal.runs(site, kRunsLookedAt))) {
    if (run.open()) continue;
    std::map<std::string, Json> of_run;
    for (const Event& event : TRY(journal.read(site, 0, run.id))) {
      const std::string step = get_string(event.body, "step"), host = get_string(event.body, "host");
      const Json& evidence = get(get(event.body, "outcome"), "evidence");
      if (event.type == EventType::kStepEnded && step.starts_with("mark-") && evidence.contains("position"))
        of_run[key_of_mark(step, host)] = {{"position", evidence["position"]}, {"kinds", get(evidence, "kinds")}};
    }
    if (const auto plan = TRY(journal.plan(site, run.plan)))
      for (const Step& step : plan->contract.steps)
        if (is_scan(step) && get(step.action.args, "known").is_array())
          for (auto& [key, each] : of_run)
            if (key.starts_with(step.id.str() + " ")) each["kinds"] = step.action.args["known"];
    for (auto& [key, each] : of_run) memory.try_emplace(key, std::move(each));
  }
  const Json watch = TRY(journal.watch(site));
  if (get_bool(watch, "open"))
    for (const auto& [key, position] : get(watch, "positions").items()) memory[key]["position"] = position;
  return memory;
}

Action remembering(Action scan, const std::string& key, const std::map<std::string, Json>& memory) {
  scan.args.erase("since");
  if (const auto known = memory.find(key); known != memory.end()) scan.args["since"] = known->second;
  return scan;
}

void scan_last(std::vector<plan::Offered>& offers) {
  std::vector<StepId> others;
  for (const plan::Offered& offered : offers)
    for (const Step& step : offered.steps)
      if (step.phase == Phase::kCheck && step.kind == StepKind::kLook && !is_scan(step)) others.push_back(step.id);
  for (plan::Offered& offered : offers)
    for (Step& step : offered.steps)
      if (is_scan(step) && step.phase == Phase::kCheck)
        step.needs.insert(step.needs.end(), others.begin(), others.end());
}

}  // namespace backout::app
