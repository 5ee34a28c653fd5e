// The file that an upstream { } of nginx includes: what the pools get by it. And what nginx says of its configuration.
// Pure.
#pragma once
#include <set>
#include <string>
#include <string_view>

#include "drivers/traffic/pools.h"

namespace backout::drivers {

/// "ADDRESS [parameters]" of each pool, from {servers: [...]}. kInvalid when one has a character that nginx would read
/// as its own, has a weight, or stands in two pools.
Result<std::map<std::string, std::vector<std::string>>> servers_of(const Pools& pools);

/// What the file divides, ours or written by hand. kConflict when a server in it gets traffic and is of no pool.
Result<Weights> upstream_weights(std::string_view content, const Pools& pools);

/// The weight of each server of a pool, so that all of its servers together get its percent: in whole numbers, none
/// above `most`, and none that shall have something below 1. In lowest terms: HAProxy hands requests out in rounds of
/// the sum of all weights, and in the round of a change the share is another; 1 and 1 make that a few requests, 50 and
/// 50 hundreds.
std::map<std::string, int> weight_of_each(const Weights& weights, const std::map<std::string, size_t>& servers,
                                          int most);

/// Of `nginx -T`: the files that the configuration is made of, where its pid is ("" when it does not say), and each
/// address to which it says that requests go: by a `server` that is not down, a `..._pass`, or a variable.
struct NginxDump {
  struct Target {
    std::string file, upstream;  // upstream: "" when it is in none, or in a file that one includes
    std::string directive;       // "server", "proxy_pass", "set"
    std::string address;
    bool is_included = false;  // a server outside of a block: the file is included by an upstream
  };
  std::set<std::string> files;
  std::string pid_file;
  std::vector<Target> targets;
};
NginxDump nginx_dump(std::string_view text);

}  // namespace backout::drivers
