// Plan: steps in phases. The contract is hashed, approved and obeyed; the forecast is shown beside it and not hashed.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "model/condition.h"
#include "model/release.h"
#include "model/step.h"

namespace backout {

enum class RunKind { kRollback, kForward, kDeploy, kCheckpoint };
std::string_view name_of(RunKind kind);
Result<RunKind> run_kind_of(std::string_view name);

enum class OnFailedCheck { kAbort, kHold, kAsk };
std::string_view name_of(OnFailedCheck choice);
Result<OnFailedCheck> on_failed_check_of(std::string_view name);

struct Contract {
  RunKind kind = RunKind::kRollback;
  SiteId site;
  Version from, to;
  CheckpointId checkpoint;    // the one that brings `to` back; empty when none is needed
  std::string database_rung;  // "none", "leave", "step-down", "restore"; see the database folder
  std::string database_why;
  Json preconditions =
      Json::object();  // observed facts that must still hold at the start, by driver; else the plan is stale
  OnFailedCheck on_failed_check = OnFailedCheck::kAbort;
  std::vector<Step> steps;            // in a valid order
  std::vector<std::string> refusals;  // why this plan cannot be run (approvals, a missing driver); run exits 3
};

struct Forecast {
  Millis total{0}, outage{0};
  std::map<std::string, Millis> per_step;  // by step id
  std::string source;                      // "3 earlier runs", "no earlier run: defaults"
  Json rows = Json::object();              // {"insert": 37, ...} per table, counted at planning time
  Json counted = Json::object();           // {"how", "why", "exact"} per table: how they were; see docs/formats/plan.md
  std::string not_counted;                 // why no row could be counted; empty: they were, or none would be carried
  std::optional<CiResult> ci;              // of `to`, when it was asked; none: no CI server is configured
  std::vector<Condition> next_time;        // forward: what should be so before `to` serves again
  std::vector<std::string> not_carried;    // sentences: what of the database does not go along, and where it goes
  std::vector<std::string> downs;          // what undoes each migration, newest first; "- " begins a line of one
  std::vector<std::string> put_aside;      // of the code: changes by hand, commits of others; "- " begins an item
};

struct Plan {
  PlanId id;
  WallTime made_at{};
  std::string made_by;
  Contract contract;
  Forecast forecast;
};

Json to_json(const Contract& contract);
Result<Contract> contract_from_json(const Json& value);
Json to_json(const Plan& plan);
Result<Plan> plan_from_json(const Json& value);
/// First 8 hex digits of SHA-256 over canonical(to_json(contract)).
PlanId id_of(const Contract& contract);

}  // namespace backout
