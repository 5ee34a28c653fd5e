#include "drivers/kubernetes/look.h"

#include <fmt/format.h>

#include <functional>

#include "base/text.h"
#include "driver/final_sight.h"

namespace backout::drivers::kubernetes {

Result<Workload> look_at(const Ask& ask, const Cluster& cluster, const WorkloadName& name) {
  const Json object = TRY(ask_json(ask, cluster, {"get", name.kind, name.name}).with_context(name.str()));
  const std::string selector = selector_of(object);
  if (selector.empty()) return Error{Code::kCorrupt, name.str() + " has no selector", ""};
  const char* revisions = name.kind == "deployment" ? "replicasets,pods" : "controllerrevisions,pods";
  const Json owned = TRY(ask_json(ask, cluster, {"get", revisions, "-l", selector}).with_context(name.str()));
  return parse_workload(name, object, owned);
}

Json to_json(const Identities& identities) {
  Json value = Json::object();
  for (const auto& [name, identity] : identities) value[name] = to_json(identity);
  return value;
}

Result<Identities> identities_from_json(const Json& value) {
  Identities identities;
  if (!value.is_object()) return Error{Code::kInvalid, "what each workload shall be is missing", ""};
  for (const auto& [name, identity] : value.items())
    identities[TRY(workload_name(name)).str()] = TRY(identity_from_json(identity).with_context(name));
  return identities;
}

namespace {

/// Looks at each; `judge` says what one lacks, and whether no pod of it need be ready.
struct Judged {
  Lack lack;
  bool without_pods = false;
};
using Judge = std::function<Judged(const Workload&)>;

Lack lack_by_age(const Workload& workload, const Changes& changes) {
  const auto older = older_pod(workload, changes, false);
  if (!older) return {};
  if (older->unknown)
    return {
        fmt::format("{}: the API server does not say when {} was changed last, so whether pod {} has it is not known",
                    workload.name.str(), older->object, older->pod),
        false, true};
  return {fmt::format("{}: pod {} started before {} became what it is: it must be restarted", workload.name.str(),
                      older->pod, older->object)};
}

Sight judged(const Ask& ask, const Cluster& cluster, const std::vector<WorkloadName>& names, const Judge& judge,
             Prove prove) {
  Identities seen;
  std::vector<std::string> lacks, doubts, runs;
  bool final = false;
  int64_t ready = 0, paused_at_zero = 0;
  for (const WorkloadName& name : names) {
    const auto workload = look_at(ask, cluster, name);
    if (!workload && workload.error().code == Code::kNotFound) {
      lacks.push_back(one_line(workload.error().message));
      continue;
    }
    if (!workload)
      return Sight::cannot_tell(fmt::format("{}; look: {}", one_line(workload.error().message),
                                            as_typed(cluster, "rollout status " + name.str())));
    const Identity identity = identity_of(*workload);
    const auto [lack, without_pods] = judge(*workload);
    if (!lack.why.empty()) {
      (lack.unknown ? doubts : lacks).push_back(lack.why);
      final = final || lack.final;
    }
    for (const Pod& pod : workload->pods) ready += pod.ready && !pod.going ? 1 : 0;
    if (workload->replicas == 0 || without_pods) ++paused_at_zero;
    runs.push_back(fmt::format("{}: {}{}", name.str(), in_words(identity.images),
                               workload->replicas == 0 ? " (scaled to 0)" : ""));
    seen[name.str()] = identity;
  }
  const Json evidence = {{"workloads", to_json(seen)}};
  if (!lacks.empty()) {
    Sight sight = Sight::does_not_hold(join(lacks, "; "), evidence);
    return final ? driver::final_sight(std::move(sight)) : sight;
  }
  if (!doubts.empty()) {
    Sight sight = Sight::cannot_tell(join(doubts, "; "));
    sight.evidence = evidence;
    return sight;
  }
  if (ready == 0 && paused_at_zero > 0 && prove == Prove::kRuns)
    return Sight::cannot_tell("no pod is ready, and none is wanted: nothing shows what would run; " + join(runs, "; "),
                              evidence);
  if (ready == 0 && paused_at_zero == 0) return Sight::does_not_hold("no pod is ready", evidence);
  return Sight::holds(fmt::format("{} ready, none of another revision; {}", counted(ready, "pod"), join(runs, "; ")),
                      evidence);
}

}  // namespace

Sight sight_of(const Ask& ask, const Cluster& cluster, const std::vector<WorkloadName>& names, const Identities& wanted,
               const Changes& changes, Prove prove) {
  return judged(
      ask, cluster, names,
      [&](const Workload& workload) -> Judged {
        const auto asked = wanted.find(workload.name.str());
        const bool whole = asked == wanted.end() || asked->second.whole;
        Lack lack = asked == wanted.end() ? lack_of(workload) : lack_of(workload, asked->second);
        if (!lack.why.empty() || !whole) return {std::move(lack), !whole};
        return {lack_by_age(workload, changes), false};
      },
      prove);
}

Sight sight_of_release(const Ask& ask, const Cluster& cluster, const std::vector<WorkloadName>& names,
                       const Identities& recorded, const std::string& version) {
  return judged(
      ask, cluster, names,
      [&](const Workload& workload) -> Judged {
        const auto known = recorded.find(workload.name.str());
        return {lack_of_release(workload, known == recorded.end() ? nullptr : &known->second, version), false};
      },
      Prove::kRuns);
}

}  // namespace backout::drivers::kubernetes
