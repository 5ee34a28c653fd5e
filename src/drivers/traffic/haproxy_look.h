// What HAProxy's answers say of the pools of a subject: the look of its driver (shift.h), without HAProxy. Pure.
#pragma once
#include <string>
#include <vector>

#include "drivers/traffic/haproxy_answers.h"
#include "drivers/traffic/pools.h"

namespace backout::drivers {

std::vector<std::string> haproxy_backends(const Json& subject);  // that divide the traffic; as configured
std::vector<std::string> haproxy_servers_of(const Pool& pool);   // their names, the same in each backend
/// How a server is named in looks and plans: with its backend where there are several.
std::string haproxy_id(const Json& subject, const std::string& backend, const std::string& server);

/// `servers`: of all backends. kNotFound: a backend or a server is not there; kConflict: one gets traffic that is of no
/// pool.
Result<Json> haproxy_seen(const Json& subject, const Pools& pools, const std::vector<HaproxyServer>& servers);

}  // namespace backout::drivers
