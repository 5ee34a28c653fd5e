#include "app/planning.h"

#include "app/archive_loader.h"
#include "app/archives.h"
#include "app/ci.h"
#include "app/going_out.h"
#include "app/halves.h"
#include "app/log_memory.h"
#include "app/places_in_the_way.h"
#include "app/points.h"
#include "app/recorded.h"
#include "app/rows.h"
#include "app/rung.h"
#include "app/session.h"
#include "app/settling.h"
#include "app/staleness.h"
#include "app/target.h"
#include "base/text.h"
#include "os/file.h"
#include "run/resolve.h"

namespace backout::app {
namespace {

constexpr int kRunsLookedAt = 100;

/// Releases on disk that a run must leave there: the last good ones, as many as backout.yaml keeps.
Result<std::vector<std::string>> kept_versions(const Workspace& workspace) {
  const Site& site = workspace.site();
  std::vector<std::string> versions;
  const auto keep = static_cast<size_t>(site.code ? std::max(site.code->keep, 1) : 1);
  for (const Version& version : TRY(good_versions(workspace.journal(), site.id, keep)))
    versions.push_back(version.str());
  return versions;
}

bool wanted(const Subject& subject, const PlanRequest& request) {
  if (request.code_only && subject.part == plan::Part::kDatabase) return false;
  const bool brings_code = subject.part == plan::Part::kCode || subject.part == plan::Part::kTraffic;
  if (request.db_only && (brings_code || subject.part == plan::Part::kAutoDeploy)) return false;
  return true;
}

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

void decide_database(const DatabaseConfig& database, Contract& contract, const Subject& subject,
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

std::string approvals_refusal(const Site& site, const Contract& contract) {
  for (const std::string& kind : site.approvals) {
    const bool covers =
        kind == "database" ? contract.database_rung == "restore" || contract.database_rung == "step-down" : true;
    if (covers)
      return fmt::format(
          "approvals: backout.yaml asks for approval of '{}', and this version cannot collect approvals yet", kind);
  }
  return "";
}

/// Does anything look whether the target serves, before the door opens? Without that, "verified" would be an
/// assumption.
bool looks_at_something(const std::vector<plan::Offered>& offers) {
  return std::any_of(offers.begin(), offers.end(), [](const plan::Offered& offered) {
    return std::any_of(offered.steps.begin(), offered.steps.end(), [](const Step& step) {
      return step.phase == Phase::kCheck && (step.kind == StepKind::kLook || step.kind == StepKind::kAsk);
    });
  });
}

/// Before anything is asked about: a run that was left unfinished says what is really there, and is closed first.
Result<Release> target_of(const Workspace& workspace, const PlanRequest& request, const Release& from) {
  const std::vector<journal::RunRow> rows = TRY(workspace.journal().runs(workspace.site().id, 1));
  if (!rows.empty() && (rows.front().kind == RunKind::kRollback || rows.front().kind == RunKind::kForward)) {
    const Told run = TRY(told(workspace, rows.front()));
    if (rows.front().open() && run.state.opening > 0 && !run.state.turned) return is_unfinished(rows.front(), run);
    if (finishes(request.kind, request.to, from, rows.front(), run.state)) return from;
  }
  return target_release(workspace.journal(), workspace.site().id, from, request.to, request.kind);
}

}  // namespace

namespace {
/// What a database driver must know of the plan before it looks: which rung is asked for, and where the code lies whose
/// migrations may be undone.
void aim(Json& config, const Workspace& workspace, const PlanRequest& request, const Contract& contract) {
  const Site& site = workspace.site();
  if (!request.rung.empty()) config["rung"] = request.rung;
  if (!config.contains("migrations")) return;
  if (request.kind != RunKind::kRollback) {
    config.erase("migrations");
    return;
  }
  Json& migrations = config["migrations"];
  if (!site.code || site.code->layout != "releases") return;
  migrations["release"] = site.code->path + "/releases/" + contract.from.str();
  migrations["previous"] = site.code->path + "/releases/" + contract.to.str();
}

/// Shown, and not hashed: the steps hold what is run.
void take_downs(const Json& seen, const Contract& contract, Forecast& forecast) {
  if (contract.database_rung == "leave")
    for (const Json& line : get(seen, "doubts")) forecast.not_carried.push_back(line.get<std::string>());
  if (contract.database_rung != "step-down") return;
  for (const Json& line : get(get(seen, "downs"), "words")) forecast.downs.push_back(line.get<std::string>());
  for (const Json& line : get(get(seen, "downs"), "losses")) forecast.not_carried.push_back(line.get<std::string>());
}

/// A database is looked at together with what the code of the checkpoint asked of it.
Subject weighed_against(Subject subject, const Checkpoint* checkpoint, const PlanRequest& request) {
  if (subject.part != plan::Part::kDatabase || checkpoint == nullptr) return subject;
  if (Json saved = saved_part(*checkpoint, subject); saved.contains("habits") || saved.contains("manifest"))
    subject.config["against"] = std::move(saved);
  if (request.kind == RunKind::kRollback && !request.code_only)
    subject.config["count_rows_ms"] = request.count_for.count();
  return subject;
}

Result<Seen> seen_in(const SeenParts& before, const Workspace& workspace, const Subject& subject) {
  const auto found = before.find({subject.part, subject.name});
  return found == before.end() || subject.config.contains("against") ? observe(workspace, subject)
                                                                     : Result<Seen>(found->second);
}
}  // namespace

static bool moves_rows(const Contract& contract) {
  return contract.database_rung == "restore" || contract.database_rung == "step-down";
}

/// What is done with these hangs on what is done with the database, which is looked at after them: a service with
/// sockets, which users may stay on, and a door that is only for rows.
static bool hangs_on_database(const Site& site, const Subject& subject) {
  return subject.part == plan::Part::kService ? subject.config.contains("sockets")
                                              : subject.part == plan::Part::kDoor && site.door->for_rows_alone;
}

/// A door that an earlier run left closed, or that cannot be seen, is opened by this one.
static Result<std::vector<Step>> offers_at_last(const Workspace& workspace, Subject subject, const Contract& contract,
                                                const Journey& journey, const Seen& seen) {
  const Site& site = workspace.site();
  const bool closes = site.door && (!site.door->for_rows_alone || moves_rows(contract));
  if (subject.part == plan::Part::kService) {
    subject.config["handover"] = !closes && !moves_rows(contract) && site.leftovers.empty();
  } else if (!closes) {
    const Seen now = TRY(observe(workspace, subject));
    if (std::all_of(now.begin(), now.end(), [](const auto& at) { return get_string(at.second, "door") == "open"; }))
      return std::vector<Step>();
  }
  return offers(workspace, subject, journey, seen);
}

/// On each host; with several, a sentence says where.
static Result<std::vector<std::string>> taken_away(const Workspace& workspace, const Subject& subject,
                                                   const Journey& journey, const Seen& seen) {
  const driver::Driver* driver = TRY(workspace.registry().find(subject.driver));
  std::vector<std::string> all;
  for (const std::string& host : subject.hosts) {
    driver::Offering offering = offering_for(workspace, subject, journey, seen);
    offering.subject = run::with_host(offering.subject, host);
    for (std::string& each : TRY(driver->takes_away(offering, *workspace.hosts().at(host), {})
                                     .with_context(fmt::format("looking at {} on {}", subject.name, host)))) {
      const bool item = each.starts_with("- ");
      all.push_back(item || subject.hosts.size() < 2 ? std::move(each) : "on " + host + ": " + each);
    }
  }
  return all;
}

Result<Plan> draft_plan(const Workspace& workspace, const PlanRequest& request, const SeenParts& seen_before) {
  const Site& site = workspace.site();
  journal::Journal& journal = workspace.journal();
  const std::vector<Checkpoint> checkpoints = TRY(journal.checkpoints(site.id));
  const Release from = TRY(current_release(journal, site.id));
  const Release to = TRY(target_of(workspace, request, from));
  if (!request.to_time.empty() && !site.database)
    return Error{Code::kInvalid, "--to-time: no database is configured", "say it in backout.yaml, database:"};
  const Checkpoint* checkpoint = checkpoint_for(checkpoints, to.version);

  plan::Draft draft;
  Contract& contract = draft.contract;
  contract.kind = request.kind;
  contract.site = site.id;
  contract.from = from.version;
  contract.to = to.version;
  contract.on_failed_check = site.on_failed_check;
  contract.database_rung = "none";
  contract.database_why = "no database is configured";
  if (checkpoint != nullptr) contract.checkpoint = checkpoint->id;
  const Release& serves = request.db_only ? from : to;  // when the run is done

  std::vector<std::string> kept = TRY(kept_versions(workspace));
  Journey journey{request.kind, from.version, serves.version, checkpoint, std::move(kept), "{runs}/{run}"};
  journey.from_whole = came_whole(from);
  journey.from_commit = from.commit;
  journey.to_commit = serves.commit;
  std::vector<std::string> put_aside;
  std::map<std::string, Seen> seen_by_name;
  std::vector<Step> database_steps;
  std::vector<std::pair<size_t, std::pair<Subject, Seen>>> at_last;  // by their places among the offers
  std::unique_ptr<StandIn> backup;
  Json counted = Json::object();
  Forecast draft_words;
  for (Subject& subject : subjects_of(site)) {
    if (const auto driver = workspace.registry().find(subject.driver); !driver) {
      contract.refusals.push_back(subject.name + ": " + driver.error().message);
      continue;
    }
    if (subject.part == plan::Part::kDatabase && !site.database->host.empty() &&
        !workspace.hosts().at(site.database->host)->is_local()) {
      contract.refusals.push_back("the database is on " + site.database->host +
                                  ": this version can only carry an SQLite file on the machine it runs on");
      continue;
    }
    if (subject.part == plan::Part::kDatabase) aim(subject.config, workspace, request, contract);
    Seen seen;
    if (subject.part == plan::Part::kCode || subject.part == plan::Part::kDatabase ||
        subject.part == plan::Part::kService || subject.part == plan::Part::kLeftover ||
        subject.part == plan::Part::kTraffic || subject.part == plan::Part::kAutoDeploy)
      seen = TRY(seen_in(seen_before, workspace, weighed_against(subject, checkpoint, request)));
    if (subject.part == plan::Part::kDatabase) {
      backup = TRY(from_backups(workspace, request, contract, subject, seen, from, to, checkpoint));
      if (backup) journey.checkpoint = &backup->checkpoint;
      if (journey.checkpoint == nullptr)
        TRY_VOID(decide_without_checkpoint(workspace, request, contract, subject, seen));
      else
        decide_database(*site.database, contract, subject, *journey.checkpoint, seen, request.rung);
      if (backup) contract.database_why += "; from " + backup->words;
      if (request.code_only) refuse_without_database(contract);
      if (request.db_only) refuse_without_code(workspace, contract, subject, journey.checkpoint, seen);
    }
    if (subject.part == plan::Part::kCode || subject.part == plan::Part::kDatabase ||
        subject.part == plan::Part::kTraffic)
      seen_by_name[subject.name] = seen;
    if (!wanted(subject, request) || (subject.part == plan::Part::kDatabase && journey.checkpoint == nullptr)) continue;
    if (subject.driver == "kubernetes" && checkpoint == nullptr)
      journey.recorded = TRY(recorded_of(workspace, subject, to.version));
    if (hangs_on_database(site, subject)) {
      at_last.emplace_back(draft.offers.size(), std::pair(subject, std::move(seen)));
      draft.offers.push_back({subject.part, {}});
      continue;
    }
    if (subject.driver == "compose")  // its containers are the services that write
      subject.config["stops"] = moves_rows(contract) && !request.code_only;
    std::vector<Step> steps = TRY(offers(workspace, subject, journey, seen));
    if (subject.part == plan::Part::kDatabase) {
      counted = counted_now(workspace, steps, saved_part(*journey.checkpoint, subject), request.count_for);
      refuse_undecided(counted, site.database->kind, contract);
      take_downs(seen.begin()->second, contract, draft_words);
      database_steps = steps;
    }
    if (subject.part == plan::Part::kCode)
      for (std::string& sentence : TRY(taken_away(workspace, subject, journey, seen)))
        put_aside.push_back(std::move(sentence));
    draft.offers.push_back({subject.part, std::move(steps)});
  }
  for (auto& [place, part] : at_last)
    draft.offers[place].steps = TRY(offers_at_last(workspace, std::move(part.first), contract, journey, part.second));
  contract.to = serves.version;
  for (std::string& refusal : refusals_of_places(workspace, serves.version))
    contract.refusals.push_back(std::move(refusal));
  scan_last(draft.offers);
  if (!looks_at_something(draft.offers))
    contract.refusals.push_back("nothing would show that " + serves.version.str() +
                                " serves, and no data is never good: add checks to backout.yaml");
  draft.offers.push_back({plan::Part::kRecord, settle_records(contract, from, serves, database_steps)});
  if (const std::string refusal = approvals_refusal(site, contract); !refusal.empty())
    contract.refusals.push_back(refusal);
  contract.preconditions = preconditions(workspace, from, seen_by_name);
  draft.earlier = TRY(journal.step_durations(site.id, request.kind));
  draft.now = system_clock().wall();
  draft.by = workspace.actor();

  Plan plan = TRY(plan::compose(std::move(draft)));
  plan.forecast.put_aside = std::move(put_aside);
  take_count(counted, plan.forecast);
  plan.forecast.downs = std::move(draft_words.downs);
  for (std::string& sentence : draft_words.not_carried) plan.forecast.not_carried.push_back(std::move(sentence));
  if (backup)
    plan.forecast.not_carried.insert(plan.forecast.not_carried.end(), backup->notes.begin(), backup->notes.end());
  plan.forecast.ci = TRY(refresh_ci(workspace, to));
  if (request.kind == RunKind::kForward) plan.forecast.next_time = TRY(conditions_for(workspace, to.version));
  return plan;
}

Result<Plan> make_plan(const Workspace& workspace, const PlanRequest& request) {
  Plan plan = TRY(draft_plan(workspace, request));
  TRY(workspace.journal().append(workspace.site().id, 0, {{EventType::kPlanMade, to_json(plan)}}));
  return plan;
}

}  // namespace backout::app
