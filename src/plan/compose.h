// Compose: what drivers offered, joined into one plan. Pure: same input, same bytes.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "model/plan.h"
#include "plan/forecast.h"

namespace backout::plan {

/// What part of the site a group of offered steps belongs to; decides how groups wait for each other inside a phase.
enum class Part { kDoor, kService, kCode, kDatabase, kCommand, kCheck, kRecord, kLeftover, kTraffic, kAutoDeploy };

struct Offered {
  Part part = Part::kCommand;
  std::vector<Step> steps;
};

struct Draft {
  Contract contract;            // everything but the steps
  std::vector<Offered> offers;  // services in drain order
  Durations earlier;
  WallTime now{};
  std::string by;
};

/// Adds the waits between parts:
///  close   the door first, then services one after another in drain order, then what they leave behind;
///  switch  database and code beside each other, the user's own commands after both;
///  start   services one after another in reverse drain order; when they are up, what a check prepares (an index), and
///          the traffic;
///  settle  checks before everything else, but for services (timers and cron jobs), which go on at once.
/// Then orders the steps, hashes the contract and forecasts. kInternal when the offers contradict each other.
Result<Plan> compose(Draft draft);

}  // namespace backout::plan
