#include "journal/fold.h"

#include "journal/fold_judgement.h"
#include "model/names.h"
#include "model/plan.h"
#include "model/release.h"

namespace backout::journal {
namespace {

constexpr NameTable<Model, 13> kNames{{{Model::kBackup, "backup"},
                                       {Model::kCheckpoint, "checkpoint"},
                                       {Model::kCurrent, "current"},
                                       {Model::kJudgement, "judgement"},
                                       {Model::kLease, "lease"},
                                       {Model::kLogLevel, "log_level"},
                                       {Model::kPlan, "plan"},
                                       {Model::kRelease, "release"},
                                       {Model::kRollback, "rollback"},
                                       {Model::kRun, "run"},
                                       {Model::kReady, "ready"},
                                       {Model::kStepTimes, "step_times"},
                                       {Model::kWatch, "watch"}}};

/// One event on its way into the tables.
class Folding {
 public:
  Folding(const Event& event, Tables& tables) : event_(event), tables_(tables) {}

  Result<void> apply() {
    switch (event_.type) {
      case EventType::kLeaseGranted: return lease_granted();
      case EventType::kLeaseReleased: return lease_released();
      case EventType::kCheckpointTaken: return checkpoint_taken();
      case EventType::kCheckpointVerified: return change(Model::kCheckpoint, text("checkpoint"), {{"verified", true}});
      case EventType::kReleaseRecorded: return release_recorded();
      case EventType::kReleaseState: return release_state();
      case EventType::kReleaseCurrent: return make_current(text("release"));
      case EventType::kReleaseLooked: return release_looked();
      case EventType::kReleaseResolved: return release_resolved();
      case EventType::kCiSeen: return ci_seen();
      case EventType::kIncidentOpened: return incident_opened();
      case EventType::kPlanMade: return plan_made();
      case EventType::kRunStarted: return run_started();
      case EventType::kAttemptIntended: return run_goes_on("");
      case EventType::kRunTurned: return run_goes_on(text("why"));
      case EventType::kStepEnded: return step_ended();
      case EventType::kRunStopped: return run_changed("stopped");
      case EventType::kRunEnded: return run_changed(text("result"));
      case EventType::kReadyLooked: return ready_looked();
      case EventType::kWatchStarted: return watch_started();
      case EventType::kWatchLook: return watch_look();
      case EventType::kWatchTrouble: return watch_changed({{"trouble", true}, {"why", text("why")}});
      case EventType::kWatchEnded:
        TRY_VOID(fold_judgement(event_, tables_));
        return watch_changed({{"open", false}, {"verdict", text("verdict")}, {"why", text("why")}});
      case EventType::kLogLevel:
        if (text("state").empty()) return {};
        return add(Model::kLogLevel, "",
                   {{"state", text("state")},
                    {"why", text("why")},
                    {"until_ms", get_int(event_.body, "until_ms")},
                    {"since_ms", now()}});
      case EventType::kBackupTaken: return backup_taken();
      case EventType::kBackupTested: return backup_changed(event_.body);
      case EventType::kBackupFailed: return backup_failed();
      case EventType::kBackupDeleted: return backup_changed({{"deleted_at_ms", now()}, {"why", text("why")}});
      case EventType::kProblemReported:
      case EventType::kFactStated:
      case EventType::kVerdictGiven: return fold_judgement(event_, tables_);
      case EventType::kDeploysResumed:
      case EventType::kAttemptEnded:
      case EventType::kQuestionAsked:
      case EventType::kQuestionAnswered:
      case EventType::kDoorClosed:
      case EventType::kDoorOpened:
      case EventType::kNote: return {};
      case EventType::kEvidenceDeleted: return change(Model::kCheckpoint, text("checkpoint"), {{"deleted", true}});
    }
    return {};
  }

 private:
  std::string text(std::string_view key) const { return get_string(event_.body, key); }
  int64_t now() const { return to_millis(event_.at); }

  Result<void> add(Model model, const std::string& key, const Json& value) {
    return tables_.put(model, event_.site, key, {event_.seq, value});
  }
  /// Sets members of a document that exists.
  Result<void> change(Model model, const std::string& key, const Json& members) {
    auto document = TRY(tables_.get(model, event_.site, key));
    if (!document) return {};
    document->value.update(members);
    return tables_.put(model, event_.site, key, *document);
  }

