// What `pm2 jlist` says of one application. Pure. The list holds the whole environment of every application, secrets
// too: nothing but the fields named here is kept.
#pragma once
#include <set>
#include <string>

#include "drivers/services/managed.h"

namespace backout::drivers {

struct Pm2App {
  std::vector<Instance> instances;
  bool cluster = false;           // the daemon holds the port for them
  std::set<std::string> paths;    // where PM2 starts it: working directories and scripts
  std::vector<std::string> logs;  // of its errors, then of its output
};

/// kCorrupt when there is no list in the output; no instances when the list does not have `name`.
Result<Pm2App> parse_pm2_list(std::string_view output, std::string_view name);

}  // namespace backout::drivers
