// Pools: the colours of a site (blue and green, stable and canary) between which its traffic is divided. Each runs one
// release. Which one is asked at the pool's own addresses each time, and never remembered.
//
// Part of a traffic driver's subject (model/parts.h, TrafficConfig):
//   {pools: {NAME: {urls: [URL], ...}}, version: PATH, version_header?, health?: PATH, public_url?}
// `version` is asked below each URL of a pool and below public_url: the whole body, a JSON field "version", or the
// header `version_header` is the release. `health` must answer with a status below 400.
#pragma once
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace backout::drivers {

struct Pool {
  std::string name;
  std::vector<std::string> urls;  // of its servers, without a slash at the end; asked from the controller
  Json args = Json::object();     // the whole of it, with what its driver owns
};

struct Pools {
  std::map<std::string, Pool> by_name;
  std::string version_path, version_header, health_path, public_url;
};
/// kInvalid, with what is missing.
Result<Pools> pools_from(const Json& subject);

/// Whole percent of the new requests by pool. A pool that is not named gets nothing.
using Weights = std::map<std::string, int>;
/// kInvalid unless they are of known pools, from 0 to 100 each, and 100 in all. All pools are named in what comes back.
/// `may_be_none`: nothing at all is well, too. So an undo leaves traffic that was found shut.
Result<Weights> weights_from(const Json& weights, const Pools& pools, bool may_be_none = false);
Weights all_to(const std::string& pool, const Pools& pools);
/// `pool` gets `percent` at least; what the others had is divided among them as before. All, when nobody had any.
Weights raised(const Weights& had, const std::string& pool, int percent);
/// Where a balancer divides in several places (backends of HAProxy, files of nginx): the weights of each.
using Apart = std::map<std::string, Weights>;
Weights in_all(const Apart& apart);  // their mean
/// subject[key]: one of them, or a list; what is no text is empty.
std::vector<std::string> places_in(const Json& subject, std::string_view key);
/// Of {place: {pool: percent}}; empty where it is no object, for then there is one place. kInvalid.
Result<Apart> apart_from(const Json& apart, const Pools& pools, bool may_be_none);
Weights weights_seen(const Json& seen);  // of a look: {weights: {pool: percent}}
bool is_shut(const Weights& weights);    // no pool has any
/// Nothing where nothing is wanted, and within one percent elsewhere: tools round.
bool same(const Weights& wanted, const Weights& seen);
/// Percent by whatever number each pool has: 3 and 1 are 75 and 25; 100 in all, or nothing at all. A pool with a share
/// of any size has at least 1.
Weights in_percent(const std::map<std::string, double>& shares);
/// The numbers by which a balancer itself divides, as they stand there, by pool: 999 and 1 are no whole percent.
using Numbers = std::map<std::string, int>;
/// What an undo must put back, of `found` in a subject: {as_set: {pool: number}}. Empty: it goes by percent. kInvalid.
Result<Numbers> numbers_to_put_back(const Json& subject, const Pools& pools);
/// Why `seen` is not what must be put back, or nothing.
Result<std::string> not_put_back(const Json& subject, const Pools& pools, const Numbers& seen);
std::string in_words(const Weights& weights);  // "blue 90 %, green 10 %"; pools without any are left out

/// What one pool says of itself.
struct PoolSeen {
  std::string version;  // empty: it does not tell
  bool well = false;    // every address answers, tells the same version, and is healthy
  std::string why;      // what is amiss; empty when it is well
};
PoolSeen look_at(const Pool& pool, const Pools& pools, const std::stop_token& stop);
std::map<std::string, PoolSeen> look_at(const Pools& pools, const std::stop_token& stop);
Json to_json(const std::map<std::string, PoolSeen>& seen);
std::map<std::string, PoolSeen> pools_seen_from(const Json& value);
std::string in_words(const std::map<std::string, PoolSeen>& seen);  // "blue serves v1, green does not answer: ..."

/// Which versions answered at public_url, each request over a connection of its own.
struct Answers {
  std::map<std::string, int> by_version;
  std::string amiss;  // the first that was no answer of the site: a 5xx, a refused connection, no version told
};
Answers ask_in_front(const Pools& pools, int times, const std::stop_token& stop);

}  // namespace backout::drivers
