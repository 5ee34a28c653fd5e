#include "journal/fold.h"

#include "model/names.h"
#include "model/plan.h"
#include "model/release.h"

namespace backout::journal {
namespace {

constexpr NameTable<Model, 8> kNames{{{Model::kCheckpoint, "checkpoint"},
                                      {Model::kCurrent, "current"},
                                      {Model::kLease, "lease"},
                                      {Model::kPlan, "plan"},
                                      {Model::kRelease, "release"},
                                      {Model::kRun, "run"},
                                      {Model::kReady, "ready"},
                                      {Model::kStepTimes, "step_times"}}};

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
      case EventType::kPlanMade: return plan_made();
      case EventType::kRunStarted: return run_started();
      case EventType::kAttemptIntended: return run_goes_on("");
      case EventType::kRunTurned: return run_goes_on(text("why"));
      case EventType::kStepEnded: return step_ended();
      case EventType::kRunStopped: return run_changed("stopped");
      case EventType::kRunEnded: return run_changed(text("result"));
      case EventType::kReadyLooked: return ready_looked();
      case EventType::kAttemptEnded:
      case EventType::kQuestionAsked:
      case EventType::kQuestionAnswered:
      case EventType::kDoorClosed:
      case EventType::kDoorOpened:
      case EventType::kNote:
      case EventType::kEvidenceDeleted: return {};
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
    return current ? make_current(text("release")) : Result<void>();
  }
  Result<void> release_state() {
    if (!release_state_of(text("state"))) return {};
    Json members = {{"state", text("state")}, {"why", text("why")}, {"state_since_ms", now()}};
    if (get(event_.body, "bake_until_ms").is_number()) members["bake_until_ms"] = get_int(event_.body, "bake_until_ms");
    return change(Model::kRelease, text("release"), members);
  }
  Result<void> make_current(const std::string& release) { return add(Model::kCurrent, "", {{"release", release}}); }

  Result<void> run_started() {
    if (event_.run.empty() || !run_kind_of(text("kind"))) return {};
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

  Result<void> step_ended() {
    const Json& outcome = get(event_.body, "outcome");
    if (text("purpose") != "apply" || get_string(outcome, "kind") != "applied") return {};
    if (!get(outcome, "took_ms").is_number()) return {};
    const auto run = TRY(tables_.get(Model::kRun, event_.site, event_.run.str()));
    if (!run) return {};
    const std::string kind = get_string(run->value, "kind");
    const std::string key = kind + "/" + text("step");
    const auto known = TRY(tables_.get(Model::kStepTimes, event_.site, key));
    Json times = Json::array({get_int(outcome, "took_ms")});
    if (known)
      for (const Json& time : get(known->value, "ms"))
        if (times.size() < kKeptTimes) times.push_back(time);
    return add(Model::kStepTimes, key, {{"kind", kind}, {"step", text("step")}, {"ms", std::move(times)}});
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
