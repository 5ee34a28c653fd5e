#include "drivers/traffic/pools.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <set>

#include "base/text.h"
#include "drivers/checks/answer.h"
#include "os/http.h"

namespace backout::drivers {
namespace {

constexpr int64_t kMostOfABalancer = 1'000'000;
constexpr Millis kAnswerWithin{3'000};  // a bad release may hang, and the way back must not hang with it

Error bad_pools(std::string message) {
  return {Code::kInvalid, "traffic: " + std::move(message), "see docs/traffic.md"};
}

bool is_http(std::string_view url) { return url.starts_with("http://") || url.starts_with("https://"); }

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

/// What stands at `url` + the version's path, or why it cannot be told.
struct Told {
  std::string version, why;
};
Told told_at(const std::string& url, const Pools& pools) {
  const auto answer = os::http({.url = url + pools.version_path, .timeout = kAnswerWithin});
  if (!answer) return {"", fmt::format("{} does not answer: {}", url, one_line(answer.error().message))};
  if (answer->status >= 400) return {"", fmt::format("{}{} answers {}", url, pools.version_path, answer->status)};
  const auto version = reported_version(*answer, pools.version_header);
  if (!version || version->empty())
    return {"", fmt::format("{}{} tells no version: {}", url, pools.version_path, shown_body(answer->body))};
  return {shortened(one_line(*version), 128), ""};
}

}  // namespace

Result<Pools> pools_from(const Json& subject) {
  if (!subject.is_object()) return bad_pools("needs an object of settings");
  Pools pools;
  pools.version_path = get_string(subject, "version", "/version");
  pools.version_header = get_string(subject, "version_header");
  std::transform(pools.version_header.begin(), pools.version_header.end(), pools.version_header.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  pools.health_path = get_string(subject, "health");
  pools.public_url = without_slash(get_string(subject, "public_url"));
  for (const std::string* path : {&pools.version_path, &pools.health_path})
    if (!path->empty() && path->front() != '/') return bad_pools("'" + *path + "' is no path: it begins with '/'");
  if (!pools.public_url.empty() && !is_http(pools.public_url)) return bad_pools("'public_url' is no http URL");
  const Json& given = get(subject, "pools");
  if (!given.is_object() || given.size() < 2) return bad_pools("needs two pools at least");
  for (const auto& [name, args] : given.items()) {
    Pool pool{name, {}, args};
    if (get(args, "urls").is_array())
      for (const Json& url : get(args, "urls"))
        if (url.is_string() && is_http(url.get<std::string>()))
          pool.urls.push_back(without_slash(url.get<std::string>()));
    if (pool.urls.empty() || pool.urls.size() != get(args, "urls").size())
      return bad_pools(fmt::format("pool '{}' needs 'urls', at which its own servers are asked what they run", name));
    pools.by_name[name] = std::move(pool);
  }
  return pools;
}

Result<Weights> weights_from(const Json& weights, const Pools& pools, bool may_be_none) {
  if (!weights.is_object() || weights.empty()) return bad_pools("'weights' must be percent by pool");
  Weights made;
  int sum = 0;
  for (const auto& [name, pool] : pools.by_name) made[name] = 0;
  for (const auto& [name, percent] : weights.items()) {
    if (!made.contains(name)) return bad_pools("there is no pool '" + one_line(name) + "'");
    if (!percent.is_number_integer() || percent.get<int64_t>() < 0 || percent.get<int64_t>() > 100)
      return bad_pools(fmt::format("the weight of '{}' is no whole percent", name));
    sum += made[name] = percent.get<int>();
  }
  if (sum != 100 && !(sum == 0 && may_be_none))
    return bad_pools(fmt::format("the weights are {} % in all, not 100 %", sum));
  return made;
}

Weights all_to(const std::string& pool, const Pools& pools) {
  Weights weights;
  for (const auto& [name, each] : pools.by_name) weights[name] = name == pool ? 100 : 0;
  return weights;
}

Weights raised(const Weights& had, const std::string& pool, int percent) {
  std::map<std::string, double> others;
  double sum = 0;
  for (const auto& [name, share] : had)
    if (name != pool) sum += others[name] = share;
  const auto now = had.find(pool);
  if (now != had.end() && now->second >= percent) return had;
  Weights made = had;
  int given = 0;
  std::string largest;
  for (const auto& [name, share] : others) {
    made[name] = sum > 0 ? static_cast<int>((100 - percent) * share / sum) : 0;
    given += made[name];
    if (share > 0 && (largest.empty() || share > others[largest])) largest = name;
  }
  if (!largest.empty()) made[largest] += 100 - percent - given;
  made[pool] = largest.empty() ? 100 : percent;
  return made;
}

std::vector<std::string> places_in(const Json& subject, std::string_view key) {
  const Json& said = get(subject, key);
  std::vector<std::string> places;
  if (said.is_string()) places.push_back(said.get<std::string>());
  if (said.is_array())
    for (const Json& place : said) places.push_back(place.is_string() ? place.get<std::string>() : "");
  return places;
}

Weights in_all(const Apart& apart) {
  std::map<std::string, double> shares;
  for (const auto& [place, weights] : apart)
    for (const auto& [name, percent] : weights) shares[name] += percent;
  return in_percent(shares);
}

Result<Apart> apart_from(const Json& apart, const Pools& pools, bool may_be_none) {
  Apart made;
  if (!apart.is_object()) return made;
  for (const auto& [place, weights] : apart.items())
    made[place] = TRY(weights_from(weights, pools, may_be_none).with_context(one_line(place)));
  return made;
}

Weights weights_seen(const Json& seen) {
  Weights weights;
  if (const Json& given = get(seen, "weights"); given.is_object())
    for (const auto& [name, percent] : given.items()) weights[name] = percent.is_number() ? percent.get<int>() : 0;
  return weights;
}

bool is_shut(const Weights& weights) { return in_words(weights) == in_words(Weights()); }

bool same(const Weights& wanted, const Weights& seen) {
  const auto of = [](const Weights& weights, const std::string& name) {
    const auto found = weights.find(name);
    return found == weights.end() ? 0 : found->second;
  };
  std::set<std::string> names;
  for (const Weights* weights : {&wanted, &seen})
    for (const auto& [name, percent] : *weights) names.insert(name);
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const int want = of(wanted, name), is = of(seen, name);
    return (want == 0) == (is == 0) && std::abs(want - is) <= 1;
  });
}

Weights in_percent(const std::map<std::string, double>& shares) {
  double sum = 0;
  for (const auto& [name, share] : shares) sum += std::max(share, 0.0);
  Weights weights;
  for (const auto& [name, share] : shares)
    weights[name] = sum <= 0 || share <= 0 ? 0 : std::max(1, static_cast<int>(std::lround(100 * share / sum)));
  if (sum <= 0) return weights;
  int all = 0;
  for (const auto& [name, percent] : weights) all += percent;
  const auto largest = std::max_element(weights.begin(), weights.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  largest->second += 100 - all;
  return weights;
}

Result<Numbers> numbers_to_put_back(const Json& subject, const Pools& pools) {
  const Json& found = get(get(subject, "found"), "as_set");
  Numbers numbers;
  if (!get_bool(subject, "undo") || !found.is_object()) return numbers;
  for (const auto& [name, pool] : pools.by_name) {
    const Json& number = get(found, name);
    if (!number.is_number_integer() || number.get<int64_t>() < 0 || number.get<int64_t>() > kMostOfABalancer)
      return bad_pools(fmt::format("what '{}' was found with is no weight", name));
    numbers[name] = number.get<int>();
  }
  return numbers;
}

Result<std::string> not_put_back(const Json& subject, const Pools& pools, const Numbers& seen) {
  for (const auto& [name, number] : TRY(numbers_to_put_back(subject, pools)))
    if (const auto is = seen.find(name); is == seen.end() || is->second != number)
      return fmt::format("{} was found with weight {} and has {}", one_line(name), number,
                         is == seen.end() ? 0 : is->second);
  return std::string();
}

std::string in_words(const Weights& weights) {
  std::vector<std::string> words;
  for (const auto& [name, percent] : weights)
    if (percent > 0) words.push_back(fmt::format("{} {} %", one_line(name), percent));
  return words.empty() ? "no pool" : join(words, ", ");
}

namespace {

/// One server of a pool: its version, and what is amiss with it.
Told look_at_server(const std::string& url, const Pools& pools) {
  Told told = told_at(url, pools);
  if (told.version.empty() || pools.health_path.empty()) return told;
  const auto health = os::http({.url = url + pools.health_path, .timeout = kAnswerWithin});
  if (!health)
    told.why = fmt::format("{}{} does not answer: {}", url, pools.health_path, one_line(health.error().message));
  else if (health->status >= 400)
    told.why = fmt::format("{}{} answers {}", url, pools.health_path, health->status);
  return told;
}

}  // namespace

PoolSeen look_at(const Pool& pool, const Pools& pools, const std::stop_token& stop) {
  if (stop.stop_requested()) return {"", false, "it was not looked at"};
  std::vector<std::future<Told>> servers;
  for (const std::string& url : pool.urls)
    servers.push_back(std::async(pool.urls.size() == 1 ? std::launch::deferred : std::launch::async,
                                 [&url, &pools] { return look_at_server(url, pools); }));
  PoolSeen seen{.version = "", .well = true, .why = ""};
  for (std::future<Told>& server : servers) {
    Told told = server.get();
    if (told.why.empty() && !seen.version.empty() && seen.version != told.version)
      told.why = fmt::format("its servers run {} and {}", seen.version, told.version);
    if (!told.version.empty()) seen.version = told.version;
    if (told.why.empty()) continue;
    seen.well = false;
    if (seen.why.empty()) seen.why = std::move(told.why);
  }
  return seen;
}

std::map<std::string, PoolSeen> look_at(const Pools& pools, const std::stop_token& stop) {
  std::map<std::string, std::future<PoolSeen>> running;
  for (const auto& [name, pool] : pools.by_name)
    running[name] =
        std::async(std::launch::async, [&pool = pool, &pools, &stop] { return look_at(pool, pools, stop); });
  std::map<std::string, PoolSeen> seen;
  for (auto& [name, pool] : running) seen[name] = pool.get();
  return seen;
}

Json to_json(const std::map<std::string, PoolSeen>& seen) {
  Json value = Json::object();
  for (const auto& [name, pool] : seen) {
    value[name] = {{"version", pool.version}, {"well", pool.well}};
    if (!pool.why.empty()) value[name]["why"] = pool.why;
  }
  return value;
}

std::map<std::string, PoolSeen> pools_seen_from(const Json& value) {
  std::map<std::string, PoolSeen> seen;
  if (value.is_object())
    for (const auto& [name, pool] : value.items())
      seen[name] = {get_string(pool, "version"), get_bool(pool, "well"), get_string(pool, "why")};
  return seen;
}

std::string in_words(const std::map<std::string, PoolSeen>& seen) {
  std::vector<std::string> words;
  for (const auto& [name, pool] : seen) {
    std::string said = pool.version.empty() ? one_line(name) + " tells no version"
                                            : one_line(name) + " serves " + one_line(pool.version);
    if (!pool.well) said += " (" + one_line(pool.why) + ")";
    words.push_back(std::move(said));
  }
  return join(words, ", ");
}

Answers ask_in_front(const Pools& pools, int times, const std::stop_token& stop) {
  Answers answers;
  for (int i = 0; i < times && answers.amiss.empty(); ++i) {
    if (stop.stop_requested()) {
      answers.amiss = "it was not looked at to the end";
      break;
    }
    const Told told = told_at(pools.public_url, pools);
    if (told.version.empty()) answers.amiss = told.why;
    if (!told.version.empty()) ++answers.by_version[told.version];
  }
  return answers;
}

}  // namespace backout::drivers