  Result<void> lease_granted() {
    Json lease = event_.body;
    lease["since_ms"] = now();
    lease["boot_id"] = event_.boot_id;
    lease["boot_ms"] = event_.boot.count();
    lease["released"] = false;
    return add(Model::kLease, "", lease);
  }
  Result<void> lease_released() {
    const auto lease = TRY(tables_.get(Model::kLease, event_.site, ""));
    if (!lease || get_int(lease->value, "token") != get_int(event_.body, "token")) return {};
    return change(Model::kLease, "", {{"released", true}});
  }

  Result<void> checkpoint_taken() {
    if (!checkpoint_from_json(event_.body)) return {};
    Json checkpoint = event_.body;
    if (get_int(checkpoint, "taken_at_ms") == 0) checkpoint["taken_at_ms"] = to_millis(event_.at);
    return add(Model::kCheckpoint, text("checkpoint"), checkpoint);
  }

  Result<void> backup_taken() {
    if (text("path").empty()) return {};
    Json backup = event_.body;
    backup["made_at_ms"] = now();
    TRY_VOID(add(Model::kBackup, text("path"), backup));
    return add(Model::kBackup, "", {{"made_at_ms", now()}, {"path", text("path")}});
  }
  Result<void> backup_failed() {
    if (text("why").empty()) return {};
    return add(Model::kBackup, "", {{"failed_at_ms", now()}, {"why", text("why")}});
  }
  /// A backup that the team made is known from its first test on.
  Result<void> backup_changed(Json members) {
    if (text("path").empty()) return {};
    if (event_.type == EventType::kBackupTested) members.update({{"tested_at_ms", now()}, {"deleted_at_ms", nullptr}});
    if (!TRY(tables_.get(Model::kBackup, event_.site, text("path"))))
      TRY_VOID(add(Model::kBackup, text("path"), {{"path", text("path")}}));
    return change(Model::kBackup, text("path"), members);
  }

  Result<void> plan_made() {
    if (text("plan").empty()) return {};
    return add(Model::kPlan, text("plan"), {{"seq", event_.seq}});
  }

  Result<void> release_recorded() {
    if (text("release").empty() || !release_from_json(event_.body)) return {};
    Json release = event_.body;
    const bool current = get_bool(release, "current");
    release.erase("current");  // known from Model::kCurrent alone, so that there is never more than one
    TRY_VOID(add(Model::kRelease, text("release"), release));
    if (!event_.run.empty()) TRY_VOID(change(Model::kRun, event_.run.str(), {{"release", text("release")}}));
    return current ? make_current(text("release")) : Result<void>();
  }

  Result<void> release_state() {
    if (!release_state_of(text("state"))) return {};
    auto document = TRY(tables_.get(Model::kRelease, event_.site, text("release")));
    if (!document) return {};
    Json& release = document->value;
    const bool was_good = get_string(release, "state") == name_of(ReleaseState::kGood);
    release.update({{"state", text("state")}, {"why", text("why")}, {"state_since_ms", now()}});
    if (get(event_.body, "bake_until_ms").is_number()) release["bake_until_ms"] = get_int(event_.body, "bake_until_ms");
    if (text("state") == name_of(ReleaseState::kWatching)) bake_anew(release, get_bool(event_.body, "held"));
    if (text("state") == name_of(ReleaseState::kBad)) TRY_VOID(went_bad(release));
    TRY_VOID(tables_.put(Model::kRelease, event_.site, text("release"), *document));
    if (!was_good || text("state") == name_of(ReleaseState::kGood)) return {};
    const auto current = TRY(tables_.get(Model::kCurrent, event_.site, ""));
    if (!current || get_string(current->value, "release") != text("release")) return {};
    return change(Model::kCurrent, "", {{"good_until_ms", now()}});
  }
  void bake_anew(Json& release, bool held) const {
    Json& bake = release["bake"];
    if (!bake.is_object()) bake = Json::object();
    bake.update({{"done_ms", 0}, {"looks", held ? 1 : 0}, {"last_ms", held ? now() : 0}});
  }
  /// By a rollback from it, or by a person's word.
  Result<void> went_bad(Json& release) {
    release.erase("resolved");
    const auto run = TRY(tables_.get(Model::kRun, event_.site, event_.run.str()));
    if (run && get_string(run->value, "kind") == name_of(RunKind::kRollback)) {
      release["rolled_back"] = {
          {"run", event_.run.str()}, {"incident", get_string(run->value, "incident")}, {"at_ms", now()}};
    } else {
      note_sign(release, "marked bad: " + text("why"));
    }
    return {};
  }
  void note_sign(Json& release, const std::string& what) const {
    if (!release.contains("sign")) release["sign"] = {{"at_ms", now()}, {"what", what}};
  }

