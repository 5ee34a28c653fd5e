// ConfigMaps and Secrets that go with a release: saved in one file of its owner alone (0600) at a checkpoint, put back
// at a rollback. The file is whole or absent. Contents and their hashes are in that file, in the cluster, and on a
// pipe to kubectl; never in an argument, the journal or a log.
//
//   save     args {file, config_maps, secrets, ...cluster}   the live objects into the file
//   restore  args {file, ...cluster}                         makes the live objects what the file says
//
// One that was not there when the file was made is left alone by `restore`: the old release does not know it.
#pragma once
#include <string>
#include <vector>

#include "drivers/kubernetes/kubectl.h"
#include "model/outcome.h"

namespace backout::drivers::kubernetes {

/// "configmap/web", "secret/web": from args["config_maps"] and args["secrets"]. kInvalid on names that cannot be.
Result<std::vector<std::string>> objects_of(const Json& args);

/// What of an object belongs to its user: without what the API server adds. Pure.
Json essence(const Json& object);

/// Done by the tool, as an attempt. Evidence: {"config": {"file", "objects": [names]}}.
Result<Json> save_objects(const Ask& ask, const Cluster& cluster, const Json& args);
Result<Json> restore_objects(const Ask& ask, const Cluster& cluster, const Json& args);

/// Whether the live objects are what the file says; of `save` also: whether the file has the objects that `args` names.
Sight sight_of_objects(const Ask& ask, const Cluster& cluster, const Json& args, const Result<std::string>& content,
                       bool saving);

}  // namespace backout::drivers::kubernetes
