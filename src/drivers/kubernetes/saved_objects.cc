#include "drivers/kubernetes/saved_objects.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "drivers/command/arguments.h"
#include "os/file.h"

namespace backout::drivers::kubernetes {
namespace {

constexpr const char* kFormat = "backout-kubernetes-objects";

Result<void> add_names(const Json& args, const char* key, const char* kind, std::vector<std::string>& names) {
  const Json& list = get(args, key);
  if (list.is_null()) return {};
  if (!list.is_array()) return Error{Code::kInvalid, fmt::format("'{}' is not a list", key), ""};
  for (const Json& each : list) {
    const std::string name = each.is_string() ? each.get<std::string>() : "";
    if (name.empty() || name.front() == '-' || name.size() > 253 ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string::npos)
      return Error{Code::kInvalid,
                   fmt::format("{}: '{}' cannot be the name of an object", key, shortened(one_line(name), 60)),
                   fmt::format("mend code.kubernetes.{}", key)};
    names.push_back(std::string(kind) + "/" + name);
  }
  return {};
}

/// Null: there is no such object.
Result<Json> live(const Ask& ask, const Cluster& cluster, const std::string& name) {
  auto object = ask_json(ask, cluster, {"get", name});
  if (!object && object.error().code == Code::kNotFound) return Json();
  if (!object) return std::move(object.error()).with_context(name);
  return essence(*object);
}

/// `object` by standard input. Replaced as a whole, so that a key which came later is gone; made when it is not there.
Result<void> put(const Ask& ask, const Cluster& cluster, const std::string& name, const Json& object, bool is_there) {
  std::vector<std::string> words = {is_there ? "replace" : "create", "--validate=false", "-f", "-"};
  const Answer answer = TRY(ask(kubectl_words(cluster, std::move(words)), object.dump()));
  if (answer.ok) return {};
  Error error = trouble_of(answer.err, cluster);
  // What an admission hook says may quote the object.
  if (error.code == Code::kInvalid || error.code == Code::kInternal)
    return Error{error.code, "the API server did not accept it as it was saved (an immutable one cannot be changed)",
                 "look: " + as_typed(cluster, "describe " + name)};
  return error;
}

/// The same but for what `kubectl replace` writes anew by itself: its own note of what was applied last.
bool same(Json a, Json b) {
  for (Json* each : {&a, &b})
    if (each->contains("metadata") && get((*each)["metadata"], "annotations").is_object()) {
      Json& metadata = (*each)["metadata"];
      metadata["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
      if (metadata["annotations"].empty()) metadata.erase("annotations");
    }
  return a == b;
}

std::vector<std::string> names_in(const Json& objects) {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : objects.items()) names.push_back(name);
  return names;
}

Json evidence_of(const std::string& file, const Json& objects) {
  return {{"config", {{"file", file}, {"objects", names_in(objects)}}}};
}

}  // namespace

Result<std::vector<std::string>> objects_of(const Json& args) {
  std::vector<std::string> names;
  TRY_VOID(add_names(args, "config_maps", "configmap", names));
  TRY_VOID(add_names(args, "secrets", "secret", names));
  return names;
}

Json essence(const Json& object) {
  Json kept = Json::object();
  for (const char* key : {"apiVersion", "kind", "data", "binaryData", "type", "immutable"})
    if (object.contains(key)) kept[key] = object[key];
  const Json& metadata = get(object, "metadata");
  for (const char* key : {"name", "namespace", "labels", "annotations"})
    if (metadata.is_object() && metadata.contains(key)) kept["metadata"][key] = metadata[key];
  return kept;
}

Result<Json> save_objects(const Ask& ask, const Cluster& cluster, const Json& args) {
  const std::string file = TRY(path_argument(args, "file"));
  const std::vector<std::string> names = TRY(objects_of(args));
  if (names.empty()) return Error{Code::kInvalid, "no object is named", ""};
  Json objects = Json::object();
  for (const std::string& name : names) objects[name] = TRY(live(ask, cluster, name));
  TRY_VOID(os::make_directories(file.substr(0, file.rfind('/')), 0700));
  TRY_VOID(os::write_file_atomic(file, canonical({{"format", kFormat}, {"objects", objects}}), 0600));
  return evidence_of(file, objects);
}

Result<Json> objects_in(const std::string& content, const std::string& file) {
  const auto parsed = parse_json(content);
  if (!parsed || get_string(*parsed, "format") != kFormat || !get(*parsed, "objects").is_object())
    return Error{Code::kCorrupt, "the saved objects in " + file + " are damaged; nothing was put back", ""};
  return get(*parsed, "objects");
}

Result<void> put_back(const Ask& ask, const Cluster& cluster, const Json& objects) {
  std::map<std::string, Json> now;  // everything is looked at before the first is touched
  for (const auto& [name, saved] : objects.items()) now[name] = TRY(live(ask, cluster, name));
  for (const auto& [name, saved] : objects.items())
    if (!saved.is_null() && !same(now[name], saved))
      TRY_VOID(put(ask, cluster, name, saved, !now[name].is_null()).with_context(name));
  return {};
}

Sight sight_of_saved(const Ask& ask, const Cluster& cluster, const Json& args, const Result<std::string>& content) {
  const std::string file = get_string(args, "file");
  if (!content && content.error().code == Code::kNotFound) return Sight::does_not_hold("nothing is saved in " + file);
  if (!content) return Sight::cannot_tell(one_line(content.error().message));
  const auto objects = objects_in(*content, file);
  if (!objects) return Sight::does_not_hold(objects.error().message);
  auto wanted = objects_of(args);
  if (!wanted) return Sight::cannot_tell(wanted.error().message);
  std::sort(wanted->begin(), wanted->end());
  if (*wanted != names_in(*objects)) return Sight::does_not_hold("other objects are saved in " + file);
  return sight_of_objects(ask, cluster, *objects, file);
}

Sight sight_of_objects(const Ask& ask, const Cluster& cluster, const Json& objects, const std::string& file) {
  for (const auto& [name, saved] : objects.items()) {
    if (saved.is_null()) continue;
    const auto now = live(ask, cluster, name);
    if (!now) return Sight::cannot_tell(one_line(now.error().message));
    if (now->is_null()) return Sight::does_not_hold(name + " is gone");
    if (!same(*now, saved)) return Sight::does_not_hold(name + " has other content than was saved");
  }
  return Sight::holds(counted(static_cast<int64_t>(objects.size()), "object") + " as saved in " + file,
                      evidence_of(file, objects));
}

Result<Changes> changes_of(const Ask& ask, const Cluster& cluster, const Json& objects) {
  Changes changes;
  for (const auto& [name, saved] : objects.items()) {
    if (saved.is_null()) continue;
    const std::string kind = name.substr(0, name.find('/'));
    // As the server gives it: kubectl leaves out who changed what and when.
    const Answer answer =
        TRY(ask(kubectl_words(cluster, {"get", "--raw",
                                        fmt::format("/api/v1/namespaces/{}/{}s/{}", cluster.kube_namespace, kind,
                                                    name.substr(kind.size() + 1))}),
                ""));
    if (!answer.ok) return trouble_of(answer.err, cluster).with_context(name);
    const auto object = parse_json(answer.out);
    if (!object) return Error{Code::kCorrupt, name + ": the API server's answer is no JSON", ""};
    std::string& newest = changes[name];
    for (const Json& each : get(get(*object, "metadata"), "managedFields"))
      newest = std::max(newest, one_line(get_string(each, "time")));
  }
  return changes;
}

std::optional<Older> older_pod(const Workload& workload, const Changes& changes, bool strict) {
  for (const auto& [object, changed] : changes) {
    if (workload.reads.count(object) == 0) continue;
    for (const Pod& pod : workload.pods) {
      if (pod.going || pod.hash != workload.hash) continue;
      // Both are written alike, and in UTC.
      const bool comparable = changed.size() == 20 && pod.created.size() == 20 && changed.back() == 'Z';
      if (!comparable || pod.created < changed || (strict && pod.created == changed))
        return Older{pod.name, object, !comparable};
    }
  }
  return std::nullopt;
}

}  // namespace backout::drivers::kubernetes
