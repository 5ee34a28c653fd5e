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
          fmt::format("{} was {}, is {}", key, shortened(value.dump(), 120), shortened(get(now, key).dump(), 120)));
  return Error{Code::kConflict, "the plan is stale: " + join(moved, "; "), "make a new one: backout plan"};
}

}  // namespace backout::app
