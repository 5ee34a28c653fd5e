#include "app/signals/following.h"

#include <algorithm>

#include "app/history/target.h"
#include "base/text.h"
#include "model/verdict.h"
#include "os/file.h"

namespace backout::app {
namespace {

constexpr size_t kKeptOccurrences = 200;
constexpr int kStateFormat = 1;
/// Answers that were begun while a release was switched end within so long.
constexpr Millis kSwitchEnds{1'000};

/// Whether a signal sees requests, so that its silence means that nothing was seen.
bool has_votes(const SignalConfig& signal) {
  static constexpr std::string_view kWithout[] = {"alertmanager", "log", "journal", "restarts", "resources"};
  return std::find(std::begin(kWithout), std::end(kWithout), signal.kind) == std::end(kWithout);
}
/// Whether its votes are clients, and not requests of whoever.
bool knows_clients(const SignalConfig& signal) { return signal.kind != "prometheus" && signal.kind != "metrics"; }

Result<std::optional<decide::Habits>> habits_in(const Json& kept, const std::string& signal, const char* measure) {
  const Json& value = get(get(kept, signal), measure);
  if (!value.is_object()) return std::optional<decide::Habits>();
  return std::optional<decide::Habits>(TRY(decide::Habits::from_json(value)));
}

Result<decide::Watched> watched(const Workspace& workspace, const Newcomer& newcomer, Millis span) {
  decide::Watched watched;
  watched.current = newcomer.release.version.str();
  watched.before = newcomer.before.str();
  watched.cutover = newcomer.cutover;
  watched.before_was_well = newcomer.before_was_well;
  if (span > Millis(0)) watched.span = span;
  const Json judgement = TRY(workspace.journal().judgement(workspace.site().id));
  const Json& kept = get(judgement, "habits");
  for (const SignalConfig& signal : workspace.site().signals)
    watched.signals.push_back(TRY(judged_signal(signal, kept)));
  return watched;
}

/// What was left off there, if it is about this release. Anything else begins anew: the file is not the truth.
Json left_off(const std::string& file, const Newcomer& newcomer) {
  const auto text = os::read_file(file, 64U << 20);
  if (!text) return Json();
  Json value = Json::parse(*text, nullptr, false);
  if (!value.is_object() || get_int(value, "format") != kStateFormat ||
      get_string(value, "release") != newcomer.release.id.str() ||
      get_int(value, "cutover_ms") != to_millis(newcomer.cutover))
    return Json();
  return value;
}

}  // namespace

Result<decide::JudgedSignal> judged_signal(const SignalConfig& signal, const Json& habits) {
  decide::JudgedSignal judged;
  judged.name = signal.name;
  judged.votes = has_votes(signal);
  judged.clients = knows_clients(signal);
  judged.outcomes = TRY(habits_in(habits, signal.name, "outcomes"));
  judged.speeds = TRY(habits_in(habits, signal.name, "speeds"));
  return judged;
}

Result<Newcomer> newcomer(const Workspace& workspace) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  const journal::Serving serving = TRY(journal.serving(site));
  Newcomer found;
  found.release = TRY(current_release(journal, site));
  found.cutover = serving.since;
  bool known = false;
  const auto brought_it = [&](const journal::RunRow& run) {
    return run.started_at <= found.cutover && found.cutover <= run.changed_at + kSwitchEnds;
  };
  for (const journal::RunRow& run : TRY(journal.runs(site, 50))) {
    if (run.state != "done" && run.state != "unverified") continue;
    if (known && run.to == found.before && run.kind != RunKind::kCheckpoint) {
      found.since = run.changed_at;
      break;
    }
    if (known || run.to != found.release.version || run.kind == RunKind::kCheckpoint || !brought_it(run)) continue;
    known = true;
    found.before = run.from;
    found.by_rollback = run.kind == RunKind::kRollback;
    found.left = run.started_at;
  }
  // After a rollback the minutes before were those of the bad release; and so they were where somebody went forward
  // from one.
  const Json judgement = TRY(journal.judgement(site));
  const std::string left = get_string(get(judgement, "left"), "verdict");
  found.before_was_well = !found.by_rollback && (left.empty() || left == name_of(Verdict::kMonitor));
  return found;
}

Following::Following(const Workspace& workspace, Newcomer newcomer, decide::Judge judge, Signals signals,
                     std::string file)
    : workspace_(&workspace),
      newcomer_(std::move(newcomer)),
      judge_(std::move(judge)),
      signals_(std::move(signals)),
      file_(std::move(file)) {}

Result<Following> Following::open(const Workspace& workspace, Millis span) {
  Newcomer release = TRY(app::newcomer(workspace));
  const std::string file = workspace.watching_directory() + "/" + release.release.id.str() + ".json";
  const decide::Watched scope = TRY(watched(workspace, release, span));
  const Json left = left_off(file, release);
  auto judge = left.is_null() ? Result<decide::Judge>(decide::Judge(scope))
                              : decide::Judge::from_json(scope, get(left, "judge"));
  if (!judge) judge = decide::Judge(scope);  // of another version, or damaged: all is read again
  Signals signals = TRY(Signals::open(workspace, [&](const std::string& signal) { return judge->position(signal); }));
  Following following(workspace, std::move(release), std::move(*judge), std::move(signals), file);
  for (const Json& each : get(left, "occurrences"))
    if (auto occurrence = occurrence_from_json(each)) following.occurrences_.push_back(std::move(*occurrence));
  for (const auto& [signal, figures] : get(left, "figures").items()) following.figures_[signal] = figures;
  return following;
}

Result<Following::Round> Following::look(bool all, const std::stop_token& stop) {
  Round round;
  const watch::Scope scope{newcomer_.release.version.str(), newcomer_.before.str(), newcomer_.cutover, newcomer_.since,
                           system_clock().wall()};
  for (Heard& heard : signals_.look(scope, all, stop)) {
    leave_out_the_switch(heard.seen);
    TRY_VOID(judge_.feed(heard.signal, heard.seen, scope.now));
    for (Occurrence& each : heard.seen.occurrences) occurrences_.push_back(std::move(each));
    if (!heard.seen.figures.empty()) figures_[heard.signal] = std::move(heard.seen.figures);
    blind_on_[heard.signal] = std::move(heard.blind_on);
    for (const std::string& remark : heard.seen.remarks) round.remarks.push_back(heard.signal + ": " + remark);
  }
  if (occurrences_.size() > kKeptOccurrences)
    occurrences_.erase(occurrences_.begin(), occurrences_.end() - static_cast<long>(kKeptOccurrences));
  round.evidence = judge_.evidence(scope.now);
  for (const auto& [signal, hosts] : blind_on_)
    for (const std::string& host : hosts) {
      Evidence blind;
      blind.signal = signal;
      blind.measure = "outcomes";
      blind.why = host;
      round.evidence.push_back(std::move(blind));
    }
  for (const Evidence& each : round.evidence) {
    const std::string key = each.signal + " " + each.measure;
    const auto before = states_.find(key);
    round.news = round.news || before == states_.end() || before->second != each.state;
    states_[key] = each.state;
  }
  // The document is not the truth: without it the next process reads all again.
  if (const auto stored = store(); !stored) round.remarks.push_back(one_line(stored.error().message));
  return round;
}

void Following::leave_out_the_switch(backout::Seen& seen) const {
  std::erase_if(seen.observations, [&](const Observation& each) { return each.second < newcomer_.since; });
  if (newcomer_.left == WallTime()) return;
  const WallTime from = newcomer_.left, to = newcomer_.cutover + kSwitchEnds;
  std::erase_if(seen.observations, [&](const Observation& each) {
    return each.second + std::chrono::seconds(1) > from && each.second < to;
  });
}

Result<void> Following::store() const {
  if (signals_.none()) return {};
  Json document = {{"format", kStateFormat},
                   {"release", newcomer_.release.id.str()},
                   {"cutover_ms", to_millis(newcomer_.cutover)},
                   {"judge", judge_.to_json()},
                   {"occurrences", Json::array()},
                   {"figures", Json::object()}};
  for (const Occurrence& each : occurrences_) document["occurrences"].push_back(to_json(each));
  for (const auto& [signal, figures] : figures_) document["figures"][signal] = figures;
  TRY_VOID(os::make_directories(workspace_->watching_directory(), 0700));
  return os::write_file_atomic(file_, document.dump(), 0600);
}

Json Following::habits() const {
  Json habits = Json::object();
  for (const SignalConfig& signal : workspace_->site().signals) {
    if (!has_votes(signal)) continue;
    const decide::Habits outcomes = judge_.outcomes_of(signal.name), speeds = judge_.speeds_of(signal.name);
    if (outcomes.votes() > 0) habits[signal.name]["outcomes"] = outcomes.to_json();
    if (speeds.votes() > 0) habits[signal.name]["speeds"] = speeds.to_json();
  }
  return habits;
}

}  // namespace backout::app
