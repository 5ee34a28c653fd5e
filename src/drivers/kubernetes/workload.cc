#include "drivers/kubernetes/workload.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace backout::drivers::kubernetes {
namespace {

constexpr std::string_view kKinds[][2] = {
    {"deployment", "deployment"},   {"deployments", "deployment"},   {"deploy", "deployment"},
    {"statefulset", "statefulset"}, {"statefulsets", "statefulset"}, {"sts", "statefulset"},
    {"daemonset", "daemonset"},     {"daemonsets", "daemonset"},     {"ds", "daemonset"}};
constexpr const char* kRevisionOf = "deployment.kubernetes.io/revision";

const Json& at(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* here = &value;
  for (const std::string_view key : path) here = &get(*here, key);
  return *here;
}

int64_t number_in(const Json& value, std::string_view key, int64_t otherwise = 0) {
  return get_int(value, key, otherwise);
}

int64_t as_number(const std::string& text) {
  int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || number > 1'000'000'000) return 0;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::map<std::string, std::string> images_in(const Json& pod_template) {
  std::map<std::string, std::string> images;
  for (const char* list : {"initContainers", "containers"})
    for (const Json& container : at(pod_template, {"spec", list}))
      images[one_line(get_string(container, "name"))] = one_line(get_string(container, "image"));
  return images;
}

/// A template as the user wrote it: without what controllers add.
std::string bare(Json pod_template) {
  if (!pod_template.is_object()) return "";
  pod_template.erase("$patch");
  if (pod_template.contains("metadata") && pod_template["metadata"].is_object()) {
    Json& metadata = pod_template["metadata"];
    metadata.erase("creationTimestamp");
    if (metadata.contains("labels") && metadata["labels"].is_object()) metadata["labels"].erase("pod-template-hash");
  }
  return canonical(pod_template);
}

/// What makes a template another release: a restart does not.
std::string content_of(Json pod_template) {
  if (!pod_template.is_object()) return "";
  if (Json& metadata = pod_template["metadata"]; get(metadata, "annotations").is_object()) {
    metadata["annotations"].erase("kubectl.kubernetes.io/restartedAt");
    if (metadata["annotations"].empty()) metadata.erase("annotations");
  }
  return sha256_hex(bare(std::move(pod_template))).substr(0, 16);
}

/// ConfigMaps and Secrets in environments and volumes.
std::set<std::string> read_by(const Json& pod_template) {
  std::set<std::string> names;
  const auto add = [&](const char* kind, const Json& reference, const char* key) {
    if (const std::string name = get_string(reference, key); !name.empty()) names.insert(kind + one_line(name));
  };
  const auto add_both = [&](const Json& source, const char* config_map, const char* secret, const char* secret_key) {
    add("configmap/", get(source, config_map), "name");
    add("secret/", get(source, secret), secret_key);
  };
  for (const char* list : {"initContainers", "containers"})
    for (const Json& container : at(pod_template, {"spec", list})) {
      for (const Json& each : get(container, "envFrom")) add_both(each, "configMapRef", "secretRef", "name");
      for (const Json& each : get(container, "env"))
        add_both(get(each, "valueFrom"), "configMapKeyRef", "secretKeyRef", "name");
    }
  for (const Json& volume : at(pod_template, {"spec", "volumes"})) {
    add_both(volume, "configMap", "secret", "secretName");
    for (const Json& each : at(volume, {"projected", "sources"})) add_both(each, "configMap", "secret", "name");
  }
  return names;
}

bool is_owned_by(const Json& object, const std::string& uid) {
  for (const Json& owner : at(object, {"metadata", "ownerReferences"}))
    if (get_string(owner, "uid") == uid) return true;
  return false;
}

std::string trouble_in(const Json& status) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"})
    for (const Json& container : get(status, list)) {
      const Json& waiting = at(container, {"state", "waiting"});
      const std::string reason = get_string(waiting, "reason");
      if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") continue;
      const std::string message = get_string(waiting, "message");
      return shortened(one_line(fmt::format("{}: {}{}{}", get_string(container, "name"), reason,
                                            message.empty() ? "" : ": ", message)),
                       200);
    }
  for (const Json& condition : get(status, "conditions"))
    if (get_string(condition, "type") == "PodScheduled" && get_string(condition, "status") == "False")
      return shortened(one_line("cannot be placed on a node: " + get_string(condition, "message")), 200);
  return "";
}

