#include "app/staleness.h"

#include "app/target.h"
#include "base/hash.h"
#include "base/text.h"

namespace backout::app {

Json precondition_of(const Subject& subject, const Seen& seen) {
  Json kept = Json::object();
  for (const auto& [host, sight] : seen) {
    if (subject.part == plan::Part::kCode)
      for (const char* key : {"current", "head", "branch"})
        if (sight.contains(key)) kept[host][key] = sight[key];
    if (subject.part == plan::Part::kTraffic) {  // what a pool runs; how much it gets may move while a canary grows
      for (const auto& [pool, runs] : get(sight, "pools").items()) kept[host][pool] = get_string(runs, "version");
      for (const auto& [pool, servers] : get(sight, "kept_out").items())
        kept[host][pool + ", kept out of service"] = servers;
      if (sight.contains("cluster")) kept[host]["cluster"] = sight["cluster"];
    }
    if (subject.part == plan::Part::kDatabase && sight.contains("schema"))
      kept[host]["schema_sha256"] = sha256_hex(canonical(sight["schema"]));
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
  return join(parts, ", ");
}

}  // namespace

Result<void> still_holds(const Workspace& workspace, const Contract& contract) {
  std::map<std::string, Seen> seen_by_name;
  for (const Subject& subject : subjects_of(workspace.site()))
    if (contract.preconditions.contains(subject.name)) seen_by_name[subject.name] = TRY(observe(workspace, subject));
  const Release current = TRY(current_release(workspace.journal(), workspace.site().id));
  const Json now = preconditions(workspace, current, seen_by_name);
  if (now == contract.preconditions) return {};
  std::vector<std::string> moved;
  for (const auto& [key, value] : contract.preconditions.items())
    if (get(now, key) != value)
      moved.push_back(
          fmt::format("{} was {}, is {}", key, shortened(as_told(value), 120), shortened(as_told(get(now, key)), 120)));
  return Error{Code::kConflict, "the plan is stale: " + join(moved, "; "), "make a new one: backout plan"};
}

}  // namespace backout::app
