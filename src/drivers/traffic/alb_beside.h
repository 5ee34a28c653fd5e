// What else of an Application Load Balancer forwards to the pools: its other listeners and rules, of which a shift
// changes none. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backout::drivers {

/// The ARN of the load balancer that a listener or a rule belongs to. kInvalid when it is none of an ALB.
Result<std::string> alb_balancer(const std::string& arn);

struct AlbListener {
  std::string arn, name;  // "HTTPS:443"
};
/// Of `describe-listeners`. kCorrupt.
Result<std::vector<AlbListener>> alb_listeners(std::string_view text);

/// Of `describe-rules` of that listener: "rule 20 (/api/*) of listener HTTPS:443 forwards to blue, green", for each
/// that gives requests to a pool, but for `ours`: the ARN of a rule, or of the listener whose default it is. `groups`:
/// target group by pool. kCorrupt.
Result<std::vector<std::string>> alb_forwards(std::string_view text, const AlbListener& listener,
                                              const std::map<std::string, std::string>& groups,
                                              const std::string& ours);

}  // namespace backout::drivers
