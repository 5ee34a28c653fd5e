// Events of a site -> Report. One pass picks what belongs to the run; what needs the whole is added at the end.
#include "record/report.h"

#include <set>

#include "base/text.h"
#include "record/decided.h"
#include "record/evidence.h"
#include "record/follow_ups.h"
#include "record/next_time.h"
#include "record/words.h"

namespace backout::record {
namespace {

using PairKey = std::tuple<std::string, std::string, std::string>;  // step, host, purpose

class Making {
 public:
  Making(const std::vector<Event>& events, const RunId& run) : events_(events) { report_.run = run; }

  Report make() && {
    for (const Event& event : events_)
      if (event.run == report_.run && event.type == EventType::kRunStarted) start_ = &event;
    if (start_ == nullptr) return std::move(report_);
    begin();
    for (const Event& event : events_) {
      if (event.seq < start_->seq) continue;
      if (event.run == report_.run) take(event);
      if (event.run.empty() && !over_) beside(event);
    }
    finish();
    return std::move(report_);
  }

 private:
  void begin() {
    const Json& body = start_->body;
    report_.site = start_->site;
    report_.incident = IncidentId(get_string(body, "incident"));
    if (const auto kind = run_kind_of(get_string(body, "kind"))) report_.kind = *kind;
    report_.plan = PlanId(get_string(body, "plan"));
    report_.from = Version(get_string(body, "from"));
    report_.to = Version(get_string(body, "to"));
    report_.reason = get_string(body, "reason");
    report_.by = get_string(body, "by", start_->actor);
    report_.result = "running";
    report_.started_at = start_->at;
    last_ = start_;
    find_plan();
    look_back();
    report_.decided = decided_before(events_, *start_, report_.from);
    mark("run started", *start_, report_.by);
  }

  /// Titles, phases and kinds of the steps: from the newest plan of that id before the run.
  void find_plan() {
    for (const Event& event : events_) {
      if (event.seq > start_->seq) break;
      if (event.type != EventType::kPlanMade || get_string(event.body, "plan") != report_.plan.str()) continue;
      planned_.clear();
      report_.database_rung = get_string(get(event.body, "contract"), "database_rung");
      for (const Json& step : get(get(event.body, "contract"), "steps")) planned_[get_string(step, "id")] = &step;
    }
  }
  const Json& planned(const std::string& step) const {
    static const Json nothing;
    const auto found = planned_.find(step);
    return found == planned_.end() ? nothing : *found->second;
  }

  /// When did the version that is left come, and what was seen of it before anybody acted?
  void look_back() {
    const Event *deployed = nullptr, *bad_sign = nullptr;
    std::string sign, release;
    std::set<std::string> deploys;  // runs that brought it
    for (const Event& event : events_) {
      if (event.seq >= start_->seq) break;
      const std::string version = get_string(event.body, "version");
      if (event.type == EventType::kReleaseRecorded) {
        if (version == report_.from.str()) report_.from_commit = get_string(event.body, "commit");
        if (version == report_.to.str()) report_.to_commit = get_string(event.body, "commit");
      }
      if (event.type == EventType::kRunStarted && get_string(event.body, "to") == report_.from.str())
        deploys.insert(event.run.str());
      if (event.type == EventType::kReleaseCurrent && version == report_.from.str()) {
        deployed = &event;
        release = get_string(event.body, "release");
        bad_sign = nullptr;
      }
      if (bad_sign != nullptr) continue;
      sign = sign_in(event, release, deploys);
      if (!sign.empty()) bad_sign = &event;
    }
    if (deployed != nullptr) mark("deployed", *deployed, report_.from.str() + " by " + deployed->actor);
    if (bad_sign != nullptr) mark("first bad sign", *bad_sign, sign_);
  }
  std::string sign_in(const Event& event, const std::string& release, const std::set<std::string>& deploys) {
    std::string sign;
    const Json& outcome = get(event.body, "outcome");
    if (event.type == EventType::kStepEnded && deploys.contains(event.run.str()) &&
        get_string(outcome, "kind") == "failed")
      sign = get_string(event.body, "step") + ": " + get_string(outcome, "why");
    if (event.type == EventType::kReleaseState && !release.empty() && get_string(event.body, "release") == release &&
        get_string(event.body, "state") == "bad")
      sign = "marked bad by " + event.actor + ": " + get_string(event.body, "why");
    if (!sign.empty()) sign_ = sign;
    return sign;
  }

