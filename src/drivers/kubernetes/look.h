// Looks at a cluster: workloads as one unit. Changes nothing.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "drivers/kubernetes/kubectl.h"
#include "drivers/kubernetes/saved_objects.h"
#include "drivers/kubernetes/workload.h"
#include "model/outcome.h"

namespace backout::drivers::kubernetes {

Result<Workload> look_at(const Ask& ask, const Cluster& cluster, const WorkloadName& name);

/// {"deployment/web": identity}, as it stands in arguments and checkpoints.
using Identities = std::map<std::string, Identity>;
Json to_json(const Identities& identities);
Result<Identities> identities_from_json(const Json& value);

enum class Prove { kStands, kRuns };  // kRuns: with all of them scaled to 0 nothing is proved
/// Whether every workload runs what `wanted` says of it; without a word about one, whether its rollout is at its end.
/// No pod may be older than the last of `changes` in what it reads. Evidence: {"workloads": {NAME: identity}}.
/// CannotTell names what to look at.
Sight sight_of(const Ask& ask, const Cluster& cluster, const std::vector<WorkloadName>& names, const Identities& wanted,
               const Changes& changes, Prove prove);

/// Whether the workloads run release `version`, as `recorded` has it (workload.h: lack_of_release). CannotTell also
/// where nothing says which images that release is.
Sight sight_of_release(const Ask& ask, const Cluster& cluster, const std::vector<WorkloadName>& names,
                       const Identities& recorded, const std::string& version);

}  // namespace backout::drivers::kubernetes
