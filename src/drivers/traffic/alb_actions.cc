#include "drivers/traffic/alb_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace backout::drivers {
namespace {

Error not_understood(std::string_view text) {
  return {Code::kCorrupt, "the answer of aws was not understood: " + shortened(one_line(trimmed(text)), 120), ""};
}

/// Its place in the list, or -1: exactly one forwards.
int forward_in(const Json& actions) {
  int found = -1, count = 0;
  for (size_t i = 0; i < actions.size(); ++i)
    if (get_string(actions[i], "Type") == "forward") found = static_cast<int>(i), ++count;
  return count == 1 ? found : -1;
}

Error no_forward() {
  return {Code::kConflict, "the listener has no single action that forwards to target groups",
          "say a rule that does: traffic.alb.rule"};
}

constexpr int64_t kMostWeight = 999;  // elasticloadbalancing:TargetGroupTuple

/// Group -> weight, as it stands. kCorrupt when one is none.
Result<std::map<std::string, int>> groups_in(const Json& action) {
  std::map<std::string, int> groups;
  if (const Json& given = get(get(action, "ForwardConfig"), "TargetGroups"); given.is_array() && !given.empty())
    for (const Json& group : given) {
      const Json& weight = get(group, "Weight");
      const int64_t number = get_int(group, "Weight", weight.is_null() ? 1 : -1);
      if (number < 0 || number > kMostWeight || weight.is_number_float() || get_string(group, "TargetGroupArn").empty())
        return not_understood(canonical(group));
      groups[get_string(group, "TargetGroupArn")] = static_cast<int>(number);
    }
  else if (const std::string alone = get_string(action, "TargetGroupArn"); !alone.empty())
    groups[alone] = 1;
  return groups;
}

}  // namespace

Result<Json> alb_actions(std::string_view text) {
  const auto answer = parse_json(trimmed(text));
  if (!answer) return not_understood(text);
  for (const auto& [list, actions] : {std::pair{"Listeners", "DefaultActions"}, std::pair{"Rules", "Actions"}}) {
    const Json& found = get(*answer, list);
    if (!found.is_array()) continue;
    if (found.size() != 1 || !get(found[0], actions).is_array()) return not_understood(text);
    return get(found[0], actions);
  }
  return not_understood(text);
}

Result<std::map<std::string, std::string>> alb_groups(const Pools& pools) {
  std::map<std::string, std::string> groups;
  std::set<std::string> seen;
  for (const auto& [name, pool] : pools.by_name) {
    const std::string group = get_string(pool.args, "target_group");
    if (!group.starts_with("arn:"))
      return Error{Code::kInvalid, fmt::format("traffic: pool '{}' needs 'target_group', an ARN", name),
                   "see docs/traffic.md"};
    if (!seen.insert(group).second)
      return Error{Code::kInvalid, "traffic: two pools have the target group " + one_line(group),
                   "see docs/traffic.md"};
    groups[name] = group;
  }
  return groups;
}

Result<Numbers> alb_numbers(const Json& actions, const Pools& pools) {
  const int at = actions.is_array() ? forward_in(actions) : -1;
  if (at < 0) return no_forward();
  std::map<std::string, std::string> owner;
  Numbers numbers;
  for (const auto& [name, group] : TRY(alb_groups(pools))) {
    owner[group] = name;
    numbers[name] = 0;
  }
  for (const auto& [group, weight] : TRY(groups_in(actions[static_cast<size_t>(at)]))) {
    const auto pool = owner.find(group);
    if (pool != owner.end())
      numbers[pool->second] += weight;
    else if (weight > 0)
      return Error{Code::kConflict, one_line(group) + " gets traffic and is in no pool", "name it under traffic.pools"};
  }
  return numbers;
}

Result<Json> alb_actions_with(Json actions, const Pools& pools, const Weights& weights) {
  const int at = actions.is_array() ? forward_in(actions) : -1;
  if (at < 0) return no_forward();
  TRY(alb_numbers(actions, pools));
  Json& action = actions[static_cast<size_t>(at)];
  Json groups = Json::array();
  std::set<std::string> ours;
  for (const auto& [name, group] : TRY(alb_groups(pools))) {
    ours.insert(group);
    groups.push_back({{"TargetGroupArn", group}, {"Weight", weights.contains(name) ? weights.at(name) : 0}});
  }
  for (const auto& [group, weight] : TRY(groups_in(action)))
    if (!ours.contains(group)) groups.push_back({{"TargetGroupArn", group}, {"Weight", weight}});
  if (!get(action, "ForwardConfig").is_object()) action["ForwardConfig"] = Json::object();
  action["ForwardConfig"]["TargetGroups"] = std::move(groups);
  action.erase("TargetGroupArn");
  // The secret is never told, and stays when it is not given.
  for (Json& each : actions)
    if (get(each, "AuthenticateOidcConfig").is_object()) {
      each["AuthenticateOidcConfig"].erase("ClientSecret");
      each["AuthenticateOidcConfig"]["UseExistingClientSecret"] = true;
    }
  return actions;
}

