// The recap at the end of a deploy tool's output, as counts by host. Pure.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backout::drivers {

/// Of the last "PLAY RECAP" in what ansible-playbook printed (with or without colours): host -> {"ok": 5, "changed": 2,
/// "unreachable": 0, "failed": 0, ...}; "unreadable": 1 for a row that was cut off or has no numbers. Empty when there
/// is none, or when it was cut off before its first host.
using Recap = std::map<std::string, std::map<std::string, int64_t>>;
Recap ansible_recap(std::string_view output);

/// "web-2: unreachable=1, failed=2": what keeps a recap from being a success; empty when nothing does.
std::string fault_of(const Recap& recap);

/// The hosts that went through, and, of `expected`, those that the recap does not name.
struct RecapHosts {
  std::vector<std::string> through, failed, missing;
};
RecapHosts hosts_of(const Recap& recap, const std::vector<std::string>& expected);

/// "web-2: unreachable=1; db-1 is not in it; without fault: web-1, web-3": what keeps it from being a success, and
/// where the deployment may nevertheless stand; empty when nothing does.
std::string told_apart(const Recap& recap, const std::vector<std::string>& expected);

}  // namespace backout::drivers
