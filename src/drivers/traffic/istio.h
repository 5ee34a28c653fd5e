// "istio": pools as subsets of an Istio VirtualService, by kubectl on this machine.
//
// Subject: shift.h, and {namespace, virtual_service, route?, context?, kubeconfig?, program?}; each pool may have
// `subset`, its name in the DestinationRule (left out: the pool's own name). `route`: the name of the HTTP route; left
// out: the only one that leads to the pools.
//
// shift is test-and-set: one JSON patch that holds only for the resourceVersion that was looked at, and changes the
// weights of the route and nothing else. When somebody was faster it looks again. A rollback stays with the cluster
// that kubectl led to when it was planned (kubernetes/kubectl.h: `cluster`). What is looked at are the weights in the
// object, and, as for every kind, what answers at public_url: the proxies learn of it a moment later.
#pragma once
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "driver/driver.h"
#include "drivers/traffic/pools.h"

namespace backout::drivers {

/// `self`: the path of this program, which is the command of `shift`.
std::unique_ptr<driver::Driver> make_istio_driver(std::string self);

/// `backout internal istio set`: driver/tool.h.
int run_istio_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

/// Where the pools stand in a VirtualService. Pure.
struct IstioRoute {
  size_t route = 0;                      // spec.http[route]
  std::map<std::string, size_t> places;  // pool -> spec.http[route].route[place]
  Numbers numbers;                       // of all pools, as they stand; a single destination without one has 100
  std::string resource_version;
  std::string note;  // other routes that lead to the pools; empty: none
};
/// kNotFound: no route, or a pool without a destination; kConflict: several routes lead to the pools, or the route has
/// several destinations for one, or one with traffic that is no pool. One without traffic is left as it is.
Result<IstioRoute> istio_route(const Json& virtual_service, const Pools& pools, const std::string& route);
/// The JSON patch from `route` to `weights`, percent or numbers; it fails when the object is not the one that was
/// looked at.
Json istio_patch(const IstioRoute& route, const Weights& weights);

}  // namespace backout::drivers