  void take(const Event& event) {
    if (!over_) last_ = &event;  // what is said about a run later does not make it longer
    const Json& body = event.body;
    switch (event.type) {
      case EventType::kAttemptIntended: intended(event); break;
      case EventType::kAttemptEnded: attempt_ended(event); break;
      case EventType::kStepEnded: step_ended(event); break;
      case EventType::kDoorClosed: door_closed(event); break;
      case EventType::kDoorOpened: door_opened(event); break;
      case EventType::kRunTurned:
        report_.turned = true;
        report_.interruptions.push_back({event.at, "turned back: " + get_string(body, "why")});
        break;
      case EventType::kRunStopped:
        report_.result = "stopped";
        ended_with(body);
        report_.interruptions.push_back({event.at, "stopped: " + get_string(body, "why")});
        break;
      case EventType::kRunEnded:
        report_.result = get_string(body, "result");
        ended_with(body);
        over_ = true;
        break;
      case EventType::kQuestionAsked:
        report_.questions.push_back({event.at, get_string(body, "question"), "", "", "", get_string(body, "role"), {}});
        asked_.push_back(&event);
        break;
      case EventType::kQuestionAnswered: answered(event); break;
      case EventType::kNote:
        if (const std::string section = get_string(body, "section"); !section.empty()) {
          report_.people[section] = get_string(body, "text");
          break;
        }
        report_.notes.push_back(
            {event.at, get_string(body, "text"), get_string(body, "by", event.actor), get_string(body, "file")});
        break;
      case EventType::kReleaseState:
        report_.changes.push_back(name_of_release(get_string(body, "release")) + " is " + get_string(body, "state") +
                                  ": " + get_string(body, "why"));
        break;
      case EventType::kReleaseCurrent:
        report_.changes.push_back(get_string(body, "version") + " is what serves: " + get_string(body, "why"));
        break;
      case EventType::kCheckpointTaken:
        report_.changes.push_back("checkpoint " + get_string(body, "checkpoint") + " brings " +
                                  get_string(body, "version") + " back");
        break;
      case EventType::kReleaseRecorded:
        report_.changes.push_back(get_string(body, "version") + " is recorded as " + get_string(body, "release"));
        break;
      case EventType::kEvidenceDeleted:
        report_.changes.push_back("deleted " + get_string(body, "path") + ": " + get_string(body, "why"));
        break;
      case EventType::kBackupDeleted:
        report_.changes.push_back("deleted the backup " + get_string(body, "path") + ": " + get_string(body, "why"));
        break;
      case EventType::kBackupTaken:
      case EventType::kBackupTested:
      case EventType::kBackupFailed: break;  // told by `backout backups`
      case EventType::kCheckpointVerified:
        report_.changes.push_back("checkpoint " + get_string(body, "checkpoint") +
                                  " is verified: " + get_string(body, "how"));
        break;
      case EventType::kReleaseResolved:
        report_.resolution = resolution_from_json(body);
        report_.resolution->at = event.at;
        report_.changes.push_back(get_string(body, "version") + " is resolved by " + get_string(body, "by") + ": " +
                                  get_string(body, "cause"));
        break;
      case EventType::kIncidentOpened:
        report_.beside.push_back({IncidentId(get_string(body, "incident")), get_string(body, "why")});
        report_.changes.push_back("incident " + get_string(body, "incident") +
                                  " is opened beside this one: " + get_string(body, "why"));
        break;
      case EventType::kLogLevel:
      case EventType::kDeploysResumed:
        report_.changes.push_back(get_string(body, "step", "log level") + " " +
                                  get_string(body, "state", get_string(body, "result")) + ": " +
                                  get_string(body, "why"));
        break;
      case EventType::kProblemReported:
      case EventType::kFactStated:
      case EventType::kVerdictGiven:
      case EventType::kWatchStarted:
      case EventType::kWatchLook:
      case EventType::kWatchTrouble:
      case EventType::kWatchEnded:
      case EventType::kCiSeen:
      case EventType::kReleaseLooked:
      case EventType::kRunStarted:
      case EventType::kPlanMade:
      case EventType::kReadyLooked:
      case EventType::kLeaseGranted:
      case EventType::kLeaseReleased: break;
    }
  }

