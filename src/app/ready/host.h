// One host: does it answer without asking anybody, is it ours, may we act there, and is its clock right?
#pragma once
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "driver/readiness.h"
#include "host/host.h"
#include "model/finding.h"
#include "model/site.h"

namespace backout::app::ready {

struct HostSeen {
  bool answers = false;
  std::vector<Finding> findings;
  std::vector<driver::Need> needs;  // of the shim
};

/// What a host's answer says. Pure; `sent` and `came` are our own clock around the question. kCorrupt when cut short.
struct HostAnswer {
  std::string root, owner;  // owner: the journal that the target obeys; empty: none yet
  int64_t seconds = 0;      // its clock
};
Result<HostAnswer> parse_host(std::string_view output);
/// How far its clock is from ours at least, by one question; 0 when the question's own time explains it.
Millis skew_of(const HostAnswer& answer, WallTime sent, WallTime came);

/// Over a connection of its own, not the shared one: that one may have been made before a key was changed.
HostSeen look_at_host(const HostConfig& config, const SiteId& site, const std::string& journal_id,
                      std::stop_token stop);

}  // namespace backout::app::ready
