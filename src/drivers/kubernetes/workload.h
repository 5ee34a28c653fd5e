// Workload: a Deployment, StatefulSet or DaemonSet as the API server shows it, with its revisions and pods. Pure: JSON
// of `kubectl get -o json` in, values out.
//
// A revision is known by the hash of its pod template (the ReplicaSet's pod-template-hash, the ControllerRevision's
// name), never by its number: an undo gives the old revision a new number.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace backout::drivers::kubernetes {

struct WorkloadName {
  std::string kind, name;  // kind: "deployment", "statefulset", "daemonset"
  std::string str() const { return kind + "/" + name; }
};
/// From "deployment/web" and the short forms that kubectl knows ("deploy/web", "sts/queue", "ds/agent"). kInvalid.
Result<WorkloadName> workload_name(const std::string& text);
/// args["workloads"], at least one, each once.
Result<std::vector<WorkloadName>> workloads_of(const Json& args);

struct Revision {
  int64_t number = 0;
  std::string hash;
  std::string content;  // hash of the template without the note that `kubectl rollout restart` makes in it
  std::map<std::string, std::string> images;  // container -> image, init containers too
  std::string cause;                          // kubernetes.io/change-cause
};

/// What a release is, as far as the cluster shows it: kept at a checkpoint, looked for at a rollback.
struct Identity {
  std::string hash, content;  // content: empty when it was noted by an earlier version
  int64_t revision = 0;
  std::map<std::string, std::string> images;
  std::map<std::string, std::set<std::string>> digests;  // container -> imageID of ready pods
  int64_t replicas = -1;                                 // wanted; -1: not known
  bool whole = true;                                     // its rollout was at its end
};
Json to_json(const Identity& identity);
Result<Identity> identity_from_json(const Json& value);

struct Pod {
  std::string name, hash;
  std::string created;                // as the API server has it, "2026-11-22T10:00:00Z"
  bool ready = false, going = false;  // going: it has been told to end
  std::map<std::string, std::string> image_ids;
  std::string trouble;  // "web: ImagePullBackOff: Back-off pulling image ..."; empty: none
};

struct Workload {
  WorkloadName name;
  std::string uid, selector;
  bool paused = false, observed = false;  // observed: the controller has seen the newest spec
  bool deadline_exceeded = false;
  std::string strategy;  // "RollingUpdate", "Recreate", "OnDelete"
  int64_t partition = 0;
  int64_t replicas = 0;  // wanted
  std::map<std::string, std::string> images;
  std::string hash;                 // of the template that the spec has now; empty: the controller has not made it yet
  std::string content;              // of the same, as Revision::content
  std::set<std::string> reads;      // "configmap/settings", "secret/keys": what its pods are given when they start
  std::vector<Revision> revisions;  // newest last
  std::vector<Pod> pods;            // that are not over
};
/// `object`: the workload. REQUIRES `owned`: the List of its ReplicaSets or ControllerRevisions and pods, by its
/// selector. kCorrupt when it is not what it should be.
Result<Workload> parse_workload(const WorkloadName& name, const Json& object, const Json& owned);
/// The label selector of a workload as kubectl's -l takes it. Empty when there is none.
std::string selector_of(const Json& object);

Identity identity_of(const Workload& workload);

/// Why the rollout of the template that the spec has is not at its end; empty: each wanted pod is ready and of it, and
/// no other is left. `final`: it will not change by itself.
struct Lack {
  std::string why;
  bool final = false;
  bool unknown = false;  // only that nothing tells
};
Lack lack_of(const Workload& workload);
/// Why the workload does not run `wanted`. Not `wanted.whole`: then only the template counts. Scaled to 0 it runs
/// nothing: that is right only where `wanted` had no pods either.
Lack lack_of(const Workload& workload, const Identity& wanted);

/// Why the workload does not run the images of release `version`, as `recorded` (null: nothing is) has them. Its pod
/// template may be another one: a restart or another limit makes no other release. With nothing recorded the tag of an
/// image must be the version; else it is unknown.
Lack lack_of_release(const Workload& workload, const Identity* recorded, const std::string& version);

/// Whether the spec has the template of `wanted`, but for a restart.
bool is_at(const Workload& workload, const Identity& wanted);
/// The revision with the template of `wanted`: that very one, else the newest that differs by a restart.
std::optional<Revision> find_revision(const Workload& workload, const Identity& wanted);
/// The one revision with an image whose tag is `version` ("v1" and "1" alike). kNotFound, kConflict when several.
Result<Identity> identity_by_tag(const Workload& workload, const std::string& version);

/// Whether an image has the tag `version` ("v1" and "1" alike).
bool has_tag(const std::map<std::string, std::string>& images, const std::string& version);
std::string in_words(const std::map<std::string, std::string>& images);  // "web example.test/web:v1"
/// "v1" of "registry:5000/web:v1@sha256:..."; empty when it has none.
std::string tag_of(const std::string& image);
/// "sha256:..." of an imageID in any of the forms that runtimes use; the whole of it when there is none.
std::string digest_of(const std::string& image_id);

}  // namespace backout::drivers::kubernetes