Pod pod_in(const Json& object, const std::string& hash) {
  Pod pod{
      .name = one_line(at(object, {"metadata", "name"}).is_string() ? get_string(get(object, "metadata"), "name") : ""),
      .hash = hash};
  pod.going = get(object, "metadata").contains("deletionTimestamp");
  pod.created = one_line(get_string(get(object, "metadata"), "creationTimestamp"));
  const Json& status = get(object, "status");
  for (const Json& condition : get(status, "conditions"))
    if (get_string(condition, "type") == "Ready") pod.ready = get_string(condition, "status") == "True";
  for (const char* list : {"initContainerStatuses", "containerStatuses"})
    for (const Json& container : get(status, list))
      pod.image_ids[one_line(get_string(container, "name"))] = one_line(get_string(container, "imageID"));
  pod.trouble = trouble_in(status);
  return pod;
}

Error corrupt(const WorkloadName& name, std::string_view what) {
  return {Code::kCorrupt, fmt::format("{}: the API server's answer {}", name.str(), what), ""};
}

/// ReplicaSets of a Deployment.
void read_replica_sets(Workload& workload, const Json& owned, const std::string& wanted,
                       std::map<std::string, std::string>& by_uid) {
  for (const Json& each : get(owned, "items")) {
    if (get_string(each, "kind") != "ReplicaSet" || !is_owned_by(each, workload.uid)) continue;
    const Json& metadata = get(each, "metadata");
    Revision revision{.number = as_number(get_string(get(metadata, "annotations"), kRevisionOf)),
                      .hash = one_line(get_string(get(metadata, "labels"), "pod-template-hash"))};
    revision.images = images_in(at(each, {"spec", "template"}));
    revision.content = content_of(at(each, {"spec", "template"}));
    revision.cause = shortened(one_line(get_string(get(metadata, "annotations"), "kubernetes.io/change-cause")), 120);
    if (revision.hash.empty()) continue;
    by_uid[get_string(metadata, "uid")] = revision.hash;
    if (bare(at(each, {"spec", "template"})) == wanted) workload.hash = revision.hash;
    workload.revisions.push_back(std::move(revision));
  }
}

/// ControllerRevisions of a StatefulSet or DaemonSet.
void read_controller_revisions(Workload& workload, const Json& owned, const std::string& wanted) {
  for (const Json& each : get(owned, "items")) {
    if (get_string(each, "kind") != "ControllerRevision" || !is_owned_by(each, workload.uid)) continue;
    const Json& metadata = get(each, "metadata");
    // Pods of a StatefulSet carry the revision's name, those of a DaemonSet its hash alone.
    Revision revision{.number = number_in(each, "revision"),
                      .hash = one_line(workload.name.kind == "daemonset"
                                           ? get_string(get(metadata, "labels"), "controller-revision-hash")
                                           : get_string(metadata, "name"))};
    const Json& pod_template = at(each, {"data", "spec", "template"});
    revision.images = images_in(pod_template);
    revision.content = content_of(pod_template);
    revision.cause = shortened(one_line(get_string(get(metadata, "annotations"), "kubernetes.io/change-cause")), 120);
    if (revision.hash.empty()) continue;
    if (bare(pod_template) == wanted) workload.hash = revision.hash;
    workload.revisions.push_back(std::move(revision));
  }
}

void read_pods(Workload& workload, const Json& owned, const std::map<std::string, std::string>& by_uid) {
  for (const Json& each : get(owned, "items")) {
    if (get_string(each, "kind") != "Pod") continue;
    const std::string phase = get_string(get(each, "status"), "phase");
    if (phase == "Succeeded" || phase == "Failed") continue;
    if (workload.name.kind == "deployment") {
      for (const Json& owner : at(each, {"metadata", "ownerReferences"}))
        if (const auto found = by_uid.find(get_string(owner, "uid")); found != by_uid.end())
          workload.pods.push_back(pod_in(each, found->second));
    } else if (is_owned_by(each, workload.uid)) {
      workload.pods.push_back(
          pod_in(each, one_line(get_string(at(each, {"metadata", "labels"}), "controller-revision-hash"))));
    }
  }
}

bool is_tag_of(std::string tag, std::string version) {
  if (tag.empty()) return false;
  if (tag.starts_with('v')) tag.erase(0, 1);
  if (version.starts_with('v')) version.erase(0, 1);
  return tag == version;
}

}  // namespace

Result<WorkloadName> workload_name(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string kind = text.substr(0, slash), name = slash == std::string::npos ? "" : text.substr(slash + 1);
  const bool fits = !name.empty() && name.size() <= 253 && name.front() != '-' &&
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  for (const auto& [written, meant] : kKinds)
    if (kind == written && fits) return WorkloadName{std::string(meant), name};
  return Error{Code::kInvalid, "'" + shortened(one_line(text), 80) + "' is no workload",
               "write KIND/NAME with deployment, statefulset or daemonset, such as deployment/web"};
}