  Result<void> release_looked() {
    auto document = TRY(tables_.get(Model::kRelease, event_.site, text("release")));
    if (!document) return {};
    Json& release = document->value;
    Json& bake = release["bake"];
    if (!bake.is_object()) bake = Json::object();
    bake["needed_ms"] = get_int(event_.body, "bake_ms");
    if (get(event_.body, "bake_until_ms").is_number()) release["bake_until_ms"] = get_int(event_.body, "bake_until_ms");
    if (text("result") == "held") {
      bake.update(
          {{"done_ms", get_int(event_.body, "baked_ms")}, {"looks", get_int(bake, "looks") + 1}, {"last_ms", now()}});
    } else if (text("result") == "failed") {
      bake.update({{"done_ms", 0}, {"looks", 0}, {"last_ms", 0}, {"failed_at_ms", now()}, {"failed", text("failed")}});
      note_sign(release, text("failed"));
    } else {
      bake["last_ms"] = 0;
    }
    return tables_.put(Model::kRelease, event_.site, text("release"), *document);
  }

  Result<void> release_resolved() {
    Json resolved = event_.body;
    resolved.erase("release");
    resolved.erase("version");
    resolved["at_ms"] = now();
    return change(Model::kRelease, text("release"), {{"resolved", std::move(resolved)}});
  }

  Result<void> ci_seen() {
    return change(Model::kRelease, text("release"),
                  {{"ci",
                    {{"result", text("result")},
                     {"why", text("why")},
                     {"url", text("url")},
                     {"nothing_ran", get_bool(event_.body, "nothing_ran")},
                     {"seen_at_ms", now()}}}});
  }

  Result<void> incident_opened() {
    auto rollback = TRY(tables_.get(Model::kRollback, event_.site, event_.run.str()));
    if (!rollback) return {};
    rollback->value["also"].push_back({{"incident", text("incident")}, {"why", text("why")}});
    return tables_.put(Model::kRollback, event_.site, event_.run.str(), *rollback);
  }

  Result<void> make_current(const std::string& release) {
    const auto before = TRY(tables_.get(Model::kCurrent, event_.site, ""));
    const std::string left = before ? get_string(before->value, "release") : "";
    if (left == release) return {};
    int64_t good_until = before ? get_int(before->value, "good_until_ms") : 0;
    if (auto document = TRY(tables_.get(Model::kRelease, event_.site, left))) {
      if (get_string(document->value, "state") == name_of(ReleaseState::kGood)) good_until = now();
      // What was seen of it says nothing about the next time that it serves; a rollback from it has taken it over.
      if (document->value.erase("sign") > 0) TRY_VOID(tables_.put(Model::kRelease, event_.site, left, *document));
    }
    TRY_VOID(judgement_starts_anew(event_, release, tables_));
    return add(Model::kCurrent, "", {{"release", release}, {"since_ms", now()}, {"good_until_ms", good_until}});
  }

  Result<void> run_started() {
    if (event_.run.empty() || !run_kind_of(text("kind"))) return {};
    if (text("kind") == name_of(RunKind::kRollback)) TRY_VOID(rollback_started());
    TRY_VOID(fold_judgement(event_, tables_));
    return add(Model::kRun, event_.run.str(),
               {{"run", event_.run.str()},
                {"incident", text("incident")},
                {"kind", text("kind")},
                {"plan", text("plan")},
                {"from", text("from")},
                {"to", text("to")},
                {"state", "running"},
                {"why", text("reason")},
                {"exit", 0},
                {"started_at_ms", now()},
                {"changed_at_ms", now()}});
  }
  Result<void> rollback_started() {
    Json rollback = {{"run", event_.run.str()},
                     {"release", ""},
                     {"reason", text("reason")},
                     {"by", text("by")},
                     {"also", Json::array()}};
    if (const auto current = TRY(tables_.get(Model::kCurrent, event_.site, ""))) {
      rollback["release"] = get_string(current->value, "release");
      const auto left = TRY(tables_.get(Model::kRelease, event_.site, get_string(current->value, "release")));
      if (left && left->value.contains("sign")) rollback["sign"] = left->value["sign"];
    }
    return add(Model::kRollback, event_.run.str(), rollback);
  }
  /// A stopped run that acts again was resumed.
  Result<void> run_goes_on(const std::string& why) {
    const auto run = TRY(tables_.get(Model::kRun, event_.site, event_.run.str()));
    if (!run || get_string(run->value, "state") != "stopped") return {};
    Json members = {{"state", "running"}, {"exit", 0}, {"changed_at_ms", now()}};
    if (!why.empty()) members["why"] = why;
    return change(Model::kRun, event_.run.str(), members);
  }
  Result<void> run_changed(const std::string& state) {
    return change(
        Model::kRun, event_.run.str(),
        {{"state", state}, {"why", text("why")}, {"exit", get_int(event_.body, "exit")}, {"changed_at_ms", now()}});
  }

