#include "drivers/traffic/haproxy_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace backout::drivers {
namespace {

using ByName = std::map<std::string, const HaproxyServer*>;

std::string names_in(const ByName& servers) {
  std::vector<std::string> names;
  for (const auto& [name, server] : servers) names.push_back(name);
  return shortened(one_line(join(names, ", ")), 120);
}

/// What the pools get in one backend: as it is set, and as haproxy.cfg has it.
struct Shares {
  std::map<std::string, double> now, of_the_file;
};

Result<Shares> look_at_backend(const Json& subject, const Pools& pools, const std::string& backend,
                               const ByName& by_name, Json& seen) {
  Shares shares;
  std::set<std::string> known;
  for (const auto& [name, pool] : pools.by_name) {
    shares.now[name] = shares.of_the_file[name] = 0;
    bool up = false;
    std::string why;
    std::vector<HaproxyServer> of_pool;
    for (const std::string& server_name : haproxy_servers_of(pool)) {
      const auto found = by_name.find(server_name);
      if (found == by_name.end())
        return Error{Code::kNotFound,
                     fmt::format("backend {} has no server {}: it has {}", backend, server_name, names_in(by_name)),
                     "name the servers of a pool as haproxy.cfg does: traffic.pools." + name + ".servers"};
      const HaproxyServer& server = *found->second;
      const std::string id = haproxy_id(subject, backend, server_name);
      if (server.status.empty())
        return Error{Code::kCorrupt, fmt::format("HAProxy does not tell whether its server {} is up", one_line(id)),
                     "see what it says: show stat -1 4 -1"};
      known.insert(server_name);
      of_pool.push_back(server);
      shares.now[name] += server.out ? 0 : server.weight;
      shares.of_the_file[name] += server.disabled ? 0 : server.weight_of_the_file;
      up = up || (server.serves() && !server.out);
      if (!server.serves()) why = fmt::format("its server {} is {}", id, one_line(server.status));
      seen["servers"][id] = {{"weight", server.weight}, {"state", server.state}, {"status", one_line(server.status)}};
    }
    for (const std::string& out : kept_out(of_pool))
      seen["kept_out"][name].push_back(haproxy_id(subject, backend, out));
    if (!up && shares.now[name] > 0) seen["sick"][name] = "HAProxy sends nothing there: " + why;
  }
  for (const auto& [name, server] : by_name)
    if (!known.contains(name) && server->weight > 0 && !server->out)
      return Error{Code::kConflict,
                   fmt::format("server {} of backend {} gets traffic and is in no pool", one_line(name), backend),
                   "name it under traffic.pools"};
  return shares;
}

/// Backends that are not named and give traffic to a server of a pool: by its address.
Json elsewhere(const Json& subject, const Pools& pools, const std::vector<HaproxyServer>& servers) {
  const std::vector<std::string> backends = haproxy_backends(subject);
  const auto is_named = [&](const std::string& backend) {
    return std::find(backends.begin(), backends.end(), backend) != backends.end();
  };
  std::map<std::string, std::string> pool_at;
  for (const HaproxyServer& server : servers)
    for (const auto& [name, pool] : pools.by_name)
      if (const auto of_pool = haproxy_servers_of(pool);
          is_named(server.backend) && std::find(of_pool.begin(), of_pool.end(), server.name) != of_pool.end())
        pool_at[server.at] = name;
  Json found = Json::array();
  const Json& left = get(subject, "leave");
  for (const HaproxyServer& server : servers) {
    const auto pool = pool_at.find(server.at);
    if (is_named(server.backend) || pool == pool_at.end() || server.weight == 0 || server.out) continue;
    if (std::find(left.begin(), left.end(), Json(server.backend)) != left.end()) continue;
    const std::string backend = one_line(server.backend);
    std::vector<std::string> all = backends;
    all.push_back(backend);
    found.push_back({{"pool", pool->second},
                     {"what", fmt::format("HAProxy's backend {} (server {})", backend, one_line(server.name))},
                     {"next", fmt::format("name it, too: traffic.haproxy.backend: [{}]; or, where no user comes by it: "
                                          "leave: [{}]",
                                          join(all, ", "), backend)}});
  }
  return found;
}

}  // namespace

std::vector<std::string> haproxy_backends(const Json& subject) { return places_in(subject, "backend"); }

std::vector<std::string> haproxy_servers_of(const Pool& pool) {
  std::vector<std::string> names;
  for (const Json& name : get(pool.args, "servers"))
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

std::string haproxy_id(const Json& subject, const std::string& backend, const std::string& server) {
  return get(subject, "backend").is_array() ? backend + "/" + server : server;
}

Result<Json> haproxy_seen(const Json& subject, const Pools& pools, const std::vector<HaproxyServer>& servers) {
  std::map<std::string, ByName> by_backend;
  for (const HaproxyServer& server : servers) by_backend[server.backend][server.name] = &server;
  Json seen = {{"servers", Json::object()}, {"sick", Json::object()}};
  Apart now, later;
  for (const std::string& backend : haproxy_backends(subject)) {
    if (!by_backend.contains(backend)) {
      std::vector<std::string> there;
      for (const auto& [name, of_backend] : by_backend) there.push_back(name);
      return Error{Code::kNotFound,
                   fmt::format("HAProxy has no backend {} with servers: it has {}", backend,
                               there.empty() ? "none" : shortened(one_line(join(there, ", ")), 120)),
                   "name it as haproxy.cfg does: traffic.haproxy.backend"};
    }
    const Shares shares = TRY(look_at_backend(subject, pools, backend, by_backend[backend], seen));
    now["backend " + backend] = in_percent(shares.now);
    later["backend " + backend] = in_percent(shares.of_the_file);
  }
  seen["weights"] = in_all(now);
  if (get(subject, "backend").is_array()) seen["apart"] = now;
  if (Json beside = elsewhere(subject, pools, servers); !beside.empty()) seen["elsewhere"] = std::move(beside);
  if (!get_string(subject, "state_file").empty()) return seen;
  for (const auto& [place, weights] : later)
    if (!same(now[place], weights))
      seen["note"] = fmt::format("a reload of HAProxy would divide the traffic as its configuration says: {}{}",
                                 in_words(weights), later.size() > 1 ? " at " + place : "");
  return seen;
}

}  // namespace backout::drivers
