#include "app/planning/staleness.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/history/target.h"
#include "base/hash.h"
#include "base/text.h"

namespace backout::app {

namespace {

/// What an undo would put back, where the plan holds it: by pool (as_set), or by server, but for those that are left
/// alone. nginx keeps its file in the moment of writing, and a canary may grow meanwhile.
Json divided_as(const Json& sight) {
  Json divided = get(sight, "as_set").is_object() ? get(sight, "as_set") : Json::object();
  for (const auto& [name, server] : get(sight, "servers").items()) {
    const Json& kept_out = get(sight, "kept_out");
    const bool is_left = std::any_of(kept_out.begin(), kept_out.end(), [&, server_name = name](const Json& names) {
      return std::find(names.begin(), names.end(), Json(server_name)) != names.end();
    });
    if (!is_left) divided[name] = fmt::format("{} {}", get_int(server, "weight"), get_string(server, "state"));
  }
  return divided;
}

}  // namespace

Json precondition_of(const Subject& subject, const Seen& seen) {
  Json kept = Json::object();
  for (const auto& [host, sight] : seen) {
    if (subject.part == plan::Part::kCode)
      for (const char* key : {"current", "head", "branch"})
        if (sight.contains(key)) kept[host][key] = sight[key];
    if (subject.part == plan::Part::kTraffic) {
      if (const Json divided = divided_as(sight); !divided.empty()) kept[host]["divided as"] = divided;
      for (const auto& [pool, runs] : get(sight, "pools").items()) kept[host][pool] = get_string(runs, "version");
      for (const auto& [pool, servers] : get(sight, "kept_out").items())
        kept[host][pool + ", kept out of service"] = servers;
      if (sight.contains("cluster")) kept[host]["cluster"] = sight["cluster"];
    }
    if (subject.part == plan::Part::kDatabase && sight.contains("schema"))
      kept[host]["schema_sha256"] = sha256_hex(canonical(sight["schema"]));
    // Migrations that change rows alone show in nothing else.
    if (subject.part == plan::Part::kDatabase && sight.contains("applied")) kept[host]["migrations"] = sight["applied"];
  }
  return kept;
}

Json preconditions(const Workspace& workspace, const Release& current,
                   const std::map<std::string, Seen>& seen_by_name) {
  Json all = Json::object();
  for (const Subject& subject : subjects_of(workspace.site())) {
    const auto seen = seen_by_name.find(subject.name);
    if (seen == seen_by_name.end()) continue;
    if (Json kept = precondition_of(subject, seen->second); !kept.empty()) all[subject.name] = std::move(kept);
  }
  all["release"] = current.id.str();
  return all;
}

namespace {

/// What of `value` is otherwise in `other`, where both are objects: the rest says nothing of what moved.
Json but_for_the_same(const Json& value, const Json& other) {
  if (!value.is_object() || !other.is_object()) return value;
  Json left = Json::object();
  for (const auto& [key, each] : value.items())
    if (const Json& there = get(other, key); there != each) left[key] = but_for_the_same(each, there);
  return left;
}

/// {"local": {"head": "1f"}} as "local: head 1f".
std::string as_told(const Json& value) {
  if (value.is_string()) return one_line(value.get<std::string>());
  if (value.is_null()) return "not there";
  if (!value.is_object()) return one_line(value.dump());
  std::vector<std::string> parts;
  for (const auto& [key, each] : value.items()) {
    const bool is_hash = key == "schema_sha256" && each.is_string();
    const std::string words = is_hash ? each.get<std::string>().substr(0, 12) : as_told(each);
    parts.push_back((is_hash ? "schema" : one_line(key)) + (each.is_object() ? ": " : " ") + words);
  }
  return parts.empty() ? "not there" : join(parts, ", ");
}

Result<RunId> newest_run(const Workspace& workspace) {
  const auto runs = TRY(workspace.journal().runs(workspace.site().id, 1));
  return runs.empty() ? RunId() : runs.front().id;
}

/// Between a look and the first step there is always a moment. As long as it is short, and nobody else has acted under
/// the lease, a second look in front of that step would say no more than the first.
Result<bool> is_fresh(const Workspace& workspace, const Contract& contract, const std::optional<LookedAt>& looked) {
  if (!looked || std::chrono::steady_clock::now() - looked->began >= kFresh) return false;
  if (TRY(newest_run(workspace)) != looked->newest_run) return false;
  const Release current = TRY(current_release(workspace.journal(), workspace.site().id));
  return get_string(contract.preconditions, "release") == current.id.str();
}

}  // namespace

Result<LookedAt> looking_now(const Workspace& workspace) {
  const auto began = std::chrono::steady_clock::now();
  return LookedAt{began, TRY(newest_run(workspace))};
}

Result<void> still_holds(const Workspace& workspace, const Contract& contract, const std::optional<LookedAt>& looked) {
  if (TRY(is_fresh(workspace, contract, looked))) return {};
  std::map<std::string, Seen> seen_by_name;
  for (const Subject& subject : subjects_of(workspace.site()))
    if (contract.preconditions.contains(subject.name)) seen_by_name[subject.name] = TRY(observe(workspace, subject));
  const Release current = TRY(current_release(workspace.journal(), workspace.site().id));
  const Json now = preconditions(workspace, current, seen_by_name);
  if (now == contract.preconditions) return {};
  std::vector<std::string> moved;
  for (const auto& [key, value] : contract.preconditions.items())
    if (const Json& is = get(now, key); is != value)
      moved.push_back(fmt::format("{} was {}, is {}", key, shortened(as_told(but_for_the_same(value, is)), 120),
                                  shortened(as_told(but_for_the_same(is, value)), 120)));
  return Error{Code::kConflict, "the plan is stale: " + join(moved, "; "), "make a new one: backout plan"};
}

}  // namespace backout::app
