// What HAProxy answers at its stats socket, read. Pure.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backout::drivers {

struct HaproxyServer {
  std::string backend, name;
  std::string at;               // its address and port; what cannot be told so (a unix socket) is told by its name
  int weight = 0;               // as set at runtime, 0 to 256
  int weight_of_the_file = 0;   // as haproxy.cfg says, and as a reload brings back
  std::string state = "ready";  // "ready" | "drain" | "maint": as somebody told HAProxy, and can tell it again
  bool disabled = false;        // haproxy.cfg says `disabled`: so it starts in maint, until somebody sets it ready
  bool out = false;             // in maintenance or draining, for whatever reason: gets nothing, whatever its weight
  std::string status;           // "UP", "DOWN", "MAINT", "DRAIN", "no check"; empty: not told
  bool serves() const { return status.starts_with("UP") || status == "no check"; }
};

/// Of `show servers state`, and of `show stat -1 4 -1`: of all, for by a name it tells of the frontend that has it,
/// too. kNotFound when there is no such backend; kCorrupt when it is something else.
Result<std::vector<HaproxyServer>> haproxy_servers(std::string_view state, std::string_view stat);

/// Which of the servers of one pool somebody keeps out of service: in maint or drain while others of the pool are not,
/// or in maint with a weight. A pool that is out of traffic as a whole has weight 0, or is `disabled` in haproxy.cfg.
std::set<std::string> kept_out(const std::vector<HaproxyServer>& pool);

/// `show cli level`: "admin", "operator", "user"; empty when it was not understood.
std::string haproxy_level(std::string_view text);

}  // namespace backout::drivers