Result<std::vector<WorkloadName>> workloads_of(const Json& args) {
  std::vector<WorkloadName> names;
  for (const Json& each : get(args, "workloads")) {
    WorkloadName name = TRY(workload_name(each.is_string() ? each.get<std::string>() : ""));
    const bool twice =
        std::any_of(names.begin(), names.end(), [&](const WorkloadName& other) { return other.str() == name.str(); });
    if (twice) return Error{Code::kInvalid, name.str() + " is named twice", "mend code.kubernetes.workloads"};
    names.push_back(std::move(name));
  }
  if (names.empty()) return Error{Code::kInvalid, "'workloads' is missing", "for example: workloads: [deployment/web]"};
  return names;
}

Json to_json(const Identity& identity) {
  Json value = {{"hash", identity.hash},     {"content", identity.content},   {"revision", identity.revision},
                {"images", identity.images}, {"replicas", identity.replicas}, {"whole", identity.whole}};
  value["digests"] = Json::object();
  for (const auto& [container, digests] : identity.digests) value["digests"][container] = digests;
  return value;
}

Result<Identity> identity_from_json(const Json& value) {
  Identity identity{.hash = get_string(value, "hash"), .revision = number_in(value, "revision")};
  identity.content = get_string(value, "content");
  if (identity.hash.empty()) return Error{Code::kInvalid, "a workload's 'hash' is missing", ""};
  for (const auto& [container, image] : get(value, "images").items())
    if (image.is_string()) identity.images[container] = image.get<std::string>();
  for (const auto& [container, digests] : get(value, "digests").items())
    for (const Json& digest : digests)
      if (digest.is_string()) identity.digests[container].insert(digest.get<std::string>());
  identity.replicas = number_in(value, "replicas", -1);
  identity.whole = get_bool(value, "whole", true);
  return identity;
}

std::string selector_of(const Json& object) {
  std::vector<std::string> parts;
  const Json& selector = at(object, {"spec", "selector"});
  for (const auto& [key, value] : get(selector, "matchLabels").items())
    if (value.is_string()) parts.push_back(key + "=" + value.get<std::string>());
  for (const Json& each : get(selector, "matchExpressions")) {
    const std::string key = get_string(each, "key"), how = get_string(each, "operator");
    std::vector<std::string> values;
    for (const Json& value : get(each, "values"))
      if (value.is_string()) values.push_back(value.get<std::string>());
    if (how == "Exists") parts.push_back(key);
    if (how == "DoesNotExist") parts.push_back("!" + key);
    if (how == "In") parts.push_back(key + " in (" + join(values, ",") + ")");
    if (how == "NotIn") parts.push_back(key + " notin (" + join(values, ",") + ")");
  }
  return join(parts, ",");
}

Result<Workload> parse_workload(const WorkloadName& name, const Json& object, const Json& owned) {
  const Json &metadata = get(object, "metadata"), &spec = get(object, "spec"), &status = get(object, "status");
  if (!spec.is_object() || !get(spec, "template").is_object()) return corrupt(name, "has no pod template");
  if (!get(owned, "items").is_array()) return corrupt(name, "has no list of what it owns");
  const Json& strategy = get(spec, name.kind == "deployment" ? "strategy" : "updateStrategy");
  const Json &wanted_pods = get(spec, "replicas"), &scheduled = get(status, "desiredNumberScheduled");
  for (const Json* number : {&get(metadata, "generation"), &get(status, "observedGeneration"), &wanted_pods, &scheduled,
                             &get(get(strategy, "rollingUpdate"), "partition")})
    if (!number->is_null() && !(number->is_number_integer() && number->get<int64_t>() >= 0))
      return corrupt(name, "has a number that is none: " + shortened(one_line(canonical(*number)), 40));
  Workload workload{.name = name, .uid = get_string(metadata, "uid"), .selector = selector_of(object)};
  workload.paused = get_bool(spec, "paused");
  workload.observed = number_in(status, "observedGeneration") >= number_in(metadata, "generation") &&
                      (name.kind != "daemonset" || !scheduled.is_null());  // else its 0 pods would be all there are
  for (const Json& condition : get(status, "conditions"))
    if (get_string(condition, "type") == "Progressing" && get_string(condition, "reason") == "ProgressDeadlineExceeded")
      workload.deadline_exceeded = true;
  workload.strategy = get_string(strategy, "type");
  workload.partition = number_in(get(strategy, "rollingUpdate"), "partition");
  workload.replicas =
      name.kind == "daemonset" ? number_in(status, "desiredNumberScheduled") : number_in(spec, "replicas", 1);
  workload.images = images_in(get(spec, "template"));
  const std::string wanted = bare(get(spec, "template"));
  workload.content = content_of(get(spec, "template"));
  workload.reads = read_by(get(spec, "template"));
  std::map<std::string, std::string> by_uid;
  if (name.kind == "deployment")
    read_replica_sets(workload, owned, wanted, by_uid);
  else
    read_controller_revisions(workload, owned, wanted);
  // A StatefulSet says itself which revision its spec is, also where the stored template was written by another version
  // of the API.
  if (name.kind == "statefulset" && workload.observed)
    if (const std::string update = get_string(status, "updateRevision"); !update.empty())
      workload.hash = one_line(update);
  std::stable_sort(workload.revisions.begin(), workload.revisions.end(),
                   [](const Revision& a, const Revision& b) { return a.number < b.number; });
  if (workload.hash.empty() && workload.observed && !workload.revisions.empty() && name.kind == "daemonset")
    workload.hash = workload.revisions.back().hash;
  read_pods(workload, owned, by_uid);
  return workload;
}

