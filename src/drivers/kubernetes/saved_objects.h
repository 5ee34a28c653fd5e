// ConfigMaps and Secrets that go with a release: saved in one file of its owner alone (0600) at a checkpoint, put back
// at a rollback. The file is whole or absent. Contents and their hashes are in that file, in the cluster, and on a
// pipe to kubectl; never in an argument, the journal or a log.
//
// One that was not there when the file was made is left alone when they are put back: the old release does not know it.
//
// Pods are given them when they start. So they are put back before a pod is told anything, whichever way a run goes,
// and pods that are older than what they read are restarted.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drivers/kubernetes/kubectl.h"
#include "drivers/kubernetes/workload.h"
#include "model/outcome.h"

namespace backout::drivers::kubernetes {

/// "configmap/web", "secret/web": from args["config_maps"] and args["secrets"]. kInvalid on names that cannot be.
Result<std::vector<std::string>> objects_of(const Json& args);

/// What of an object belongs to its user: without what the API server adds. Pure.
Json essence(const Json& object);

/// `args`: {file, config_maps, secrets, ...}: the live objects into the file. Done by the tool, as an attempt.
/// Evidence:
/// {"config": {"file", "objects": [names]}}.
Result<Json> save_objects(const Ask& ask, const Cluster& cluster, const Json& args);
/// Whether the file has the objects that `args` names, and they are what it says.
Sight sight_of_saved(const Ask& ask, const Cluster& cluster, const Json& args, const Result<std::string>& content);

/// Objects of such a file. kCorrupt.
Result<Json> objects_in(const std::string& content, const std::string& file);
/// Makes the live objects what the file says.
Result<void> put_back(const Ask& ask, const Cluster& cluster, const Json& objects);
/// Whether the live objects are what the file says.
Sight sight_of_objects(const Ask& ask, const Cluster& cluster, const Json& objects, const std::string& file);

/// When the live objects of those in `objects` changed last, by the API server's own clock and words: "configmap/web"
/// -> "2026-11-22T10:00:00Z"; empty where it does not say.
using Changes = std::map<std::string, std::string>;
Result<Changes> changes_of(const Ask& ask, const Cluster& cluster, const Json& objects);
/// A pod of the newest template which is not known to have started after what it reads changed; none: there is none.
/// `strict`: the same second is not after.
struct Older {
  std::string pod, object;
  bool unknown = false;  // when the object changed
};
std::optional<Older> older_pod(const Workload& workload, const Changes& changes, bool strict);

}  // namespace backout::drivers::kubernetes
