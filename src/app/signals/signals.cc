#include "app/signals/signals.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"
#include "model/site.h"

namespace backout::app {
namespace {

constexpr const char* kHere = "local";
/// A look returns in about a second; what takes longer is told by a later one.
constexpr Millis kPatience{1'500};
/// A site of which one vote in ten fails is not well, whatever it was before.
constexpr double kNeverHealthy = 0.1;

/// "{host}" in any text of a subject.
Json for_host(const Json& subject, const std::string& host) {
  if (subject.is_string()) return replaced(subject.get<std::string>(), "{host}", host);
  if (!subject.is_structured()) return subject;
  Json filled = subject;
  for (Json& member : filled) member = for_host(member, host);
  return filled;
}

void add(std::vector<Votes>& sum, const std::vector<Votes>& votes) {
  for (const Votes& each : votes) {
    const auto at = std::lower_bound(sum.begin(), sum.end(), each.requests,
                                     [](const Votes& one, int requests) { return one.requests < requests; });
    if (at != sum.end() && at->requests == each.requests) {
      at->good += each.good;
      at->bad += each.bad;
    } else {
      sum.insert(at, each);
    }
  }
}

}  // namespace

backout::Seen together(std::vector<std::pair<std::string, backout::Seen>> by_host) {
  Json positions = Json::object();
  for (const auto& [host, seen] : by_host) positions[host] = seen.position;
  if (by_host.size() == 1) {
    backout::Seen alone = std::move(by_host.front().second);
    alone.position = std::move(positions);
    return alone;
  }
  backout::Seen sum;
  sum.position = std::move(positions);
  using Key = std::tuple<WallTime, Arm, std::string>;
  std::map<Key, Observation> seconds;
  std::vector<std::string> blind;
  for (auto& [host, seen] : by_host) {
    if (!seen.blind.empty()) blind.push_back(host + ": " + seen.blind);
    for (const Observation& each : seen.observations) {
      Observation& total = seconds[Key(each.second, each.arm, each.release)];
      total.second = each.second;
      total.arm = each.arm;
      total.release = each.release;
      total.requests += each.requests;
      total.failed += each.failed;
      add(total.outcomes, each.outcomes);
      add(total.speeds, each.speeds);
    }
    for (Occurrence& each : seen.occurrences) sum.occurrences.push_back(std::move(each));
    for (const std::string& remark : seen.remarks) sum.remarks.push_back(host + ": " + remark);
    for (const auto& [name, value] : seen.figures.items())
      if (value.is_number() && (!sum.figures.contains(name) || sum.figures[name].is_number()))
        sum.figures[name] = value.get<double>() + (sum.figures.contains(name) ? sum.figures[name].get<double>() : 0.0);
      else
        sum.figures[name] = value;
  }
  for (auto& [key, each] : seconds) sum.observations.push_back(std::move(each));
  std::stable_sort(sum.occurrences.begin(), sum.occurrences.end(),
                   [](const Occurrence& a, const Occurrence& b) { return a.at < b.at; });
  if (blind.size() == by_host.size()) sum.blind = join(blind, "; ");
  return sum;
}

Result<Signals> Signals::open(const Workspace& workspace,
                              const std::function<Json(const std::string& signal)>& position) {
  std::vector<Asked> all;
  const Site& site = workspace.site();
  std::map<std::string, std::string> bases;
  for (const HostConfig& host : hosts_of(site)) bases[host.name] = base_url_for(site, host);
  for (const SignalConfig& signal : site.signals) {
    std::vector<std::string> hosts = hosts_of(site, signal.hosts);
    if (is_asked_once(signal)) hosts = {kHere};
    const Json left_off = position(signal.name);
    for (const std::string& host : hosts) {
      const Json subject = for_host(subject_of(signal, bases[host]), host);
      Asked asked{signal.name, host, {}, Millis(get_int(subject, "every_ms", 1'000)), Json(), BootTime(0), {}};
      asked.source = TRY(watch::make_source(signal.kind, subject, *workspace.hosts().at(host))
                             .with_context("the signal " + signal.name));
      asked.position = get(left_off, host);
      all.push_back(std::move(asked));
    }
  }
  return Signals(std::move(all));
}

std::vector<Heard> Signals::look(const watch::Scope& scope, bool all, const std::stop_token& stop) {
  const BootTime now = system_clock().boot();
  for (Asked& each : asked_) {
    if (each.under_way.valid() || (!all && each.next > now)) continue;
    each.next = now + each.every;
    each.under_way =
        std::async(std::launch::async, [source = each.source.get(), position = each.position, scope, stop] {
          auto looked = source->look(scope, position, stop);
          if (looked) return std::move(*looked);
          backout::Seen blind;
          blind.blind = one_line(looked.error().message);
          blind.position = position;
          return blind;
        });
  }
  // A signal is told when every host has answered: of one second, each vote counts once, and none comes too late.
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::set<std::string> waited_for;
  for (Asked& each : asked_) {
    if (!each.under_way.valid()) continue;
    if (all) each.under_way.wait();
    if (each.under_way.wait_until(until) != std::future_status::ready) waited_for.insert(each.signal);
  }
  std::map<std::string, std::vector<std::pair<std::string, backout::Seen>>> by_signal;
  std::vector<std::string> order;
  for (Asked& each : asked_) {
    if (!each.under_way.valid() || waited_for.contains(each.signal)) continue;
    backout::Seen seen = each.under_way.get();
    each.position = seen.position;
    if (!by_signal.contains(each.signal)) order.push_back(each.signal);
    by_signal[each.signal].emplace_back(each.host, std::move(seen));
  }
  std::vector<Heard> heard;
  for (const std::string& signal : order) {
    std::vector<std::string> blind_on;
    for (const auto& [host, seen] : by_signal[signal])
      if (!seen.blind.empty()) blind_on.push_back(host + ": " + seen.blind);
    Heard one;
    one.signal = signal;
    one.seen = together(std::move(by_signal[signal]));
    if (one.seen.blind.empty()) one.blind_on = std::move(blind_on);
    heard.push_back(std::move(one));
  }
  return heard;
}

SignalsSaid said_by(const std::vector<Evidence>& evidence) {
  SignalsSaid said;
  std::vector<std::string> blind;
  for (const Evidence& each : evidence) {
    if (each.state == EvidenceState::kAlarm && said.alarm.empty()) said.alarm = line_of(each);
    if (each.measure == "outcomes" && each.tolerated > kNeverHealthy &&
        static_cast<double>(each.bad) > kNeverHealthy * static_cast<double>(each.votes))
      said.bad_before = line_of(each) + fmt::format("; {:.0f} % is tolerated, as it was before", 100 * each.tolerated);
    if (each.state == EvidenceState::kBlind) blind.push_back(each.signal + (each.why.empty() ? "" : ": " + each.why));
  }
  said.blind = join(blind, "; ");
  return said;
}

}  // namespace backout::app
