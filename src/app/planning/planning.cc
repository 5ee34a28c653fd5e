#include "app/planning/planning.h"

#include <algorithm>

#include "app/history/ci.h"
#include "app/history/going_out.h"
#include "app/history/recorded.h"
#include "app/history/runs.h"
#include "app/history/target.h"
#include "app/planning/database_part.h"
#include "app/planning/ran_before.h"
#include "app/planning/rows.h"
#include "app/planning/settling.h"
#include "app/planning/staleness.h"
#include "app/signals/log_memory.h"
#include "app/site/places_in_the_way.h"
#include "base/text.h"
#include "run/resolve.h"

namespace backout::app {
namespace {

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

/// What is done with these hangs on what is done with the database, which is looked at after them: a service with
/// sockets, which users may stay on, and a door that is only for rows.
bool hangs_on_database(const Site& site, const Subject& subject) {
  return subject.part == plan::Part::kService ? subject.config.contains("sockets")
                                              : subject.part == plan::Part::kDoor && site.door->for_rows_alone;
}

/// A door that an earlier run left closed, or that cannot be seen, is opened by this one.
Result<std::vector<Step>> offers_at_last(const Workspace& workspace, Subject subject, const Contract& contract,
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
Result<std::vector<std::string>> taken_away(const Workspace& workspace, const Subject& subject, const Journey& journey,
                                            const Seen& seen) {
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

/// One plan in the making: what is there, part by part, and what its drivers offer.
class Drafting {
 public:
  Drafting(const Workspace& workspace, const PlanRequest& request, const SeenParts& seen_before)
      : workspace_(workspace), request_(request), seen_before_(seen_before) {}

  Result<Plan> plan() {
    TRY_VOID(begin());
    for (Subject& subject : subjects_of(workspace_.site())) TRY_VOID(add(std::move(subject)));
    for (auto& [place, part] : at_last_)
      draft_.offers[place].steps =
          TRY(offers_at_last(workspace_, std::move(part.first), contract(), journey_, part.second));
    contract().to = serves().version;
    scan_last(draft_.offers);
    refuse_as_a_whole();
    draft_.offers.push_back({plan::Part::kRecord, settle_records(contract(), from_, serves(), database_steps_)});
    contract().preconditions = preconditions(workspace_, from_, seen_by_name_);
    draft_.earlier = TRY(workspace_.journal().step_durations(workspace_.site().id, request_.kind));
    draft_.now = system_clock().wall();
    draft_.by = workspace_.actor();
    return in_words(TRY(plan::compose(std::move(draft_))));
  }

 private:
  Contract& contract() { return draft_.contract; }
  const Release& serves() const { return request_.db_only ? from_ : to_; }  // when the run is done

  /// From what, to what, by which checkpoint.
  Result<void> begin() {
    const Site& site = workspace_.site();
    journal::Journal& journal = workspace_.journal();
    checkpoints_ = TRY(journal.checkpoints(site.id));
    from_ = TRY(current_release(journal, site.id));
    to_ = TRY(target_of(workspace_, request_, from_));
    if (!request_.to_time.empty() && !site.database)
      return Error{Code::kInvalid, "--to-time: no database is configured", "say it in backout.yaml, database:"};
    checkpoint_ = checkpoint_for(checkpoints_, to_.version);
    contract().kind = request_.kind;
    contract().site = site.id;
    contract().from = from_.version;
    contract().to = to_.version;
    contract().on_failed_check = site.on_failed_check;
    contract().database_rung = "none";
    contract().database_why = "no database is configured";
    if (checkpoint_ != nullptr) contract().checkpoint = checkpoint_->id;
    journey_.kind = request_.kind;
    journey_.from = from_.version;
    journey_.to = serves().version;
    journey_.checkpoint = checkpoint_;
    journey_.keep_versions = TRY(kept_versions(workspace_));
    journey_.keep_in = "{runs}/{run}";
    journey_.from_whole = came_whole(from_);
    journey_.from_commit = from_.commit;
    journey_.to_commit = serves().commit;
    return {};
  }

  Result<void> add(Subject subject) {
    const Site& site = workspace_.site();
    if (const auto driver = workspace_.registry().find(subject.driver); !driver) {
      contract().refusals.push_back(subject.name + ": " + driver.error().message);
      return {};
    }
    if (subject.part == plan::Part::kDatabase && !site.database->host.empty() &&
        !workspace_.hosts().at(site.database->host)->is_local()) {
      contract().refusals.push_back("the database is on " + site.database->host +
                                    ": this version can only carry an SQLite file on the machine it runs on");
      return {};
    }
    aim(subject, workspace_, request_, contract());
    Seen seen;
    if (is_looked_at(subject)) seen = TRY(look(weighed_against(subject, checkpoint_, request_)));
    if (subject.part == plan::Part::kDatabase)
      backup_ = TRY(decide_database(workspace_, request_, subject, seen, from_, to_, journey_, contract()));
    if (must_not_move(subject)) seen_by_name_[subject.name] = seen;
    if (!wanted(subject, request_)) return {};
    if (subject.part == plan::Part::kDatabase && journey_.checkpoint == nullptr) return {};
    if (subject.part == plan::Part::kCode && checkpoint_ == nullptr) journey_.recorded = TRY(known_of_code(subject));
    if (hangs_on_database(site, subject)) {
      at_last_.emplace_back(draft_.offers.size(), std::pair(subject, std::move(seen)));
      draft_.offers.push_back({subject.part, {}});
      return {};
    }
    if (subject.driver == "compose")  // its containers are the services that write
      subject.config["stops"] = moves_rows(contract()) && !request_.code_only;
    std::vector<Step> steps = TRY(offers(workspace_, subject, journey_, seen));
    if (subject.part == plan::Part::kDatabase) weigh_rows(subject, seen, steps);
    if (subject.part == plan::Part::kCode || subject.part == plan::Part::kTraffic)
      for (std::string& sentence : TRY(taken_away(workspace_, subject, journey_, seen)))
        put_aside_.push_back(std::move(sentence));
    for (std::string& sentence : TRY(note_what_ran(workspace_, from_.version, steps)))
      put_aside_.push_back(std::move(sentence));
    draft_.offers.push_back({subject.part, std::move(steps)});
    return {};
  }

  /// Without a checkpoint: what is known of the release that shall serve.
  Result<Json> known_of_code(const Subject& subject) const {
    Json known = Json::object();
    if (request_.kind == RunKind::kForward && subject.driver != "kubernetes")
      known = TRY(kept_when_left(workspace_, subject, to_.version));
    return known.empty() ? recorded_of(workspace_, subject, to_.version) : known;
  }

  static bool is_looked_at(const Subject& subject) {
    static constexpr plan::Part kLookedAt[] = {plan::Part::kCode,     plan::Part::kDatabase, plan::Part::kService,
                                               plan::Part::kLeftover, plan::Part::kTraffic,  plan::Part::kAutoDeploy};
    return std::find(std::begin(kLookedAt), std::end(kLookedAt), subject.part) != std::end(kLookedAt);
  }

  static bool must_not_move(const Subject& subject) {
    return subject.part == plan::Part::kCode || subject.part == plan::Part::kDatabase ||
           subject.part == plan::Part::kTraffic;
  }

  Result<Seen> look(const Subject& subject) const {
    const auto found = seen_before_.find({subject.part, subject.name});
    if (found == seen_before_.end() || subject.config.contains("against")) return observe(workspace_, subject);
    return found->second;
  }

  void weigh_rows(const Subject& subject, const Seen& seen, const std::vector<Step>& steps) {
    counted_ = counted_now(workspace_, steps, saved_part(*journey_.checkpoint, subject), request_.count_for);
    refuse_undecided(counted_, workspace_.site().database->kind, contract());
    take_downs(seen.begin()->second, contract(), words_);
    database_steps_ = steps;
  }

  void refuse_as_a_whole() {
    std::vector<std::string>& refusals = contract().refusals;
    for (std::string& refusal : refusals_of_places(workspace_, serves().version))
      refusals.push_back(std::move(refusal));
    if (!looks_at_something(draft_.offers))
      refusals.push_back("nothing would show that " + serves().version.str() +
                         " serves, and no data is never good: add checks to backout.yaml");
    if (std::string refusal = approvals_refusal(workspace_.site(), contract()); !refusal.empty())
      refusals.push_back(std::move(refusal));
  }

  /// With what a person reads before saying yes.
  Result<Plan> in_words(Plan plan) {
    Forecast& forecast = plan.forecast;
    forecast.put_aside = std::move(put_aside_);
    take_count(counted_, forecast);
    forecast.downs = std::move(words_.downs);
    for (std::string& sentence : words_.not_carried) forecast.not_carried.push_back(std::move(sentence));
    if (backup_) forecast.not_carried.insert(forecast.not_carried.end(), backup_->notes.begin(), backup_->notes.end());
    forecast.ci = TRY(refresh_ci(workspace_, to_));
    if (request_.kind == RunKind::kForward) forecast.next_time = TRY(conditions_for(workspace_, to_.version));
    return plan;
  }

  const Workspace& workspace_;
  const PlanRequest& request_;
  const SeenParts& seen_before_;
  std::vector<Checkpoint> checkpoints_;
  Release from_, to_;
  const Checkpoint* checkpoint_ = nullptr;  // of checkpoints_
  std::unique_ptr<StandIn> backup_;         // journey_.checkpoint may be its
  Journey journey_;
  plan::Draft draft_;
  std::map<std::string, Seen> seen_by_name_;
  std::vector<std::pair<size_t, std::pair<Subject, Seen>>> at_last_;  // by their places among the offers
  std::vector<Step> database_steps_;
  std::vector<std::string> put_aside_;
  Json counted_ = Json::object();
  Forecast words_;
};

}  // namespace

Result<Plan> draft_plan(const Workspace& workspace, const PlanRequest& request, const SeenParts& seen_before) {
  return Drafting(workspace, request, seen_before).plan();
}

Result<Plan> make_plan(const Workspace& workspace, const PlanRequest& request) {
  Plan plan = TRY(draft_plan(workspace, request));
  TRY(workspace.journal().append(workspace.site().id, 0, {{EventType::kPlanMade, to_json(plan)}}));
  return plan;
}

}  // namespace backout::app