  /// Leases are events of the site, not of the run: the first is the run's own, a later one took it over.
  void beside(const Event& event) {
    if (event.type != EventType::kLeaseGranted) return;
    report_.interruptions.push_back(
        {event.at, fmt::format("{} took the site, token {}, doing: {}", get_string(event.body, "holder"),
                               get_int(event.body, "token"), get_string(event.body, "doing"))});
  }

  void ended_with(const Json& body) {
    report_.why = get_string(body, "why");
    report_.exit = static_cast<int>(get_int(body, "exit"));
  }

  void intended(const Event& event) {
    const Json& body = event.body;
    const Json& command = get(body, "command");
    if (report_.result == "stopped") report_.result = "running";
    CommandLine line{.step = get_string(body, "step"),
                     .host = get_string(body, "host"),
                     .purpose = get_string(body, "purpose"),
                     .cwd = get_string(command, "cwd"),
                     .user = get_string(command, "user"),
                     .started_at = event.at};
    for (const Json& word : get(command, "argv"))
      if (word.is_string()) line.argv.push_back(word.get<std::string>());
    by_attempt_[get_string(body, "attempt")] = report_.commands.size();
    report_.commands.push_back(std::move(line));
  }
  void attempt_ended(const Event& event) {
    const Json& body = event.body;
    const auto found = by_attempt_.find(get_string(body, "attempt"));
    if (found == by_attempt_.end()) return;
    CommandLine& line = report_.commands[found->second];
    line.ended = true;
    line.started = get_bool(body, "started", true);
    if (get(body, "exit_status").is_number()) line.exit_status = static_cast<int>(get_int(body, "exit_status"));
    line.signal = static_cast<int>(get_int(body, "signal"));
    line.timed_out = get_bool(body, "timed_out");
    line.truncated = get_bool(body, "truncated");
    line.took = Millis(get_int(body, "took_ms"));
    line.out_tail = get_string(body, "out_tail");
    line.err_tail = get_string(body, "err_tail");
  }

  void step_ended(const Event& event) {
    const Json& body = event.body;
    const Json& outcome = get(body, "outcome");
    const std::string step = get_string(body, "step");
    const Json& plan = planned(step);
    StepLine line{.step = step,
                  .title = get_string(plan, "title"),
                  .phase = get_string(plan, "phase"),
                  .host = get_string(body, "host"),
                  .purpose = get_string(body, "purpose"),
                  .why = get_string(outcome, "why"),
                  .at = event.at,
                  .took = Millis(get_int(outcome, "took_ms"))};
    if (const auto kind = outcome_kind_of(get_string(outcome, "kind"))) line.kind = *kind;
    const std::string driver = get_string(get(plan, "action"), "driver");
    if (line.purpose == "apply" && (driver == "sqlite" || driver == "postgresql"))
      take_evidence(get(outcome, "evidence"), report_);
    if (line.purpose == "apply") take_left_behind(get(outcome, "evidence"), left_behind_);
    if (line.purpose == "undo") take_not_carried(get(outcome, "evidence"), lost_on_the_way_back_);

    const PairKey key{step, line.host, line.purpose};
    if (const auto doubt = doubts_.find(key); doubt != doubts_.end()) {
      if (line.kind != OutcomeKind::kUnknown)
        report_.unknowns[doubt->second].resolved = std::string(name_of(line.kind)) + ": " + line.why;
      doubts_.erase(doubt);
    }
    if (line.kind == OutcomeKind::kUnknown && !get_bool(get(outcome, "evidence"), "ended_early")) {
      doubts_[key] = report_.unknowns.size();
      report_.unknowns.push_back({line, ""});
    }
    const std::string kind = get_string(plan, "kind");
    (kind == "look" || kind == "ask" ? report_.checks : report_.steps).push_back(std::move(line));
  }

