#include "app/planning/database_part.h"

#include <algorithm>

#include "app/backups/archive_loader.h"
#include "app/backups/points.h"
#include "app/planning/halves.h"
#include "app/planning/rung.h"
#include "app/planning/staleness.h"
#include "os/file.h"

namespace backout::app {
namespace {

constexpr int kRunsLookedAt = 100;

/// Without a checkpoint of `contract.to`: a run that left it, and left the database alone, saw the schema that it ran
/// with.
Result<bool> ran_on_this_schema(const Workspace& workspace, const Contract& contract, const Subject& subject,
                                const Seen& seen) {
  const SiteId& site = workspace.site().id;
  for (const journal::RunRow& run : TRY(workspace.journal().runs(site, kRunsLookedAt))) {
    if (run.from != contract.to || run.to == run.from || run.kind == RunKind::kDeploy) continue;
    const auto plan = TRY(workspace.journal().plan(site, run.plan));
    if (plan && plan->contract.database_rung == "leave")
      return get(plan->contract.preconditions, subject.name) == precondition_of(subject, seen);
  }
  return false;
}

Result<void> decide_without_checkpoint(const Workspace& workspace, const PlanRequest& request, Contract& contract,
                                       const Subject& subject, const Seen& seen) {
  contract.database_rung = "none";
  if (TRY(ran_on_this_schema(workspace, contract, subject, seen))) {
    contract.database_rung = "leave";
    contract.database_why = "the schema is the one that " + contract.to.str() + " ran with before";
    return {};
  }
  contract.database_why = "no checkpoint was taken while " + contract.to.str() + " ran, so its schema is not known";
  if (!request.code_only)
    contract.refusals.push_back(contract.database_why + "; if the code alone will do: --code-only");
  return {};
}

void decide_by_checkpoint(const DatabaseConfig& database, Contract& contract, const Subject& subject,
                          const Checkpoint& checkpoint, const Seen& seen, const std::string& forced) {
  const Json saved = saved_part(checkpoint, subject);
  const auto comparison = decide_rung(database, saved, seen.begin()->second, forced);
  if (!comparison) {
    const Error& error = comparison.error();
    contract.database_why = (error.code == Code::kRefused ? "" : "the schemas cannot be compared: ") + error.message;
    const bool both = error.code == Code::kRefused && !error.next.empty();
    contract.refusals.push_back(contract.database_why + (both ? "; " + error.next : ""));
    return;
  }
  contract.database_rung = name_of(comparison->rung);
  contract.database_why = comparison->why();
  if (const std::string copy = get_string(saved, "backup");
      !copy.empty() && contract.database_rung == "restore" && !os::exists(copy))
    contract.refusals.push_back("the copy of the database that " + checkpoint.id.str() + " took is gone: " + copy);
}

/// A team's own backup, where no checkpoint will do. Nothing: none is needed, or none is fit, and then it is said why.
Result<std::unique_ptr<StandIn>> from_backups(const Workspace& workspace, const PlanRequest& request,
                                              Contract& contract, const Subject& subject, const Seen& seen,
                                              const Release& from, const Release& to, const Checkpoint* checkpoint) {
  std::unique_ptr<StandIn> none;
  const DatabaseConfig& database = *workspace.site().database;
  if (request.kind != RunKind::kRollback || request.code_only) return none;
  if (!request.to_time.empty()) return database_at(workspace, subject, to, checkpoint, request.to_time);
  if (checkpoint != nullptr)
    if (auto point = point_instead_of_dump(workspace, subject, *checkpoint)) return point;
  if (!database.backups) return none;
  std::string why = "no checkpoint was taken while " + to.version.str() + " ran";
  if (checkpoint == nullptr) {
    if (TRY(ran_on_this_schema(workspace, contract, subject, seen))) return none;
  } else {
    const Json saved = saved_part(*checkpoint, subject);
    const auto comparison = decide_rung(database, saved, seen.begin()->second);
    if (comparison && comparison->rung != schema::Rung::kRestore) return none;
    why = archive_loader(workspace)->fault_of_copy(saved);
    if (why.empty()) return none;
    why = "checkpoint " + checkpoint->id.str() + " will not do: " + why;
  }
  auto made = stand_in(workspace, subject, from, to, checkpoint);
  if (made) {
    (*made)->words += "; " + why;
    return made;
  }
  contract.refusals.push_back(why + "; " + made.error().message);
  return none;
}

}  // namespace

void aim(Subject& subject, const Workspace& workspace, const PlanRequest& request, const Contract& contract) {
  if (subject.part != plan::Part::kDatabase) return;
  const Site& site = workspace.site();
  if (!request.rung.empty()) subject.config["rung"] = request.rung;
  if (!subject.config.contains("migrations")) return;
  if (request.kind != RunKind::kRollback) {
    subject.config.erase("migrations");
    return;
  }
  Json& migrations = subject.config["migrations"];
  if (!site.code || site.code->layout != "releases") return;
  migrations["release"] = site.code->path + "/releases/" + contract.from.str();
  migrations["previous"] = site.code->path + "/releases/" + contract.to.str();
}

Result<std::unique_ptr<StandIn>> decide_database(const Workspace& workspace, const PlanRequest& request,
                                                 const Subject& subject, const Seen& seen, const Release& from,
                                                 const Release& to, Journey& journey, Contract& contract) {
  auto backup = TRY(from_backups(workspace, request, contract, subject, seen, from, to, journey.checkpoint));
  if (backup) journey.checkpoint = &backup->checkpoint;
  if (journey.checkpoint == nullptr)
    TRY_VOID(decide_without_checkpoint(workspace, request, contract, subject, seen));
  else
    decide_by_checkpoint(*workspace.site().database, contract, subject, *journey.checkpoint, seen, request.rung);
  if (backup) contract.database_why += "; from " + backup->words;
  if (request.code_only) refuse_without_database(contract);
  if (request.db_only) refuse_without_code(workspace, contract, subject, journey.checkpoint, seen);
  return backup;
}

void take_downs(const Json& seen, const Contract& contract, Forecast& forecast) {
  if (contract.database_rung == "leave")
    for (const Json& line : get(seen, "doubts")) forecast.not_carried.push_back(line.get<std::string>());
  if (contract.database_rung != "step-down") return;
  for (const Json& line : get(get(seen, "downs"), "words")) forecast.downs.push_back(line.get<std::string>());
  for (const Json& line : get(get(seen, "downs"), "losses")) forecast.not_carried.push_back(line.get<std::string>());
}

Subject weighed_against(Subject subject, const Checkpoint* checkpoint, const PlanRequest& request) {
  if (subject.part != plan::Part::kDatabase || checkpoint == nullptr) return subject;
  if (Json saved = saved_part(*checkpoint, subject); saved.contains("habits") || saved.contains("manifest"))
    subject.config["against"] = std::move(saved);
  if (request.kind == RunKind::kRollback && !request.code_only)
    subject.config["count_rows_ms"] = request.count_for.count();
  return subject;
}

bool moves_rows(const Contract& contract) {
  return contract.database_rung == "restore" || contract.database_rung == "step-down";
}

}  // namespace backout::app
