#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "drivers/traffic/shift.h"

namespace backout::drivers {
namespace {

Error no_offer(std::string message) {
  return {Code::kInvalid, "traffic: " + std::move(message), "see docs/traffic.md"};
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

/// "; `down` is taken off a, b": a pool that is out of traffic so as a whole.
std::string taken_back_in(const std::map<std::string, Json>& found, const std::string& pool) {
  std::set<std::string> names;
  for (const auto& [host, kept] : found)
    for (const Json& name : get(get(kept, "down"), pool))
      if (name.is_string()) names.insert(one_line(name.get<std::string>()));
  return names.empty() ? "" : "; `down` is taken off " + shortened(join({names.begin(), names.end()}, ", "), 80);
}

/// The steps of percent to 100, above what the pool has wherever traffic is divided: the others would change nothing,
/// and be read as a step back. With nothing served at all there is no share to divide: all at once then.
std::vector<int> percents_of(const Json& subject, bool all_shut, const std::map<std::string, Weights>& places,
                             const std::string& pool) {
  int has = 100;
  for (const auto& [place, weights] : places) has = std::min(has, weights.contains(pool) ? weights.at(pool) : 0);
  std::vector<int> percents;
  if (get(subject, "steps").is_array() && !all_shut)
    for (const Json& percent : get(subject, "steps"))
      if (percent.is_number_integer() && percent.get<int>() > has) percents.push_back(percent.get<int>());
  if (percents.empty() || percents.back() != 100) percents.push_back(100);
  return percents;
}

/// " at once, on web-2, where no pool gets any": balancers that serve nothing take no steps.
std::string at_once_on(const std::map<std::string, Weights>& found, bool has_steps, bool all_shut) {
  if (!has_steps) return "";
  if (all_shut) return "; at once and not in steps, because no pool gets any";
  std::vector<std::string> shut;
  for (const auto& [host, weights] : found)
    if (is_shut(weights)) shut.push_back(host);
  return shut.empty() ? "" : fmt::format("; all of it on {}, where no pool gets any", join(shut, ", "));
}

/// How the balancer of one host divides: as a whole, and in each of several places.
struct Divided {
  Weights all;
  Apart apart;
  Divided raised_to(const std::string& pool, int percent) const {
    Divided made{raised(all, pool, percent), {}};
    for (const auto& [place, weights] : apart) made.apart[place] = raised(weights, pool, percent);
    if (!apart.empty()) made.all = in_all(made.apart);
    return made;
  }
};
using DividedOn = std::map<std::string, Divided>;

/// Each place by itself: "web-1", or "web-1 (backend api)".
std::map<std::string, Weights> by_place(const DividedOn& on_hosts) {
  std::map<std::string, Weights> places;
  for (const auto& [host, divided] : on_hosts) {
    if (divided.apart.empty()) places[host] = divided.all;
    for (const auto& [place, weights] : divided.apart) places[fmt::format("{} ({})", host, one_line(place))] = weights;
  }
  return places;
}

/// As the arguments of a step have it.
void put_weights(Json& args, const DividedOn& on_hosts) {
  for (const auto& [host, divided] : on_hosts) {
    args["weights_on"][host] = divided.all;
    if (!divided.apart.empty()) args["apart_on"][host] = divided.apart;
  }
}

/// A place that a shift does not reach and that would go on sending to another release, is none to be passed over.
Result<void> reaches_all(const Json& seen, const Version& to, const std::map<std::string, PoolSeen>& pools) {
  for (const Json& one : get(seen, "elsewhere")) {
    const auto pool = pools.find(get_string(one, "pool"));
    if (pool == pools.end() || pool->second.version == to.str()) continue;
    return Error{Code::kRefused,
                 fmt::format("{} sends to {}, too, which {}: a shift of the traffic would leave it so",
                             one_line(get_string(one, "what")), pool->first,
                             pool->second.version.empty() ? "tells no version" : "serves " + pool->second.version),
                 one_line(get_string(one, "next"))};
  }
  return {};
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

}  // namespace

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
  DividedOn found;
  std::map<std::string, Json> kept;
  std::string pool;
  for (const std::string& host : offering.hosts) {
    const auto seen = offering.seen.find(host);
    if (seen == offering.seen.end()) return no_offer("nobody looked at it on " + host);
    const Weights weights = weights_seen(seen->second);
    const auto in_pools = pools_seen_from(get(seen->second, "pools"));
    if (pool.empty()) pool = TRY(pool_for(offering.to, in_pools, weights));
    TRY_VOID(reaches_all(seen->second, offering.to, in_pools));
    TRY_VOID(may_get_traffic(subject, seen->second, pool));
    found[host].all = TRY(weights_from(get(seen->second, "weights"), pools, true).with_context("on " + host));
    found[host].apart = TRY(apart_from(get(seen->second, "apart"), pools, true).with_context("on " + host));
    if (Json keep = to_keep(seen->second); !keep.is_null()) kept[host] = std::move(keep);
  }
  const Json whom = {{"pool", pool}, {"release", to}};
  add("serves-traffic", StepKind::kLook, Phase::kPrepare, fmt::format("{} serves {} and is well", pool, to), "serves",
      whom)
      .patience = {3, Millis(1000)};
  const std::map<std::string, Weights> places = by_place(found);
  const bool all_shut =
      std::all_of(places.begin(), places.end(), [](const auto& place) { return is_shut(place.second); });
  const std::vector<int> percents = percents_of(subject, all_shut, places, pool);
  const std::string at_once = at_once_on(places, get(subject, "steps").is_array(), all_shut);
  StepId before;
  for (const int percent : percents) {
    const std::string end = percents.size() > 1 ? fmt::format("-{}", percent) : "";
    Json weights = Json::object();
    DividedOn to_be;
    for (const auto& [host, had] : found) to_be[host] = had.raised_to(pool, percent);
    put_weights(weights, to_be);
    Step& shift =
        add("shift-traffic" + end, StepKind::kEffect, Phase::kStart,
            fmt::format("{} % of the traffic -> {}, which serves {}{}{}", percent, pool, to,
                        percent < 100 || all_shut ? at_once : "", left_alone_in(kept) + taken_back_in(kept, pool)),
            "shift", weights);
    if (!kept.empty()) shift.action.args["found_on"] = kept;
    Json back = subject;
    put_weights(back, found);
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

}  // namespace backout::drivers