Identity identity_of(const Workload& workload) {
  Identity identity{
      .hash = workload.hash, .content = workload.content, .images = workload.images, .replicas = workload.replicas};
  for (const Revision& revision : workload.revisions)
    if (revision.hash == workload.hash) identity.revision = revision.number;
  for (const Pod& pod : workload.pods)
    if (pod.hash == workload.hash && pod.ready && !pod.going)
      for (const auto& [container, id] : pod.image_ids)
        if (!id.empty() && workload.images.count(container) > 0)  // not of a sidecar that somebody injects
          identity.digests[container].insert(digest_of(id));
  identity.whole = lack_of(workload).why.empty();
  return identity;
}

std::optional<Revision> find_revision(const Workload& workload, const Identity& wanted) {
  std::optional<Revision> found;
  for (const Revision& revision : workload.revisions) {
    if (revision.hash == wanted.hash) return revision;
    if (!wanted.content.empty() && revision.content == wanted.content) found = revision;
  }
  return found;
}

bool is_at(const Workload& workload, const Identity& wanted) {
  if (workload.hash == wanted.hash) return true;
  if (workload.content.empty()) return false;
  if (!wanted.content.empty()) return workload.content == wanted.content;
  const auto revision = find_revision(workload, wanted);
  return revision && revision->content == workload.content;
}

Result<Identity> identity_by_tag(const Workload& workload, const std::string& version) {
  std::vector<const Revision*> found;
  for (const Revision& revision : workload.revisions)
    if (has_tag(revision.images, version)) found.push_back(&revision);
  const std::string next = "take a checkpoint while a release runs: then it is known by its pod template";
  if (found.empty())
    return Error{Code::kNotFound,
                 fmt::format("no checkpoint says which revision of {} was {}, and no revision has an image of that tag",
                             workload.name.str(), version),
                 next};
  const bool one = std::all_of(found.begin(), found.end(),
                               [&](const Revision* each) { return each->content == found.front()->content; });
  if (!one)
    return Error{Code::kConflict,
                 fmt::format("no checkpoint says which revision of {} was {}, and {} have an image of that tag",
                             workload.name.str(), version, counted(static_cast<int64_t>(found.size()), "revision")),
                 next};
  const Revision& newest = *found.back();
  return Identity{.hash = newest.hash, .content = newest.content, .revision = newest.number, .images = newest.images};
}

bool has_tag(const std::map<std::string, std::string>& images, const std::string& version) {
  return std::any_of(images.begin(), images.end(),
                     [&](const auto& image) { return is_tag_of(tag_of(image.second), version); });
}

std::string tag_of(const std::string& image) {
  const std::string name = image.substr(0, image.find('@'));
  const size_t colon = name.rfind(':'), slash = name.rfind('/');
  return colon == std::string::npos || (slash != std::string::npos && colon < slash) ? "" : name.substr(colon + 1);
}

std::string in_words(const std::map<std::string, std::string>& images) {
  std::vector<std::string> parts;
  for (const auto& [container, image] : images) parts.push_back(container + " " + image);
  return join(parts, ", ");
}

std::string digest_of(const std::string& image_id) {
  const size_t digest = image_id.rfind("sha256:");
  return digest == std::string::npos ? image_id : image_id.substr(digest);
}

}  // namespace backout::drivers::kubernetes