  void answered(const Event& event) {
    Answered answered{event.at,
                      get_string(event.body, "question"),
                      get_string(event.body, "answer"),
                      get_string(event.body, "by"),
                      get_string(event.body, "note"),
                      get_string(event.body, "role"),
                      {}};
    for (size_t i = report_.questions.size(); i-- > 0;) {
      Answered& asked = report_.questions[i];
      if (asked.question != answered.question || !asked.answer.empty()) continue;
      if (asked_[i] != nullptr) answered.waited = between(*asked_[i], event);
      asked = std::move(answered);
      return;
    }
    report_.questions.push_back(std::move(answered));  // signed off outside a run
    asked_.push_back(nullptr);
  }

  void door_closed(const Event& event) {
    if (closed_ != nullptr) return;
    closed_ = &event;
    mark(words_of_door(event), event, get_string(event.body, "step"));
  }
  void door_opened(const Event& event) {
    if (closed_ == nullptr) return;
    report_.outage += between(*closed_, event);
    closed_ = nullptr;
    mark(words_of_door(event), event, get_string(event.body, "step"));
  }

  /// The run left the door closed: a later one may have opened it, and until then users were outside.
  void look_ahead() {
    const Event* newest = last_;
    for (const Event& event : events_) {
      if (event.seq <= closed_->seq || event.run == report_.run) continue;
      newest = &event;
      if (event.type != EventType::kDoorOpened) continue;
      report_.outage += between(*closed_, event);
      mark(words_of_door(event), event, get_string(event.body, "step") + ", by " + event.run.str());
      return;
    }
    report_.outage += between(*closed_, newest->seq > last_->seq ? *newest : *last_);
    report_.outside_since = closed_->at;
    report_.door_closed = true;
  }

  void mark(std::string what, const Event& event, std::string detail) {
    Moment moment{.what = std::move(what), .at = event.at, .detail = std::move(detail)};
    if (marked_ != nullptr) moment.since_before = between(*marked_, event);
    marked_ = &event;
    report_.clock.push_back(std::move(moment));
  }

  std::string name_of_release(const std::string& release) const {
    for (const Event& event : events_)
      if (event.type == EventType::kReleaseRecorded && get_string(event.body, "release") == release)
        return get_string(event.body, "version") + " (" + release + ")";
    return release;
  }

  void finish() {
    report_.ended_at = last_->at;
    report_.total = between(*start_, *last_);
    mark(report_.ended() ? "ended" : "last event", *last_, report_.result);
    if (closed_ != nullptr) look_ahead();
    if (report_.result == "aborted") forget_carried();
    if (report_.result != "aborted" || report_.exit == 5)  // else it was put back, too
      report_.residue.insert(report_.residue.end(), left_behind_.begin(), left_behind_.end());
    report_.residue.insert(report_.residue.end(), lost_on_the_way_back_.begin(), lost_on_the_way_back_.end());
    report_.impact = impact_of(report_);
    report_.next_time = next_time_of(report_);
    report_.follow_ups = follow_ups_of(report_);
    report_.watches = watches_of(events_, report_.run);
  }

  /// What was carried went away again with the database that it was carried into.
  void forget_carried() {
    for (TableRows& table : report_.rows) table.carried = 0;
    report_.conflicts.clear();
    report_.conflict_count = 0;
    report_.residue.clear();
  }

  const std::vector<Event>& events_;
  Report report_;
  const Event* start_ = nullptr;
  const Event* last_ = nullptr;    // of the run
  const Event* marked_ = nullptr;  // the last line of the clock
  const Event* closed_ = nullptr;  // the door, while it is closed
  bool over_ = false;
  std::string sign_;
  std::vector<std::string> left_behind_, lost_on_the_way_back_;
  std::map<std::string, const Json*> planned_;
  std::map<std::string, size_t> by_attempt_;
  std::map<PairKey, size_t> doubts_;
  std::vector<const Event*> asked_;  // as report_.questions
};

}  // namespace

int64_t Report::rows_found() const {
  int64_t sum = 0;
  for (const TableRows& table : rows) sum += table.inserted + table.updated + table.deleted;
  return sum;
}
int64_t Report::rows_carried() const {
  int64_t sum = 0;
  for (const TableRows& table : rows) sum += table.carried;
  return sum;
}

Report make_report(const std::vector<Event>& events, const RunId& run) { return Making(events, run).make(); }

}  // namespace backout::record
