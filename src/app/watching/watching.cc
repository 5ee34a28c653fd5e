#include "app/watching/watching.h"

#include <charconv>

#include "app/history/runs.h"
#include "app/history/target.h"
#include "app/signals/log_memory.h"
#include "app/watching/log_level.h"
#include "app/watching/vigil.h"
#include "base/text.h"
#include "driver/secrets.h"

namespace backout::app {
namespace {

Result<journal::NewEvent> started(const Workspace& workspace, const Version& version, Millis span,
                                  const std::string& why) {
  const WatchConfig& config = workspace.site().watch;
  const int64_t number = TRY(workspace.journal().next_number(workspace.site().id, "W"));
  return journal::NewEvent{EventType::kWatchStarted,
                           {{"watch", fmt::format("W-{}", number)},
                            {"version", version.str()},
                            {"why", why},
                            {"until_ms", to_millis(system_clock().wall() + span)},
                            {"trouble_failed", config.trouble_failed},
                            {"trouble_of", config.trouble_of}}};
}

journal::NewEvent ended(const std::string& watch, const std::string& verdict, const std::string& why) {
  return {EventType::kWatchEnded, {{"watch", watch}, {"verdict", verdict}, {"why", one_line(why)}}};
}

/// A number that a command prints, over hosts. None when one of them prints none.
std::optional<double> counted_by(const Workspace& workspace, const FigureConfig& figure) {
  double sum = 0;
  std::vector<std::string> hosts = hosts_of(workspace.site(), figure.hosts);
  if (figure.hosts.empty()) hosts.resize(1);
  for (const std::string& name : hosts) {
    host::Command command{.argv = figure.count.argv,
                          .cwd = figure.count.cwd,
                          .env = figure.count.env,
                          .user = figure.count.user,
                          .timeout = figure.count.timeout};
    if (!driver::reveal(figure.count.secrets, command.env)) return std::nullopt;
    const auto result = workspace.hosts().at(name)->run(command);
    if (!result || !result->ok()) return std::nullopt;
    const std::string_view said = trimmed(result->out);
    double number = 0;
    const auto [end, failure] = std::from_chars(said.data(), said.data() + said.size(), number);
    if (failure != std::errc() || end != said.data() + said.size()) return std::nullopt;
    sum += number;
  }
  return sum;
}

/// What one round saw, as the journal keeps it. `minutes`: since the look before.
Json body_of(const Workspace& workspace, const std::string& watch, const Checked& checked, double minutes,
             std::vector<std::string>& remarks) {
  Json body = {{"watch", watch},
               {"failed", !checked.all_hold()},
               {"looks", 0},
               {"bad", Json::array()},
               {"new_kinds", Json::array()},
               {"figures", Json::object()},
               {"versions", checked.versions()},
               {"positions", Json::object()}};
  int64_t looks = 0;
  for (const Look& look : checked.looks) {
    if (look.manual) continue;
    ++looks;
    const Json& seen = look.sight.evidence;
    if (look.sight.kind != SightKind::kHolds)
      body["bad"].push_back({{"step", look.step},
                             {"host", look.host},
                             {"result", look.sight.kind == SightKind::kCannotTell ? "unseen" : "fails"},
                             {"why", shortened(one_line(look.sight.why), 300)}});
    for (const auto& [name, value] : get(seen, "figures").items()) body["figures"][name + " " + look.host] = value;
    if (!seen.contains("position") || !seen.contains("log")) continue;
    body["positions"][look.step + " " + look.host] = seen["position"];
    const std::string log = get_string(seen, "log");
    if (const int64_t requests = get_int(seen, "requests"); requests > 0 && minutes > 0)
      body["figures"][fmt::format("requests a minute in {} {}", log, look.host)] =
          std::round(100 * static_cast<double>(requests) / minutes) / 100;
    for (const char* list : {"bad", "new_kinds"})
      for (const Json& found : get(seen, list))
        if (std::string_view(list) == "new_kinds" || get_string(found, "what").find("never seen") != std::string::npos)
          body["new_kinds"].push_back({{"log", log},
                                       {"host", look.host},
                                       {"kind", get_string(found, "kind")},
                                       {"count", get_int(found, "count")}});
  }
  body["looks"] = looks;
  for (const FigureConfig& figure : workspace.site().watch.figures) {
    if (const auto number = counted_by(workspace, figure))
      body["figures"][figure.name] = *number;
    else
      remarks.push_back("the figure '" + figure.name + "' cannot be had");
  }
  return body;
}

Result<record::WatchSummary> summary_of(const Workspace& workspace, const Json& watch) {
  const std::vector<Event> events =
      TRY(workspace.journal().read(workspace.site().id, std::max<int64_t>(get_int(watch, "seq") - 1, 0)));
  for (record::WatchSummary& each : record::watches_of(events))
    if (each.id == get_string(watch, "watch")) return std::move(each);
  return Error{Code::kCorrupt, "the journal has lost the beginning of a watch", "backout audit verify"};
}

}  // namespace

Result<Json> open_watch(const Workspace& workspace) {
  Json watch = TRY(workspace.journal().watch(workspace.site().id));
  return get_bool(watch, "open") ? watch : Json();
}

Result<void> begin_watch(const Workspace& workspace, Millis span, const std::string& why) {
  if (const Json watch = TRY(open_watch(workspace)); !watch.is_null())
    return Error{Code::kConflict, get_string(watch, "watch") + " is on already", "see it: backout status"};
  const Release current = TRY(current_release(workspace.journal(), workspace.site().id));
  TRY(workspace.journal().append(workspace.site().id, 0, {TRY(started(workspace, current.version, span, why))}));
  return {};
}

Result<WatchRound> look_again(const Workspace& workspace, const SignalsAtLook& signals,
                              const std::function<void(const Look&)>& seen) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  const Json watch = TRY(open_watch(workspace));
  const std::string id = get_string(watch, "watch");
  if (const auto run = TRY(unfinished(workspace)))
    return Error{Code::kBusy, fmt::format("{} is unfinished: {} waits", run->id, id), "backout status"};
  const Release current = TRY(current_release(journal, site));
  const WallTime until = wall_from_millis(get_int(watch, "until_ms"));
  WatchRound round;
  const auto remark = [&](const auto& result) {
    if (!result) round.remarks.push_back(one_line(result.error().message));
  };
  const auto over = [&](const std::string& verdict, const std::string& why) -> Result<WatchRound> {
    journal::NewEvent end = ended(id, verdict, why);
    if (verdict == "good" && !signals.habits.empty()) end.body["habits"] = signals.habits;
    TRY(journal.append(site, 0, {std::move(end)}));
    remark(put_log_level_back(workspace, true, id + " is over"));
    round.report = TRY(summary_of(workspace, watch));
    return std::move(round);
  };
  if (current.version.str() != get_string(watch, "version"))
    return over("replaced", "another release runs: " + current.version.str());
  if (system_clock().wall() < until) remark(raise_log_level(workspace, until, id));

