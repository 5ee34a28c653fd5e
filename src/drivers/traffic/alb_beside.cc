#include "drivers/traffic/alb_beside.h"

#include "base/json.h"
#include "base/text.h"

namespace backout::drivers {
namespace {

Error not_understood(std::string_view text) {
  return {Code::kCorrupt, "the answer of aws was not understood: " + shortened(one_line(trimmed(text)), 120), ""};
}

/// Whether the actions of a rule give requests to that group.
bool gives_to(const Json& actions, const std::string& group) {
  for (const Json& action : actions) {
    if (get_string(action, "Type") != "forward") continue;
    const Json& groups = get(get(action, "ForwardConfig"), "TargetGroups");
    for (const Json& each : groups)
      if (get_string(each, "TargetGroupArn") == group && get_int(each, "Weight", 1) > 0) return true;
    if (groups.empty() && get_string(action, "TargetGroupArn") == group) return true;
  }
  return false;
}

/// "/api/*, shop.example": what a rule is for.
std::string conditions_of(const Json& rule) {
  std::vector<std::string> words;
  for (const Json& condition : get(rule, "Conditions"))
    for (const Json& value : get(condition, "Values"))
      if (value.is_string()) words.push_back(one_line(value.get<std::string>()));
  return words.empty() ? "" : " (" + shortened(join(words, ", "), 60) + ")";
}

}  // namespace

Result<std::string> alb_balancer(const std::string& arn) {
  for (const char* kind : {":listener/", ":listener-rule/"})
    if (const size_t at = arn.find(kind); at != std::string::npos) {
      const std::vector<std::string> parts = split(arn.substr(at + std::string(kind).size()), '/');
      if (parts.size() < 4 || parts[0] != "app") break;
      return fmt::format("{}:loadbalancer/app/{}/{}", arn.substr(0, at), parts[1], parts[2]);
    }
  return Error{Code::kInvalid, one_line(arn) + " is not a listener or a rule of an Application Load Balancer", ""};
}

Result<std::vector<AlbListener>> alb_listeners(std::string_view text) {
  const auto answer = parse_json(trimmed(text));
  if (!answer || !get(*answer, "Listeners").is_array()) return not_understood(text);
  std::vector<AlbListener> listeners;
  for (const Json& each : get(*answer, "Listeners")) {
    const std::string arn = get_string(each, "ListenerArn");
    if (arn.empty()) return not_understood(text);
    listeners.push_back({arn, fmt::format("{}:{}", one_line(get_string(each, "Protocol")), get_int(each, "Port"))});
  }
  return listeners;
}

Result<std::vector<std::string>> alb_forwards(std::string_view text, const AlbListener& listener,
                                              const std::map<std::string, std::string>& groups,
                                              const std::string& ours) {
  const auto answer = parse_json(trimmed(text));
  if (!answer || !get(*answer, "Rules").is_array()) return not_understood(text);
  std::vector<std::string> sentences;
  for (const Json& rule : get(*answer, "Rules")) {
    const bool is_default = get_bool(rule, "IsDefault");
    if (get_string(rule, "RuleArn") == ours || (is_default && listener.arn == ours)) continue;
    std::vector<std::string> pools;
    for (const auto& [name, group] : groups)
      if (gives_to(get(rule, "Actions"), group)) pools.push_back(name);
    if (pools.empty()) continue;
    sentences.push_back(fmt::format("{}{} of listener {} forwards to {}",
                                    is_default ? "the default rule" : "rule " + one_line(get_string(rule, "Priority")),
                                    conditions_of(rule), listener.name, join(pools, ", ")));
  }
  return sentences;
}

}  // namespace backout::drivers