std::string alb_stickiness(const Json& actions) {
  for (const Json& action : actions) {
    const Json& sticky = get(get(action, "ForwardConfig"), "TargetGroupStickinessConfig");
    if (get_bool(sticky, "Enabled"))
      return fmt::format("users whom a cookie holds may stay in their target group for up to {}",
                         for_people(std::chrono::seconds(
                             std::clamp<int64_t>(get_int(sticky, "DurationSeconds", 86'400), 0, 604'800))));
  }
  return "";
}

Result<std::string> alb_unhealthy(std::string_view text) {
  const auto answer = parse_json(trimmed(text));
  if (!answer || !get(*answer, "TargetHealthDescriptions").is_array()) return not_understood(text);
  std::string why = "it has no target";
  for (const Json& target : get(*answer, "TargetHealthDescriptions")) {
    const Json& health = get(target, "TargetHealth");
    const std::string state = get_string(health, "State"), reason = get_string(health, "Reason");
    if (state == "healthy") return std::string();
    why = fmt::format("its target {} is {}{}", one_line(get_string(get(target, "Target"), "Id")), one_line(state),
                      reason.empty() ? "" : ": " + one_line(reason));
  }
  return why;
}

Result<std::string> alb_principal(std::string_view text) {
  const auto answer = parse_json(trimmed(text));
  const std::string arn = answer ? get_string(*answer, "Arn") : "";
  if (!arn.starts_with("arn:")) return not_understood(text);
  const std::vector<std::string> parts = split(arn, ':');  // arn:aws:sts::123456789012:assumed-role/NAME/SESSION
  constexpr std::string_view kSession = "assumed-role/";
  if (parts.size() != 6 || parts[2] != "sts" || !parts[5].starts_with(kSession)) return arn;
  const std::string role = parts[5].substr(kSession.size());
  return fmt::format("arn:{}:iam::{}:role/{}", parts[1], parts[4], role.substr(0, role.find('/')));
}

Result<std::string> alb_denied(std::string_view text) {
  const auto answer = parse_json(trimmed(text));
  if (!answer || !get(*answer, "EvaluationResults").is_array() || get(*answer, "EvaluationResults").empty())
    return not_understood(text);
  for (const Json& result : get(*answer, "EvaluationResults")) {
    const std::string decision = get_string(result, "EvalDecision");
    if (decision == "allowed") continue;
    if (decision.empty()) return not_understood(text);
    if (const Json& missing = get(result, "MissingContextValues"); missing.is_array() && !missing.empty())
      return Error{Code::kUnavailable, "IAM's policies ask for what it was not told: " + one_line(missing.dump()), ""};
    return one_line(decision);
  }
  return std::string();
}

Error aws_error(int exit_status, std::string_view err) {
  const std::string said = shortened(one_line(trimmed(err)), 200);
  const auto says = [&](std::string_view what) { return said.find(what) != std::string::npos; };
  if (exit_status == 127 || exit_status == 126)
    return {Code::kNotFound, "aws cannot be run: " + said, "install the AWS command line, or say traffic.alb.program"};
  if (says("Unable to locate credentials") || says("ExpiredToken") || says("InvalidClientTokenId"))
    return {Code::kDenied, "aws: " + said, "give it credentials in the environment: AWS_ACCESS_KEY_ID, AWS_PROFILE"};
  if (says("AccessDenied") || says("UnauthorizedOperation"))
    return {Code::kDenied, "aws: " + said,
            "allow elasticloadbalancing:Describe*, ModifyListener and ModifyRule for these credentials"};
  if (says("must specify a region"))
    return {Code::kInvalid, "aws: " + said, "say traffic.alb.region, or AWS_REGION in the environment"};
  if (says("NotFound)"))
    return {Code::kNotFound, "aws: " + said, "compare the ARNs under traffic with the load balancer's"};
  return {Code::kUnavailable, said.empty() ? fmt::format("aws ended with {}", exit_status) : "aws: " + said,
          "try again in a moment"};
}

}  // namespace backout::drivers