  round.checked = TRY(check_now(workspace, current.version, true, seen));
  const WallTime now = system_clock().wall();
  const int64_t before = std::max(get_int(watch, "last_ms"), get_int(watch, "started_ms"));
  Json body =
      body_of(workspace, id, round.checked, static_cast<double>(to_millis(now) - before) / 60'000.0, round.remarks);
  for (const Evidence& each : signals.evidence) body["evidence"].push_back(to_json(each));
  const SignalsSaid said = said_by(signals.evidence);
  Json recent = get(watch, "recent");
  const int failed = static_cast<int>(get_int(watch, "trouble_failed", 2));
  const int of = static_cast<int>(get_int(watch, "trouble_of", 5));
  const bool was = record::in_trouble(recent, failed, of);
  recent.push_back(get_bool(body, "failed"));
  const bool failing = record::in_trouble(recent, failed, of);
  round.trouble = failing || !said.alarm.empty();
  std::vector<journal::NewEvent> events = {{EventType::kWatchLook, body}};
  if (round.trouble && !was && !get_bool(watch, "trouble"))
    events.push_back(
        {EventType::kWatchTrouble,
         {{"watch", id},
          {"why", failing ? fmt::format("at least {} of the last {} looks failed", failed, of) : said.alarm}}});
  TRY(journal.append(site, 0, std::move(events)));
  if (now < until) return round;
  record::Verdict verdict = record::verdict_of(TRY(summary_of(workspace, watch)), failing, now);
  if (!said.alarm.empty()) verdict = {"bad", said.alarm};
  const Json judgement = TRY(journal.judgement(site));
  const std::string standing = get_string(get(judgement, "verdict"), "verdict");
  if (verdict.word == "good" && !standing.empty() && standing != "monitor")
    verdict = {"bad", standing + ": " + one_line(get_string(get(judgement, "verdict"), "reason"))};
  if (verdict.word == "good" && !said.bad_before.empty()) verdict = {"bad", said.bad_before};
  if (verdict.word == "good" && !said.blind.empty()) verdict = {"unseen", "BLIND: " + said.blind};
  return over(verdict.word, verdict.why);
}

std::vector<journal::NewEvent> watches_at_end(const Workspace& workspace, const Plan& plan, const run::RunEnd& end) {
  std::vector<journal::NewEvent> events;
  if (plan.contract.kind == RunKind::kCheckpoint || (end.result != "done" && end.result != "unverified")) return events;
  if (const auto watch = open_watch(workspace); watch && !watch->is_null())
    events.push_back(ended(get_string(*watch, "watch"), "replaced", "a run put another release in place"));
  const Millis span = workspace.site().watch.heightened;
  if (plan.contract.kind == RunKind::kDeploy || end.result != "done" || span == Millis(0)) return events;
  auto begins = started(workspace, plan.contract.to, span,
                        plan.contract.kind == RunKind::kRollback ? "rolled back to it" : "went forward to it again");
  if (begins) events.push_back(std::move(*begins));
  return events;
}

}  // namespace backout::app
