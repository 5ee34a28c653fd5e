// The questions that the journal answers without reading events: documents that fold.h keeps, as values of the model.
#include "journal/stored_journal.h"

namespace backout::journal {
namespace {

Result<RunRow> run_from(const Json& document) {
  RunRow run;
  run.id = RunId(get_string(document, "run"));
  run.incident = IncidentId(get_string(document, "incident"));
  run.kind = TRY(run_kind_of(get_string(document, "kind")));
  run.plan = PlanId(get_string(document, "plan"));
  run.from = Version(get_string(document, "from"));
  run.to = Version(get_string(document, "to"));
  run.state = get_string(document, "state");
  run.why = get_string(document, "why");
  run.exit = static_cast<int>(get_int(document, "exit"));
  run.started_at = wall_from_millis(get_int(document, "started_at_ms"));
  run.changed_at = wall_from_millis(get_int(document, "changed_at_ms"));
  return run;
}

}  // namespace

Result<std::vector<SiteId>> StoredJournal::sites() {
  const std::lock_guard lock(mutex_);
  std::vector<SiteId> sites;
  for (const auto& [site, head] : TRY(events_.heads())) sites.emplace_back(site);
  return sites;
}

Result<std::vector<Release>> StoredJournal::releases(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  std::vector<Release> releases;
  TRY_VOID(look([&]() -> Result<void> {
    const auto current = TRY(tables_.get(Model::kCurrent, site, ""));
    for (const Json& document : TRY(tables_.list(Model::kRelease, site))) {
      releases.push_back(TRY(release_from_json(document)));
      releases.back().current = current && get_string(current->value, "release") == releases.back().id.str();
    }
    return {};
  }));
  return releases;
}

Result<void> StoredJournal::each_release(const SiteId& site, const std::function<bool(const Release&)>& each) {
  const std::lock_guard lock(mutex_);
  return look([&]() -> Result<void> {
    const auto current = TRY(tables_.get(Model::kCurrent, site, ""));
    return tables_.each(Model::kRelease, site, [&](const Json& document) -> Result<bool> {
      Release release = TRY(release_from_json(document));
      release.current = current && get_string(current->value, "release") == release.id.str();
      return each(release);
    });
  });
}

Result<std::optional<Release>> StoredJournal::release(const SiteId& site, const std::string& id) {
  const auto document = TRY(tables_.get(Model::kRelease, site, id));
  if (!document) return std::optional<Release>();
  return std::optional<Release>(TRY(release_from_json(document->value)));
}

Result<Serving> StoredJournal::serving(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  Serving serving;
  TRY_VOID(look([&]() -> Result<void> {
    const auto current = TRY(tables_.get(Model::kCurrent, site, ""));
    if (!current) return {};
    serving.current = TRY(release(site, get_string(current->value, "release")));
    if (serving.current) serving.current->current = true;
    serving.since = wall_from_millis(get_int(current->value, "since_ms"));
    serving.good_until = wall_from_millis(get_int(current->value, "good_until_ms"));
    return {};
  }));
  return serving;
}

Result<std::vector<RollbackRow>> StoredJournal::rollbacks(const SiteId& site, int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<RollbackRow> rollbacks;
  TRY_VOID(look([&]() -> Result<void> {
    for (const Json& document : TRY(tables_.list(Model::kRollback, site, limit))) {
      const auto run = TRY(tables_.get(Model::kRun, site, get_string(document, "run")));
      if (!run) continue;
      RollbackRow row{
          .run = TRY(run_from(run->value)), .reason = get_string(document, "reason"), .by = get_string(document, "by")};
      row.left = TRY(release(site, get_string(document, "release")));
      if (const Json& sign = get(document, "sign"); sign.is_object())
        row.sign = Sign{wall_from_millis(get_int(sign, "at_ms")), get_string(sign, "what")};
      for (const Json& also : get(document, "also"))
        row.also.push_back({IncidentId(get_string(also, "incident")), get_string(also, "why")});
      rollbacks.push_back(std::move(row));
    }
    return {};
  }));
  return rollbacks;
}

Result<std::vector<Checkpoint>> StoredJournal::checkpoints(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  std::vector<Checkpoint> checkpoints;
  for (const Json& document : TRY(tables_.list(Model::kCheckpoint, site)))
    if (!get_bool(document, "deleted")) checkpoints.push_back(TRY(checkpoint_from_json(document)));
  return checkpoints;
}

Result<std::vector<Json>> StoredJournal::backups(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  std::vector<Json> backups;
  for (Json& document : TRY(tables_.list(Model::kBackup, site)))
    if (!get(document, "deleted_at_ms").is_number()) backups.push_back(std::move(document));
  return backups;
}

Result<std::vector<RunRow>> StoredJournal::runs(const SiteId& site, int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<RunRow> runs;
  for (const Json& document : TRY(tables_.list(Model::kRun, site, limit))) runs.push_back(TRY(run_from(document)));
  return runs;
}

Result<std::optional<Plan>> StoredJournal::plan(const SiteId& site, const PlanId& id) {
  const std::lock_guard lock(mutex_);
  const auto document = TRY(tables_.get(Model::kPlan, site, id.str()));
  if (!document) return std::optional<Plan>();
  std::optional<Plan> plan;
  TRY_VOID(events_.each(site, get_int(document->value, "seq") - 1, RunId(), 1,
                        [&](const StoredEvent& event) -> Result<void> {
                          plan = TRY(plan_from_json(TRY(parsed(event)).body));
                          return {};
                        }));
  return plan;
}

Result<Json> StoredJournal::ready(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  const auto document = TRY(tables_.get(Model::kReady, site, ""));
  return document ? document->value : Json();
}

Result<Json> StoredJournal::watch(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  const auto document = TRY(tables_.get(Model::kWatch, site, ""));
  return document ? document->value : Json();
}

Result<Json> StoredJournal::judgement(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  const auto document = TRY(tables_.get(Model::kJudgement, site, ""));
  return document ? document->value : Json();
}

Result<Json> StoredJournal::log_level(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  const auto document = TRY(tables_.get(Model::kLogLevel, site, ""));
  return document ? document->value : Json();
}

Result<std::map<std::string, std::vector<Millis>>> StoredJournal::step_durations(const SiteId& site, RunKind kind) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::vector<Millis>> durations;
  for (const Json& document : TRY(tables_.list(Model::kStepTimes, site))) {
    if (get_string(document, "kind") != name_of(kind)) continue;
    std::vector<Millis>& times = durations[get_string(document, "step")];
    for (const Json& time : get(document, "ms"))
      if (time.is_number()) times.emplace_back(time.get<int64_t>());
  }
  return durations;
}

}  // namespace backout::journal
