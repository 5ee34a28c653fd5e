#include "drivers/traffic/shift.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/text.h"
#include "driver/final_sight.h"

namespace backout::drivers {
namespace {

constexpr int kLooksInARow = 3;  // one answer says little about a process that restarts
constexpr Millis kBetweenLooks{15}, kBetweenSteadyLooks{1'000};
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
  if (const Json& found = get(get(args, "found_on"), host.name().str()); !found.is_null()) subject["found"] = found;
  return subject;
}

/// "; b2 stays as it is": servers that a shift does not touch.
std::string left_alone_in(const std::map<std::string, Json>& found) {
  std::vector<std::string> names;
  for (const auto& [host, kept] : found)
    for (const Json& name : get(kept, "left_alone"))
      if (name.is_string()) names.push_back(one_line(name.get<std::string>()));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names.empty() ? "" : "; left as found: " + shortened(join(names, ", "), 80);
}

Weights weights_seen(const Json& seen) {
  Weights weights;
  if (const Json& given = get(seen, "weights"); given.is_object())
    for (const auto& [name, percent] : given.items()) weights[name] = percent.is_number() ? percent.get<int>() : 0;
  return weights;
}

/// What the balancer itself says against a pool that has traffic.
std::string sick_in(const Json& seen, const Weights& weights) {
  const Json& sick = get(seen, "sick");
  for (const auto& [name, percent] : weights)
    if (const std::string why = get_string(sick, name); percent > 0 && !why.empty()) return name + ": " + why;
  return "";
}

/// Which pool shall get the traffic: one that serves `to` and is well; of several, the one that has most of it already.
Result<std::string> pool_for(const Version& to, const std::map<std::string, PoolSeen>& seen, const Weights& weights) {
  std::string best, unwell;
  const auto share = [&](const std::string& name) {
    const auto found = weights.find(name);
    return found == weights.end() ? 0 : found->second;
  };
  for (const auto& [name, pool] : seen) {
    if (pool.version != to.str()) continue;
    if (!pool.well) unwell = name;
    if (pool.well && (best.empty() || share(name) > share(best))) best = name;
  }
  if (!best.empty()) return best;
  if (!unwell.empty())
    return Error{Code::kRefused,
                 fmt::format("{} serves {}, but is not well: {}", unwell, to.str(), seen.at(unwell).why),
                 "mend that pool, then plan again"};
  return Error{Code::kNotFound, fmt::format("no pool serves {}: {}", to.str(), in_words(seen)),
               "start " + to.str() + " in a pool that is out of traffic, then plan again"};
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
std::optional<std::string> amiss_in_front(const Pools& pools, const Weights& weights, const std::stop_token& stop,
                                          std::string& beside) {
  if (pools.public_url.empty()) {
    beside = "; there is no public_url, so its answers were not looked at";
    return std::nullopt;
  }
  std::vector<std::string> expected;
  for (const auto& [name, percent] : weights) {
    if (percent == 0) continue;
    const PoolSeen seen = look_at(pools.by_name.at(name), pools, stop);
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

}  // namespace

std::vector<driver::Verb> ShiftDriver::capabilities() const {
  return {{"serves", StepKind::kLook, true, true},
          {"shift", StepKind::kEffect, true, true},
          {"steady", StepKind::kLook, true, true},
          {"answers", StepKind::kLook, true, true}};
}

Result<std::vector<Step>> ShiftDriver::offer(const driver::Offering& offering) const {
  std::vector<Step> steps;
  if (offering.kind == RunKind::kCheckpoint) return steps;
  Json subject = offering.subject;
  const Json bad = get(subject, "bad_versions").is_array() ? get(subject, "bad_versions") : Json::array();
  subject.erase("bad_versions");
  if (get_string(subject, "public_url").empty() && !offering.public_url.empty())
    subject["public_url"] = offering.public_url;
  const Pools pools = TRY(pools_from(subject));
  TRY_VOID(check(subject, pools));
  const std::string driver(name()), to = offering.to.str();
  const bool door = get_bool(subject, "door");
  const auto add = [&](const std::string& id, StepKind kind, Phase phase, std::string title, const char* verb,
                       Json more) -> Step& {
    Step step;
    step.id = StepId(id);
    step.kind = kind;
    step.phase = phase;
    step.title = std::move(title);
    step.hosts = offering.hosts;
    Json args = subject;
    for (const auto& [key, value] : more.items()) args[key] = value;
    step.action = {driver, verb, std::move(args)};
    step.repeatable = step.has_probe = true;
    step.patience = patience();
    steps.push_back(std::move(step));
    return steps.back();
  };
  if (offering.kind == RunKind::kDeploy) {
    add("answers-traffic", StepKind::kLook, Phase::kCheck, to + " gets traffic", "answers",
        {{"release", to}, {"share", "some"}, {"not", bad}});
    return steps;
  }

  for (const auto& [host, seen] : offering.seen)  // where it was looked at, and nowhere else
    if (const Json& cluster = get(seen, "cluster"); cluster.is_object()) subject["cluster"] = cluster;
  std::map<std::string, Weights> found;
  std::map<std::string, Json> kept;
  std::string pool;
  for (const std::string& host : offering.hosts) {
    const auto seen = offering.seen.find(host);
    if (seen == offering.seen.end()) return wrong("nobody looked at it on " + host);
    const Weights weights = weights_seen(seen->second);
    if (pool.empty()) pool = TRY(pool_for(offering.to, pools_seen_from(get(seen->second, "pools")), weights));
    TRY_VOID(may_get_traffic(subject, seen->second, pool));
    found[host] = TRY(weights_from(get(seen->second, "weights"), pools, true).with_context("on " + host));
    if (Json keep = to_keep(seen->second); !keep.is_null()) kept[host] = std::move(keep);
  }
  const Json whom = {{"pool", pool}, {"release", to}};
  add("serves-traffic", StepKind::kLook, Phase::kPrepare, fmt::format("{} serves {} and is well", pool, to), "serves",
      whom)
      .patience = {3, Millis(1000)};
  std::vector<int> percents;
  if (get(subject, "steps").is_array())
    for (const Json& percent : get(subject, "steps"))
      if (percent.is_number_integer()) percents.push_back(percent.get<int>());
  if (percents.empty() || percents.back() != 100) percents.push_back(100);
  StepId before;
  for (const int percent : percents) {
    const std::string end = percents.size() > 1 ? fmt::format("-{}", percent) : "";
    Json by_host = Json::object();
    for (const auto& [host, had] : found) by_host[host] = raised(had, pool, percent);
    Step& shift =
        add("shift-traffic" + end, StepKind::kEffect, Phase::kStart,
            fmt::format("{} % of the traffic -> {}, which serves {}{}", percent, pool, to, left_alone_in(kept)),
            "shift", {{"weights_on", by_host}});
    if (!kept.empty()) shift.action.args["found_on"] = kept;
    Json back = subject;
    back["weights_on"] = found;
    if (!kept.empty()) back["found_on"] = kept;
    back["undo"] = true;
    shift.undo = Action{driver, "shift", std::move(back)};
    if (!before.str().empty()) shift.needs.push_back(before);
    before = shift.id;
    if (percent == 100) break;
    Step& steady = add("steady-traffic" + end, StepKind::kLook, Phase::kStart,
                       fmt::format("{} stays well with {} % of the traffic", pool, percent), "steady",
                       {{"pool", pool}, {"release", to}, {"hold_ms", get_int(subject, "hold_ms", 30'000)}});
    steady.needs.push_back(before);
    steady.patience = {1, Millis(1000)};
    before = steady.id;
  }
  Step& behind = add("answers-traffic", StepKind::kLook, Phase::kCheck, "all of the traffic goes to " + to, "answers",
                     {{"release", to}, {"share", "all"}});
  if (!door) return steps;
  behind.action.args.erase("public_url");
  add("in-front-traffic", StepKind::kLook, Phase::kSettle, "in front of the door: " + to + " answers", "answers",
      {{"release", to}, {"share", "all"}, {"door", false}});
  return steps;
}

Result<Json> ShiftDriver::observe(const Json& subject, host::Host& host, std::stop_token stop) const {
  const Pools pools = TRY(pools_from(subject));
  TRY_VOID(check(subject, pools));
  Json seen = TRY(look(subject, pools, host, stop));
  Weights weights = all_to("", pools);
  for (const auto& [name, percent] : weights_seen(seen)) weights[name] = percent;
  seen["weights"] = weights;
  seen["pools"] = to_json(look_at(pools, stop));
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
  if (!same(*wanted, weights))
    return Sight::does_not_hold(fmt::format("wanted {}, it divides {}", in_words(*wanted), in_words(weights)),
                                evidence);
  if (const std::string amiss = get_string(*seen, "amiss"); !amiss.empty())
    return Sight::does_not_hold(amiss, evidence);
  if (in_words(*wanted) == in_words(Weights()))  // shut, as it was: nobody is to answer in front
    return Sight::holds("no pool gets traffic, as it was found", evidence);
  std::string beside;
  if (const std::string sick = sick_in(*seen, *wanted); !sick.empty()) {
    if (!get_bool(args, "undo")) return Sight::does_not_hold(sick, evidence);
    return Sight::holds(fmt::format("{}, as it was found; {}", in_words(weights), sick), evidence);
  }
  Pools asked = pools;
  if (get_bool(args, "door")) asked.public_url.clear();
  if (const auto amiss = amiss_in_front(asked, *wanted, stop, beside)) return Sight::does_not_hold(*amiss, evidence);
  for (const auto& [name, percent] : *wanted)
    if (const PoolSeen out = percent == 0 ? look_at(pools.by_name.at(name), pools, stop) : PoolSeen{};
        !out.version.empty())
      evidence["left_behind"].push_back(
          fmt::format("{} is left running {}, out of traffic, to be looked into", name, out.version));
  if (const std::string note = get_string(*seen, "note"); !note.empty()) evidence["left_behind"].push_back(note);
  return Sight::holds(fmt::format("{}{}", in_words(weights), beside), evidence);
}

Sight ShiftDriver::sight_of_answers(const Json& args, const Pools& pools, host::Host& host,
                                    const std::stop_token& stop) const {
  const auto version = text_of(args, "release");
  if (!version) return Sight::cannot_tell(version.error().message);
  const auto seen = look(args, pools, host, stop);
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  const Weights weights = weights_seen(*seen);
  std::map<std::string, PoolSeen> in_pools;  // of those that have traffic: another may hang, and does not matter
  for (const auto& [name, pool] : pools.by_name)
    if (weights.contains(name) && weights.at(name) > 0) in_pools[name] = look_at(pool, pools, stop);
  Json evidence = {{"weights", weights}, {"pools", to_json(in_pools)}};
  int share = 0;
  bool all_tell = true;  // then waiting changes nothing: a balancer divides as it was told
  std::string elsewhere, unwell;
  for (const auto& [name, percent] : weights) {
    const auto pool = in_pools.find(name);
    if (percent == 0 || pool == in_pools.end()) continue;
    for (const Json& bad : get(args, "not"))
      if (bad.is_string() && bad.get<std::string>() == pool->second.version && pool->second.version != *version)
        return driver::final_sight(
            Sight::does_not_hold(fmt::format("{} % of the traffic goes to {}, which serves {}: that is marked bad",
                                             percent, name, pool->second.version),
                                 evidence));
    all_tell = all_tell && !pool->second.version.empty();
    if (pool->second.version != *version) {
      elsewhere = fmt::format("{} % go to {}, which {}", percent, name,
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
    return all_tell ? driver::final_sight(std::move(sight)) : sight;
  }
  if (!unwell.empty()) return Sight::does_not_hold(unwell, evidence);
  if (const std::string amiss = get_string(*seen, "amiss"); !amiss.empty())
    return Sight::does_not_hold(amiss, evidence);
  if (const std::string sick = sick_in(*seen, weights); !sick.empty()) return Sight::does_not_hold(sick, evidence);
  std::string beside;
  Pools asked = pools;
  if (get_bool(args, "door")) asked.public_url.clear();
  if (const auto amiss = amiss_in_front(asked, weights, stop, beside)) return Sight::does_not_hold(*amiss, evidence);
  return Sight::holds(
      elsewhere.empty() ? fmt::format("all of the traffic goes to {}: {}{}", *version, in_words(weights), beside)
                        : fmt::format("{} gets {} % of the traffic: {}{}", *version, share, in_words(weights), beside),
      evidence);
}

driver::Readiness ShiftDriver::ready(const driver::Offering&, host::Host&, driver::Depth, std::stop_token) const {
  return {};
}

}  // namespace backout::drivers
