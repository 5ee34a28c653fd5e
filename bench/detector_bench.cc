// detector_*: votes until the alarm, false alarms, and the same streams through the loops of Flagger and Argo Rollouts.
// peer_value of the delays: failed requests that the peer served until it rolled back; ratio: by how many times that is
// more than ours. Prints a JSON list of {name, value, unit, peer, peer_value, ratio, about}; the seeds are below.
#include <chrono>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "decide/detector/canary_loops_for_tests.h"
#include "decide/detector/judge.h"
#include "decide/detector/streams_for_tests.h"

namespace {

using backout::Arm;
using backout::Json;
using backout::Observation;
using backout::Seen;
using backout::Votes;
using namespace backout::decide;
using namespace backout::decide::simulated;

constexpr int64_t kSeconds = 1800, kPerSecond = 100;
constexpr double kVotes = kSeconds * kPerSecond, kThreshold = kVotes / 1e-3;
constexpr double kHealthy = 0.005, kBad = 0.1;
constexpr int kWatches = 30'000, kStreams = 2'000, kBursty = 300;

struct Peer {
  std::string name, about;
  std::function<std::optional<int64_t>(Stream)> rollback;
};

const std::vector<Peer> kPeers = {
    {"flagger", "its defaults: 60 s, threshold 1, 99 %", [](Stream s) { return Flagger{}.rollback(s); }},
    {"argo", "at its quickest: 60 s, failureLimit 0, 95 %",
     [](Stream s) { return Argo{.interval = 60, .window = 60, .failure_limit = 0}.rollback(s); }},
    {"flagger-tutorial", "60 s, threshold 5", [](Stream s) { return Flagger{.threshold = 5}.rollback(s); }},
    {"argo-template", "5 min, failureLimit 3", [](Stream s) { return Argo{}.rollback(s); }}};

Json row(const char* name, double value, const char* unit, const std::string& about) {
  return {{"name", name},          {"value", value},   {"unit", unit},  {"peer", nullptr},
          {"peer_value", nullptr}, {"ratio", nullptr}, {"about", about}};
}

Json against(Json one, const Peer& peer, double value, double ratio, const std::string& about) {
  one["peer"] = peer.name;
  one["peer_value"] = value;
  one["ratio"] = ratio;
  one["about"] = peer.about + about;
  return one;
}

std::vector<Served> stream(Random& random, double rate, int64_t per_second, double correlation = 0) {
  std::vector<Served> served;
  for (int64_t second = 0; second < kSeconds; ++second) {
    int64_t failed = 0;
    if (correlation == 0)
      failed = random.binomial(per_second, rate);
    else
      for (int64_t client = 0; client < per_second / 10; ++client) {
        const double both = 1 / correlation - 1;
        failed += random.binomial(10, random.beta(rate * both, (1 - rate) * both));
      }
    served.push_back({per_second, failed});
  }
  return served;
}

/// Failed requests that were served until the rollback; the whole watch if there is none.
double served_until(const Peer& peer, const std::vector<Served>& served) {
  return static_cast<double>(within(served, 0, peer.rollback(served).value_or(kSeconds)).failed);
}

void delays(Json& rows) {
  const Quick quick(kHealthy, kThreshold);
  Random random(1);
  std::vector<double> votes, failed;
  for (int i = 0; i < 40'000; ++i) {
    const int64_t at = quick.votes(random, kHealthy, 0, kBad, 10'000'000);
    votes.push_back(static_cast<double>(at));
    failed.push_back(1 + static_cast<double>(random.binomial(at - 1, kBad)));
  }
  const Spread ours = spread_of(votes), ours_failed = spread_of(failed);
  const std::string words = "10 % against 0.5 %, 180,000 votes, alpha 1e-3; " +
                            std::to_string(ours_failed.mean).substr(0, 3) + " failed requests served on average";
  rows.push_back(row("detector_mean_votes", ours.mean, "votes", words));
  rows.push_back(row("detector_p99_votes", ours.p99, "votes", words));
  std::vector<std::vector<double>> theirs(kPeers.size());
  for (int i = 0; i < kStreams; ++i) {
    const auto served = stream(random, kBad, kPerSecond);
    for (size_t j = 0; j < kPeers.size(); ++j) theirs[j].push_back(served_until(kPeers[j], served));
  }
  for (size_t j = 0; j < kPeers.size(); ++j) {
    const Spread spread = spread_of(theirs[j]);
    rows.push_back(against(row("detector_mean_votes", ours.mean, "votes", ""), kPeers[j], spread.mean,
                           spread.mean / ours_failed.mean, "; failed requests served"));
    rows.push_back(against(row("detector_p99_votes", ours.p99, "votes", ""), kPeers[j], spread.p99,
                           spread.p99 / ours_failed.p99, "; failed requests served"));
  }
}

void false_alarms(Json& rows) {
  const auto part = [](int count, int of) { return static_cast<double>(count) / of; };
  const Quick quick(kHealthy, kThreshold);
  Random random(2);
  int alarms = 0;
  for (int i = 0; i < kWatches; ++i)
    alarms += quick.votes(random, kHealthy, 0, kHealthy, static_cast<int64_t>(kVotes)) > 0 ? 1 : 0;
  rows.push_back(row("detector_false_alarms", part(alarms, kWatches), "per watch",
                     "30,000 healthy watches at what is tolerated, 0.5 %; the bound is 1e-3"));
  // Second by second, as the judge does it, with its threshold.
  int by_second = 0;
  for (int i = 0; i < kWatches; ++i) {
    EDetector detector(kHealthy, {kSeconds / 1e-3});
    for (int64_t second = 0; second < kSeconds && !detector.alarm(); ++second) {
      const int64_t bad = random.binomial(kPerSecond, kHealthy);
      const Votes votes{1, kPerSecond - bad, bad};
      detector.update({&votes, 1}, second_of(second));
    }
    by_second += detector.alarm() ? 1 : 0;
  }
  rows.push_back(row("detector_false_alarms_by_second", part(by_second, kWatches), "per watch",
                     "the same, a hundred votes at once and 1,800 seconds instead of 180,000 votes"));
  // A release with one request a second, where a share of a minute's requests means little.
  for (const int64_t per_second : {kPerSecond, int64_t{1}}) {
    int ours = 0;
    std::vector<int> theirs(kPeers.size());
    for (int i = 0; i < kStreams; ++i) {
      const auto served = stream(random, kHealthy, per_second);
      EDetector detector(kHealthy, {kSeconds / 1e-3});
      for (size_t second = 0; second < served.size(); ++second) {
        const Votes votes{1, served[second].requests - served[second].failed, served[second].failed};
        detector.update({&votes, 1}, second_of(static_cast<int64_t>(second)));
      }
      ours += detector.alarm() ? 1 : 0;
      for (size_t j = 0; j < kPeers.size(); ++j) theirs[j] += kPeers[j].rollback(served) ? 1 : 0;
    }
    const char* name = per_second == 1 ? "detector_false_alarms_slow" : "detector_false_alarms";
    const double value = per_second == 1 ? part(ours, kStreams) : part(alarms, kWatches);
    for (size_t j = 0; j < kPeers.size(); ++j)
      rows.push_back(against(row(name, value, "per watch", ""), kPeers[j], part(theirs[j], kStreams),
                             part(theirs[j], kStreams) / std::max(value, part(1, kStreams)),
                             per_second == 1 ? "; one request a second" : "; a hundred requests a second"));
  }
}

void bursts(Json& rows) {
  int ours = 0, single = 0, watches = 0;
  std::vector<int> theirs(kPeers.size());
  Random random(3);
  for (const double correlation : {0.05, 0.2, 0.5})
    for (int i = 0; i < kBursty; ++i, ++watches) {
      EDetector clients(kHealthy, {kThreshold}), requests(kHealthy, {kThreshold});
      std::vector<Served> served;
      for (int64_t second = 0; second < kSeconds; ++second) {
        Votes votes{10, 10, 0};
        Served all{kPerSecond, 0};
        for (int client = 0; client < 10; ++client) {
          const double both = 1 / correlation - 1;
          const int64_t failed = random.binomial(10, random.beta(kHealthy * both, (1 - kHealthy) * both));
          all.failed += failed;
          votes.good -= failed > 0 ? 1 : 0;
          votes.bad += failed > 0 ? 1 : 0;
        }
        const Votes each{1, all.requests - all.failed, all.failed};
        clients.update({&votes, 1}, second_of(second));
        requests.update({&each, 1}, second_of(second));
        served.push_back(all);
      }
      ours += clients.alarm() ? 1 : 0;
      single += requests.alarm() ? 1 : 0;
      for (size_t j = 0; j < kPeers.size(); ++j) theirs[j] += kPeers[j].rollback(served) ? 1 : 0;
    }
  const double value = static_cast<double>(ours) / watches;
  rows.push_back(
      row("detector_bursty_false_alarms", value, "per watch",
          "clients of 10 requests, correlation 0.05, 0.2, 0.5, 300 watches each; one vote per request would be " +
              std::to_string(static_cast<double>(single) / watches).substr(0, 4)));
  for (size_t j = 0; j < kPeers.size(); ++j) {
    const double peer = static_cast<double>(theirs[j]) / watches;
    rows.push_back(against(row("detector_bursty_false_alarms", value, "per watch", ""), kPeers[j], peer,
                           peer / std::max(value, 1.0 / watches), ""));
  }
}

/// The judge over an access log with control arm and slowness: seconds to the alarm, microseconds for each second read.
void judge_cost(Json& rows) {
  Random random(4);
  std::vector<double> seconds, micros;
  for (int run = 0; run < 500; ++run) {
    Watched watched;
    watched.current = "v2";
    watched.cutover = second_of(0);
    watched.signals = {{.name = "access"}};
    Judge judge(watched);
    const auto observed = [&](int64_t second, Arm arm, double rate) {
      Observation each;
      each.second = second_of(second);
      each.arm = arm;
      const int64_t bad = random.binomial(kPerSecond, rate), slow = random.binomial(kPerSecond, 0.05);
      each.outcomes = {{1, kPerSecond - bad, bad}};
      each.speeds = {{1, kPerSecond - slow, slow}};
      return each;
    };
    Seen before;
    for (int64_t second = -3600; second < 0; ++second)
      before.observations.push_back(observed(second, Arm::kOld, kHealthy));
    (void)judge.feed("access", before, second_of(0));
    int64_t second = 0;
    for (bool alarm = false; !alarm && second < 100; ++second) {
      Seen seen;
      seen.observations = {observed(second, Arm::kNew, kBad)};
      (void)judge.feed("access", seen, second_of(second + 1));
      for (const backout::Evidence& each : judge.evidence(second_of(second + 1)))
        alarm = alarm || each.state == backout::EvidenceState::kAlarm;
    }
    seconds.push_back(static_cast<double>(second));
    if (run % 20 != 0) continue;
    Seen hour;
    for (int64_t at = 200; at < 3800; ++at) hour.observations.push_back(observed(at, Arm::kNew, kHealthy));
    const auto began = std::chrono::steady_clock::now();
    (void)judge.feed("access", hour, second_of(3800));
    micros.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count() /
                     3600);
  }
  rows.push_back(row("detector_seconds", spread_of(seconds).mean, "s",
                     "the judge, twice the healthy 0.5 % tolerated, 10 % at a hundred a second; p99 " +
                         std::to_string(static_cast<int>(spread_of(seconds).p99)) + " s"));
  rows.push_back(row("detector_cost", spread_of(micros).mean, "us", "for each second of observations"));
}

}  // namespace

int main() {
  Json rows = Json::array();
  delays(rows);
  false_alarms(rows);
  bursts(rows);
  judge_cost(rows);
  std::cout << rows.dump(1) << '\n';
  return 0;
}
