// What the `aws` command tells of an Application Load Balancer, read, and what it is told. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "drivers/traffic/pools.h"

namespace backout::drivers {

/// The actions of the one listener (or rule) in `text`. kCorrupt when there is not exactly one.
Result<Json> alb_actions(std::string_view text);

/// Target group by pool, from {target_group: ARN}. kInvalid when one is missing or stands in two pools.
Result<std::map<std::string, std::string>> alb_groups(const Pools& pools);

/// By pool, as they stand there. kConflict when there is no single action that forwards, or it forwards to a group of
/// no pool.
Result<Numbers> alb_numbers(const Json& actions, const Pools& pools);

/// The same actions with other weights, percent or numbers: what stands beside them (authentication, stickiness, order)
/// stays as it is.
Result<Json> alb_actions_with(Json actions, const Pools& pools, const Weights& weights);

/// How long users may stay where a cookie holds them; empty: nothing holds them.
std::string alb_stickiness(const Json& actions);

/// Why no target of `describe-target-health` gets requests; empty when one does.
Result<std::string> alb_unhealthy(std::string_view text);

/// Who IAM can be asked about, of what `sts get-caller-identity` tells: the role for a session of it. kCorrupt.
Result<std::string> alb_principal(std::string_view text);

/// Of `iam simulate-principal-policy`: empty when it is allowed, else the decision. kUnavailable when it hangs on what
/// was not told to IAM.
Result<std::string> alb_denied(std::string_view text);

/// What `aws` says on its standard error, as an error that a person can act on.
Error aws_error(int exit_status, std::string_view err);

}  // namespace backout::drivers
