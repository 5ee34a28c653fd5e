#include "drivers/traffic/shift.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <optional>
#include <thread>

#include "base/text.h"
#include "driver/final_sight.h"

namespace backout::drivers {
namespace {

constexpr int kLooksInARow = 3;  // one answer says little about a process that restarts
constexpr Millis kBetweenLooks{2}, kBetweenSteadyLooks{1'000};
constexpr Millis kHangs{2'500};
constexpr int kAnswersInFront = 5;  // each over a connection of its own: an old worker may still take one

Error wrong(std::string message) { return {Code::kInvalid, "traffic: " + std::move(message), "see docs/traffic.md"}; }

Result<std::string> text_of(const Json& args, std::string_view key) {
  std::string text = get_string(args, key);
  if (text.empty()) return wrong(fmt::format("'{}' is missing", key));
  return text;
}

/// The weights that `action` wants on `host`.
Result<Weights> wanted_on(const Json& args, const Pools& pools, const host::Host& host) {
  const Json& by_host = get(args, "weights_on");
  return weights_from(by_host.is_object() ? get(by_host, host.name().str()) : get(args, "weights"), pools,
                      get_bool(args, "undo"));
}

/// The subject as set() and look() of a kind are given it.
Json subject_on(const Json& args, const host::Host& host) {
  Json subject = args;
  subject.erase("found_on");
  subject.erase("apart_on");
  if (const Json& apart = get(get(args, "apart_on"), host.name().str()); !apart.is_null()) subject["apart"] = apart;
  if (const Json& found = get(get(args, "found_on"), host.name().str()); !found.is_null()) subject["found"] = found;
  return subject;
}

/// Why what each of several places does is not what was wanted of it, or nothing.
std::string amiss_apart(const Apart& wanted, const Weights& of_all, const Apart& seen) {
  for (const auto& [place, weights] : seen) {
    const auto here = wanted.find(place);
    const Weights& want = here == wanted.end() ? of_all : here->second;
    if (!same(want, weights))
      return fmt::format("{}: wanted {}, it divides {}", one_line(place), in_words(want), in_words(weights));
  }
  return "";
}

/// "90 % of the traffic goes to green", or "of backend api 90 %".
std::string share_in_words(const std::string& pool, int percent, const Apart& apart) {
  for (const auto& [place, weights] : apart)
    if (const auto share = weights.find(pool); share != weights.end() && share->second > 0)
      return fmt::format("at {} {} % of the traffic", one_line(place), share->second);
  return fmt::format("{} % of the traffic", percent);
}

/// What the balancer itself says against a pool that has traffic.
std::string sick_in(const Json& seen, const Weights& weights) {
  const Json& sick = get(seen, "sick");
  for (const auto& [name, percent] : weights)
    if (const std::string why = get_string(sick, name); percent > 0 && !why.empty()) return name + ": " + why;
  return "";
}

Sight pool_serves(const Json& args, const Pools& pools, const std::stop_token& stop, Millis for_so_long) {
  const auto name = text_of(args, "pool"), version = text_of(args, "release");
  if (!name) return Sight::cannot_tell(name.error().message);
  if (!version) return Sight::cannot_tell(version.error().message);
  const auto pool = pools.by_name.find(*name);
  if (pool == pools.by_name.end()) return Sight::cannot_tell("there is no pool '" + one_line(*name) + "'");
  const auto began = std::chrono::steady_clock::now();
  const auto over = [&] { return std::chrono::steady_clock::now() - began >= for_so_long; };
  int looks = 0;
  do {
    if (looks > 0) std::this_thread::sleep_for(for_so_long > Millis(0) ? kBetweenSteadyLooks : kBetweenLooks);
    if (stop.stop_requested()) return Sight::cannot_tell("stopped while looking at " + *name);
    const PoolSeen seen = look_at(pool->second, pools, stop);
    const Json evidence = {{"pool", *name}, {"version", seen.version}, {"looks", looks + 1}};
    if (seen.version != *version)
      return Sight::does_not_hold(seen.version.empty()
                                      ? fmt::format("expected {} from {}: {}", *version, *name, seen.why)
                                      : fmt::format("expected {} from {}, it serves {}", *version, *name, seen.version),
                                  evidence);
    if (!seen.well) return Sight::does_not_hold(fmt::format("{} is not well: {}", *name, seen.why), evidence);
    if (for_so_long > Millis(0) && !pools.public_url.empty() && !get_bool(args, "door"))
      if (const Answers front = ask_in_front(pools, 1, stop); !front.amiss.empty())
        return Sight::does_not_hold("in front: " + front.amiss, evidence);
    ++looks;
  } while (looks < kLooksInARow || !over());
  return Sight::holds(fmt::format("{} serves {} and is well, {} looks in a row", *name, *version, looks),
                      {{"pool", *name}, {"version", *version}, {"looks", looks}});
}

/// Nobody but a pool that shall have traffic answers at public_url. Nothing: it is so; `beside`: why it was not asked.
/// `told`: what pools have just said themselves; others are asked.
std::optional<std::string> amiss_in_front(const Pools& pools, const Weights& weights,
                                          const std::map<std::string, PoolSeen>& told, const std::stop_token& stop,
                                          std::string& beside) {
  if (pools.public_url.empty()) {
    beside = "; there is no public_url, so its answers were not looked at";
    return std::nullopt;
  }
  std::vector<std::string> expected;
  for (const auto& [name, percent] : weights) {
    if (percent == 0) continue;
    const auto known = told.find(name);
    const PoolSeen seen = known != told.end() ? known->second : look_at(pools.by_name.at(name), pools, stop);
    if (seen.version.empty()) {
      beside = fmt::format("; {} tells no version itself, so the answers in front were not compared", name);
      return std::nullopt;
    }
    expected.push_back(seen.version);
  }
  const Answers front = ask_in_front(pools, kAnswersInFront, stop);
  if (!front.amiss.empty()) return front.amiss;
  for (const auto& [version, times] : front.by_version)
    if (std::find(expected.begin(), expected.end(), version) == expected.end())
      return fmt::format("{} still answers with {}", pools.public_url, version);
  return std::nullopt;
}

/// A place that no shift reaches, and that sends to a pool of another release: with share "some", to one that is bad.
std::optional<std::string> amiss_elsewhere(const Json& args, const Json& seen, const Pools& pools,
                                           const std::stop_token& stop) {
  const std::string version = get_string(args, "release");
  std::map<std::string, PoolSeen> asked;
  for (const Json& one : get(seen, "elsewhere")) {
    const auto pool = pools.by_name.find(get_string(one, "pool"));
    if (pool == pools.by_name.end()) continue;
    if (!asked.contains(pool->first)) asked[pool->first] = look_at(pool->second, pools, stop);
    const std::string& runs = asked[pool->first].version;
    const Json& bad = get(args, "not");
    if (runs == version) continue;
    if (get_string(args, "share", "all") != "all" && std::find(bad.begin(), bad.end(), Json(runs)) == bad.end())
      continue;
    return fmt::format("{} sends to {}, too, which {}: {}", one_line(get_string(one, "what")), pool->first,
                       runs.empty() ? "tells no version" : "serves " + runs, one_line(get_string(one, "next")));
  }
  return std::nullopt;
}

}  // namespace

std::vector<driver::Verb> ShiftDriver::capabilities() const {
  return {{"serves", StepKind::kLook, true, true},
          {"shift", StepKind::kEffect, true, true},
          {"steady", StepKind::kLook, true, true},
          {"answers", StepKind::kLook, true, true}};
}

Result<Json> ShiftDriver::observe(const Json& subject, host::Host& host, std::stop_token stop) const {
  const Pools pools = TRY(pools_from(subject));
  TRY_VOID(check(subject, pools));
  std::future<std::map<std::string, PoolSeen>> in_pools =  // beside the balancer, which takes as long
      std::async(std::launch::async, [&] { return look_at(pools, stop); });
  Json seen = TRY(look(subject, pools, host, stop));
  Weights weights = all_to("", pools);
  for (const auto& [name, percent] : weights_seen(seen)) weights[name] = percent;
  seen["weights"] = weights;
  seen["pools"] = to_json(in_pools.get());
  return seen;
}

Result<host::Command> ShiftDriver::command(const Action& action, const host::Host& host) const {
  if (action.verb != "shift") return wrong("no command for '" + action.verb + "'");
  const Pools pools = TRY(pools_from(action.args));
  TRY_VOID(check(action.args, pools));
  return set(subject_on(action.args, host), pools, TRY(wanted_on(action.args, pools, host)));
}

Sight ShiftDriver::verify(const Action& action, host::Host& host, std::stop_token stop) const {
  const auto pools = pools_from(action.args);
  if (!pools) return Sight::cannot_tell(pools.error().message);
  if (const auto fit = check(action.args, *pools); !fit) return Sight::cannot_tell(fit.error().message);
  if (action.verb == "serves") return pool_serves(action.args, *pools, stop, Millis(0));
  if (action.verb == "steady")
    return pool_serves(action.args, *pools, stop, Millis(std::max<int64_t>(get_int(action.args, "hold_ms"), 1)));
  if (action.verb == "shift") return sight_of_shift(action.args, *pools, host, stop);
  if (action.verb == "answers") return sight_of_answers(action.args, *pools, host, stop);
  return Sight::cannot_tell("traffic: nothing to look at for '" + action.verb + "'");
}

Sight ShiftDriver::sight_of_shift(const Json& args, const Pools& pools, host::Host& host,
                                  const std::stop_token& stop) const {
  const auto wanted = wanted_on(args, pools, host);
  if (!wanted) return Sight::cannot_tell(wanted.error().message);
  const auto seen = look(subject_on(args, host), pools, host, stop);
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  const Weights weights = weights_seen(*seen);
  Json evidence = {{"weights", weights}};
  if (seen->contains("servers")) evidence["servers"] = (*seen)["servers"];
  const auto wanted_apart = apart_from(get(subject_on(args, host), "apart"), pools, get_bool(args, "undo"));
  const auto apart = apart_from(get(*seen, "apart"), pools, true);
  if (!wanted_apart) return Sight::cannot_tell(wanted_apart.error().message);
  if (!apart) return Sight::cannot_tell(apart.error().message);
  if (std::string amiss = amiss_apart(*wanted_apart, *wanted, *apart); !amiss.empty())
    return Sight::does_not_hold(std::move(amiss), evidence);
  if (apart->empty() && !same(*wanted, weights))
    return Sight::does_not_hold(fmt::format("wanted {}, it divides {}", in_words(*wanted), in_words(weights)),
                                evidence);
  if (const std::string amiss = get_string(*seen, "amiss"); !amiss.empty())
    return Sight::does_not_hold(amiss, evidence);
  if (is_shut(*wanted))  // as it was: nobody is to answer in front
    return Sight::holds("no pool gets traffic, as it was found", evidence);
  std::string beside;
  if (const std::string sick = sick_in(*seen, *wanted); !sick.empty()) {
    if (!get_bool(args, "undo")) return Sight::does_not_hold(sick, evidence);
    return Sight::holds(fmt::format("{}, as it was found; {}", in_words(weights), sick), evidence);
  }
  Pools asked = pools;
  if (get_bool(args, "door")) asked.public_url.clear();
  if (const auto amiss = amiss_in_front(asked, *wanted, {}, stop, beside))
    return Sight::does_not_hold(*amiss, evidence);
  for (const auto& [name, percent] : *wanted)
    if (const PoolSeen out = percent == 0 ? look_at(pools.by_name.at(name), pools, stop) : PoolSeen{};
        !out.version.empty())
      evidence["left_behind"].push_back(
          fmt::format("{} is left running {}, out of traffic, to be looked into", name, out.version));
  if (const std::string note = get_string(*seen, "note"); !note.empty()) evidence["left_behind"].push_back(note);
  for (std::string& each : stays_beside(args, host, stop)) evidence["left_behind"].push_back(std::move(each));
  return Sight::holds(fmt::format("{}{}", in_words(weights), beside), evidence);
}

Sight ShiftDriver::sight_of_answers(const Json& args, const Pools& pools, host::Host& host,
                                    const std::stop_token& stop) const {
  const auto version = text_of(args, "release");
  if (!version) return Sight::cannot_tell(version.error().message);
  const auto seen = look(args, pools, host, stop);
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  const Weights weights = weights_seen(*seen);
  const auto began = std::chrono::steady_clock::now();
  std::map<std::string, PoolSeen> in_pools;  // of those that have traffic: another may hang, and does not matter
  for (const auto& [name, pool] : pools.by_name)
    if (weights.contains(name) && weights.at(name) > 0) in_pools[name] = look_at(pool, pools, stop);
  // It took the connection and says nothing: users wait as long, and hundreds of such looks would be a long outage.
  const bool hangs = std::chrono::steady_clock::now() - began >= kHangs;
  Json evidence = {{"weights", weights}, {"pools", to_json(in_pools)}};
  const auto apart = apart_from(get(*seen, "apart"), pools, true);
  if (!apart) return Sight::cannot_tell(apart.error().message);
  int share = 0;
  bool all_tell = true;  // then waiting changes nothing: a balancer divides as it was told
  std::string elsewhere, unwell;
  for (const auto& [name, percent] : weights) {
    const auto pool = in_pools.find(name);
    if (percent == 0 || pool == in_pools.end()) continue;
    for (const Json& bad : get(args, "not"))
      if (bad.is_string() && bad.get<std::string>() == pool->second.version && pool->second.version != *version)
        return driver::final_sight(
            Sight::does_not_hold(fmt::format("{} goes to {}, which serves {}: that is marked bad",
                                             share_in_words(name, percent, *apart), name, pool->second.version),
                                 evidence));
    all_tell = all_tell && !pool->second.version.empty();
    if (pool->second.version != *version) {
      elsewhere = fmt::format("{} goes to {}, which {}", share_in_words(name, percent, *apart), name,
                              pool->second.version.empty() ? "tells no version" : "serves " + pool->second.version);
      continue;
    }
    share += percent;
    if (!pool->second.well && unwell.empty()) unwell = name + " is not well: " + pool->second.why;
  }
  evidence["share"] = share;
  const bool all = get_string(args, "share", "all") == "all";
  std::string astray = all && !elsewhere.empty() ? elsewhere + ", not " + *version : "";
  if (share == 0)
    astray = fmt::format("{} gets no traffic: it goes to {}; {}", *version, in_words(weights), in_words(in_pools));
  if (!astray.empty()) {
    Sight sight = Sight::does_not_hold(std::move(astray), evidence);
    return all_tell || (all && hangs) ? driver::final_sight(std::move(sight)) : sight;
  }
  if (const auto astray_for_good = amiss_elsewhere(args, *seen, pools, stop))
    return driver::final_sight(Sight::does_not_hold(*astray_for_good, evidence));
  if (!unwell.empty()) {
    Sight sight = Sight::does_not_hold(unwell, evidence);
    return all && hangs ? driver::final_sight(std::move(sight)) : sight;
  }
  if (const std::string amiss = get_string(*seen, "amiss"); !amiss.empty())
    return Sight::does_not_hold(amiss, evidence);
  if (const std::string sick = sick_in(*seen, weights); !sick.empty()) return Sight::does_not_hold(sick, evidence);
  std::string beside;
  Pools asked = pools;
  if (get_bool(args, "door")) asked.public_url.clear();
  if (const auto amiss = amiss_in_front(asked, weights, in_pools, stop, beside))
    return Sight::does_not_hold(*amiss, evidence);
  return Sight::holds(
      elsewhere.empty() ? fmt::format("all of the traffic goes to {}: {}{}", *version, in_words(weights), beside)
                        : fmt::format("{} gets {} % of the traffic: {}{}", *version, share, in_words(weights), beside),
      evidence);
}

driver::Readiness ShiftDriver::ready(const driver::Offering&, host::Host&, driver::Depth, std::stop_token) const {
  return {};
}

}  // namespace backout::drivers
