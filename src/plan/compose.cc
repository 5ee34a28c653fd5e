#include "plan/compose.h"

#include "plan/order.h"

namespace backout::plan {
namespace {

/// Ids of all steps of `part` in `phase`.
std::vector<StepId> ids_in(const std::vector<Offered>& offers, Part part, Phase phase) {
  std::vector<StepId> ids;
  for (const Offered& offered : offers)
    if (offered.part == part)
      for (const Step& step : offered.steps)
        if (step.phase == phase) ids.push_back(step.id);
  return ids;
}

void wait_for(Step& step, const std::vector<StepId>& ids) {
  step.needs.insert(step.needs.end(), ids.begin(), ids.end());
}

/// Each service's steps of `phase` wait for those of the service before it in `offers`' order, or in reverse order.
void chain_services(std::vector<Offered>& offers, Phase phase, bool reverse) {
  std::vector<Offered*> services;
  for (Offered& offered : offers)
    if (offered.part == Part::kService) services.push_back(&offered);
  if (reverse) std::reverse(services.begin(), services.end());
  std::vector<StepId> before;
  for (Offered* service : services) {
    std::vector<StepId> own;
    for (Step& step : service->steps) {
      if (step.phase != phase) continue;
      wait_for(step, before);
      own.push_back(step.id);
    }
    if (!own.empty()) before = std::move(own);
  }
}

}  // namespace

Result<Plan> compose(Draft draft) {
  std::vector<Offered>& offers = draft.offers;
  const std::vector<StepId> door = ids_in(offers, Part::kDoor, Phase::kClose);
  std::vector<StepId> swapped = ids_in(offers, Part::kCode, Phase::kSwitch);
  const std::vector<StepId> swapped_rows = ids_in(offers, Part::kDatabase, Phase::kSwitch);
  swapped.insert(swapped.end(), swapped_rows.begin(), swapped_rows.end());
  const std::vector<StepId> stopped = ids_in(offers, Part::kService, Phase::kClose);
  std::vector<StepId> looked = ids_in(offers, Part::kCheck, Phase::kSettle);
  const std::vector<StepId> looked_in_front = ids_in(offers, Part::kTraffic, Phase::kSettle);
  looked.insert(looked.end(), looked_in_front.begin(), looked_in_front.end());
  std::vector<StepId> started = ids_in(offers, Part::kService, Phase::kStart);
  const std::vector<StepId> deployed = ids_in(offers, Part::kCode, Phase::kStart);
  started.insert(started.end(), deployed.begin(), deployed.end());
  for (Offered& offered : offers)
    for (Step& step : offered.steps) {
      if (step.phase == Phase::kClose && offered.part != Part::kDoor) wait_for(step, door);
      if (step.phase == Phase::kClose && offered.part == Part::kLeftover) wait_for(step, stopped);
      if (step.phase == Phase::kSwitch && offered.part == Part::kCommand) wait_for(step, swapped);
      const bool needs_services = offered.part == Part::kCheck || offered.part == Part::kTraffic;
      if (step.phase == Phase::kStart && needs_services) wait_for(step, started);
      // What was only parked goes on as soon as users are in, whatever the looks in front of the door say.
      const bool looks_first =
          offered.part != Part::kCheck && offered.part != Part::kService && offered.part != Part::kTraffic;
      if (step.phase == Phase::kSettle && looks_first) wait_for(step, looked);
    }
  chain_services(offers, Phase::kClose, false);
  chain_services(offers, Phase::kStart, true);

  std::vector<Step> steps;
  for (Offered& offered : offers)
    for (Step& step : offered.steps) steps.push_back(std::move(step));
  Plan plan;
  plan.contract = std::move(draft.contract);
  plan.contract.steps = TRY(ordered(std::move(steps)));
  plan.id = id_of(plan.contract);
  plan.forecast = forecast(plan.contract.steps, draft.earlier);
  plan.made_at = draft.now;
  plan.made_by = std::move(draft.by);
  return plan;
}

}  // namespace backout::plan