  Result<void> ready_looked() {
    if (!get(event_.body, "ready").is_boolean()) return {};
    Json looked = event_.body;
    looked["at_ms"] = now();
    return add(Model::kReady, "", looked);
  }

  Result<void> watch_started() {
    if (text("watch").empty()) return {};
    Json watch = event_.body;
    watch["seq"] = event_.seq;
    watch["started_ms"] = now();
    watch["run"] = event_.run.str();
    watch["open"] = true;
    watch["trouble"] = false;
    watch["looks"] = watch["failed"] = 0;
    watch["recent"] = Json::array();
    return add(Model::kWatch, "", watch);
  }
  /// Events of another watch than the newest change nothing.
  Result<void> watch_changed(const Json& members) {
    const auto watch = TRY(tables_.get(Model::kWatch, event_.site, ""));
    if (!watch || get_string(watch->value, "watch") != text("watch")) return {};
    return change(Model::kWatch, "", members);
  }
  Result<void> watch_look() {
    const auto watch = TRY(tables_.get(Model::kWatch, event_.site, ""));
    if (!watch || get_string(watch->value, "watch") != text("watch")) return {};
    const bool failed = get_bool(event_.body, "failed");
    Json recent = get(watch->value, "recent");
    recent.push_back(failed);
    if (recent.size() > kKeptLooks) recent.erase(recent.begin());
    Json members = {{"looks", get_int(watch->value, "looks") + 1},
                    {"failed", get_int(watch->value, "failed") + (failed ? 1 : 0)},
                    {"recent", std::move(recent)},
                    {"last_ms", now()},
                    {"versions", get(event_.body, "versions")}};
    Json positions = get(watch->value, "positions");
    if (!positions.is_object()) positions = Json::object();
    for (const auto& [key, position] : get(event_.body, "positions").items()) positions[key] = position;
    members["positions"] = std::move(positions);
    return change(Model::kWatch, "", members);
  }

  Result<void> step_ended() {
    const Json& outcome = get(event_.body, "outcome");
    if (text("purpose") != "apply") return {};
    const bool failed = get_string(outcome, "kind") == "failed";
    if (!failed && get_string(outcome, "kind") != "applied") return {};
    const auto run = TRY(tables_.get(Model::kRun, event_.site, event_.run.str()));
    if (!run) return {};
    if (failed) return deploy_failed_in(run->value, text("step") + ": " + get_string(outcome, "why"));
    if (!get(outcome, "took_ms").is_number()) return {};
    const std::string kind = get_string(run->value, "kind");
    const std::string key = kind + "/" + text("step");
    const auto known = TRY(tables_.get(Model::kStepTimes, event_.site, key));
    Json times = Json::array({get_int(outcome, "took_ms")});
    if (known)
      for (const Json& time : get(known->value, "ms"))
        if (times.size() < kKeptTimes) times.push_back(time);
    return add(Model::kStepTimes, key, {{"kind", kind}, {"step", text("step")}, {"ms", std::move(times)}});
  }

  /// The first step of its own deploy that failed is the first bad sign of a release.
  Result<void> deploy_failed_in(const Json& run, const std::string& what) {
    if (get_string(run, "kind") != name_of(RunKind::kDeploy)) return {};
    auto release = TRY(tables_.get(Model::kRelease, event_.site, get_string(run, "release")));
    if (!release) return {};
    note_sign(release->value, what);
    return tables_.put(Model::kRelease, event_.site, get_string(run, "release"), *release);
  }

  const Event& event_;
  Tables& tables_;
};

}  // namespace

std::string_view name_of(Model model) { return name_in(kNames, model); }

Result<void> fold(const Event& event, Tables& tables) { return Folding(event, tables).apply(); }

Result<std::optional<Document>> MemoryTables::get(Model model, const SiteId& site, const std::string& key) {
  const auto found = documents_.find(Key(site.str(), name_of(model), key));
  if (found == documents_.end()) return std::optional<Document>();
  return std::optional<Document>(found->second);
}

Result<void> MemoryTables::put(Model model, const SiteId& site, const std::string& key, const Document& document) {
  documents_[Key(site.str(), name_of(model), key)] = document;
  return {};
}

}  // namespace backout::journal
