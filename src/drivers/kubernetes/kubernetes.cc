#include "drivers/kubernetes/kubernetes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "driver/tool.h"
#include "drivers/command/arguments.h"
#include "drivers/kubernetes/helm.h"
#include "drivers/kubernetes/look.h"
#include "drivers/kubernetes/offer.h"
#include "drivers/kubernetes/ready.h"
#include "drivers/kubernetes/saved_objects.h"

namespace backout::drivers {
namespace {

using namespace kubernetes;

Json seen_of(const Workload& workload) {
  Json seen = to_json(identity_of(workload));
  seen["paused"] = workload.paused;
  seen["reads"] = workload.reads;
  Json& revisions = seen["revisions"] = Json::array();
  for (const Revision& each : workload.revisions)
    revisions.push_back({{"revision", each.number},
                         {"hash", each.hash},
                         {"content", each.content},
                         {"images", each.images},
                         {"cause", each.cause}});
  return seen;
}

Json seen_of(const std::vector<HelmRevision>& history) {
  Json seen = {{"revision", 0}, {"history", Json::array()}, {"newest", newest_in(history, system_clock().wall())}};
  if (const HelmRevision* deployed = deployed_in(history)) {
    seen["revision"] = deployed->number;
    seen["chart"] = deployed->chart;
    seen["app_version"] = deployed->app_version;
  }
  for (const HelmRevision& each : history)
    seen["history"].push_back(
        {{"revision", each.number}, {"status", each.status}, {"chart", each.chart}, {"app_version", each.app_version}});
  return seen;
}

/// Tags in the history of a workload, newest first: what one might go back to.
void add_versions(const Workload& workload, Json& versions) {
  for (auto revision = workload.revisions.rbegin(); revision != workload.revisions.rend(); ++revision)
    for (const auto& [container, image] : revision->images)
      if (const std::string tag = tag_of(image);
          !tag.empty() && std::find(versions.begin(), versions.end(), tag) == versions.end())
        versions.push_back(tag);
}

/// What a Helm release is, for a checkpoint.
Json helm_identity(const Json& seen) {
  Json identity = seen;
  identity.erase("history");
  identity.erase("newest");
  return identity;
}

/// A workload that is not there is left out: the first deploy brings it.
Result<Json> observed(const Json& subject, const Ask& ask) {
  const Cluster cluster = TRY(cluster_of(subject));
  const Helm helm = TRY(helm_of(subject));
  Json seen = {{"current", Json::object()}, {"workloads", Json::object()}, {"versions", Json::array()}};
  seen["cluster"] = seen["current"]["cluster"] = TRY(place_of(ask, cluster));
  for (const WorkloadName& name : TRY(workloads_of(subject))) {
    const auto workload = look_at(ask, cluster, name);
    if (!workload && workload.error().code == Code::kNotFound &&
        workload.error().message.find("(NotFound)") != std::string::npos) {
      seen["current"][name.str()] = "";
      continue;
    }
    if (!workload) return workload.error();
    seen["current"][name.str()] = workload->hash;
    seen["workloads"][name.str()] = seen_of(*workload);
    add_versions(*workload, seen["versions"]);
  }
  if (!helm.release.empty()) {
    const auto history = helm_history(ask, helm, cluster);
    if (!history && history.error().code != Code::kNotFound) return history.error();
    if (history) seen["helm"] = seen_of(*history);
    if (const Json& newest = get(get(seen, "helm"), "newest"); newest.is_object())
      seen["current"]["helm"] =
          fmt::format("revision {}, {}", get_int(newest, "revision"), get_string(newest, "status"));
  }
  return seen;
}

Sight noted(const Json& args, const Ask& ask) {
  const auto seen = observed(args, ask);
  if (!seen) return Sight::cannot_tell(one_line(seen.error().message));
  Json evidence = {{"workloads", Json::object()}, {"cluster", (*seen)["cluster"]}};
  std::vector<std::string> words;
  for (const auto& [name, workload] : get(*seen, "workloads").items()) {
    const auto identity = identity_from_json(workload);
    if (!identity) return Sight::cannot_tell(name + ": the controller has made no revision of its pod template yet");
    evidence["workloads"][name] = to_json(*identity);
    words.push_back(name + ": " + in_words(identity->images));
  }
  if (seen->contains("helm")) evidence["helm"] = helm_identity(get(*seen, "helm"));
  return Sight::holds(words.empty() ? "no workload is there yet" : join(words, "; "), evidence);
}

/// A deploy after which every template is what it was has deployed nothing.
std::string nothing_new(const Json& before, const Json& evidence) {
  const Json& now = get(evidence, "workloads");
  if (!before.is_object() || before.empty()) return "";
  for (const auto& [name, identity] : now.items())
    if (get_string(before, name) != get_string(identity, "hash")) return "";
  return "no pod template has changed: the deploy command brought nothing new";
}

/// Where the images of the release before had its version as their tag, a deploy that brought no image with that of the
/// new one has brought something else.
std::string other_tag(const std::string& tag, const Json& evidence) {
  std::vector<std::string> words;
  for (const auto& [name, workload] : get(evidence, "workloads").items()) {
    const auto identity = identity_from_json(workload);
    if (!identity || tag.empty() || has_tag(identity->images, tag)) return "";
    words.push_back(name + ": " + in_words(identity->images));
  }
  return words.empty() ? "" : fmt::format("no image has the tag {}: {}", tag, join(words, "; "));
}

/// Whether ConfigMaps and Secrets are as the action wants them, and since when.
Sight sight_of_config(const Action& action, const Cluster& cluster, const Ask& ask, host::Host& host,
                      Changes& changes) {
  if (!action.args.contains("config_file")) return Sight::holds("none are of the release");
  const auto file = path_argument(action.args, "config_file");
  if (!file) return Sight::cannot_tell(file.error().message);
  const auto content = host.read(*file);
  if (!content) return Sight::cannot_tell(one_line(content.error().message));
  const auto objects = objects_in(*content, *file);
  if (!objects) return Sight::cannot_tell(objects.error().message);
  const std::string look = "; look: " + as_typed(cluster, "get configmaps,secrets");
  Sight sight = sight_of_objects(ask, cluster, *objects, *file);
  if (sight.kind == SightKind::kCannotTell) sight.why += look;
  if (sight.kind != SightKind::kHolds) return sight;
  auto changed = changes_of(ask, cluster, *objects);
  if (!changed) return Sight::cannot_tell(one_line(changed.error().message) + look);
  changes = std::move(*changed);
  return sight;
}

/// The helms of this run that were begun: none when it is not kept.
Result<std::vector<Begun>> begun_by(const Action& action, host::Host& host) {
  if (!action.args.contains("begun_file")) return std::vector<Begun>{{1, 1}};
  const auto text = host.read(TRY(path_argument(action.args, "begun_file")));
  if (!text && text.error().code == Code::kNotFound) return std::vector<Begun>();
  return begun_from(TRY(text));
}

Sight sight_of_run(const Action& action, const Ask& ask, host::Host& host) {
  const Cluster cluster = *cluster_of(action.args);
  const auto names = workloads_of(action.args);
  const auto wanted = action.verb == "stands" && !action.args.contains("to")
                          ? Result<Identities>(Identities())
                          : identities_from_json(get(action.args, "to"));
  if (!names) return Sight::cannot_tell(names.error().message);
  if (!wanted) return Sight::cannot_tell(wanted.error().message);
  if (const auto helm = helm_of(action.args); action.verb == "helm-rollback" && helm) {
    const auto history = helm_history(ask, *helm, cluster);
    if (!history) return Sight::cannot_tell(one_line(history.error().message));
    const auto begun = begun_by(action, host);
    if (!begun) return Sight::cannot_tell(one_line(begun.error().message));
    const bool nothing_to_undo = get_bool(action.args, "undo") && begun->empty();
    if (const std::string lack = nothing_to_undo ? "" : lack_in(*history, get_int(action.args, "to_revision"));
        !lack.empty())
      return Sight::does_not_hold("Helm release " + helm->release + ": " + lack);
  }
  if (const std::string version = get_string(action.args, "version"); action.verb == "stands" && !version.empty()) {
    const auto recorded = identities_from_json(get(action.args, "recorded"));
    return recorded ? sight_of_release(ask, cluster, *names, *recorded, version)
                    : Sight::cannot_tell(recorded.error().message);
  }
  Changes changes;
  if (Sight config = sight_of_config(action, cluster, ask, host, changes); config.kind != SightKind::kHolds)
    return config;
  Sight sight =
      sight_of(ask, cluster, *names, *wanted, changes, action.verb == "stands" ? Prove::kRuns : Prove::kStands);
  if (sight.kind == SightKind::kHolds && get(action.args, "stays").is_array())
    sight.evidence["left_behind"] = get(action.args, "stays");
  if (sight.kind == SightKind::kHolds)
    for (const std::string& lack : {nothing_new(get(action.args, "before"), sight.evidence),
                                    other_tag(get_string(action.args, "tag"), sight.evidence)})
      if (!lack.empty()) return Sight::does_not_hold(lack, sight.evidence);
  return sight;
}

class KubernetesDriver : public driver::Driver {
 public:
  explicit KubernetesDriver(std::string self) : self_(std::move(self)) {}
  std::string_view name() const override { return kKubernetes; }
  std::string_view release_evidence() const override { return "workloads"; }

  std::vector<driver::Verb> capabilities() const override {
    return {{"note", StepKind::kLook, true, true},
            {"save", StepKind::kEffect, true, true},
            {"undo", StepKind::kEffect, true, true},
            {"stands", StepKind::kLook, true, true},
            {"helm-rollback", StepKind::kEffect, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override { return steps_for(offering); }

  Result<std::vector<std::string>> takes_away(const driver::Offering& offering, host::Host&,
                                              std::stop_token) const override {
    return offering.kind == RunKind::kDeploy ? std::vector<std::string>() : what_stays(offering);
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    return observed(subject, by_host(host, std::move(stop)));
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    TRY(cluster_of(action.args));
    if (action.verb == "save") {
      TRY(path_argument(action.args, "file"));
      if (TRY(objects_of(action.args)).empty()) return Error{Code::kInvalid, "no object is named", ""};
    } else if (action.verb == "undo" || action.verb == "helm-rollback") {
      const std::vector<WorkloadName> names = TRY(workloads_of(action.args));
      const Identities to = TRY(identities_from_json(get(action.args, "to")));
      if (action.args.contains("config_file")) TRY(path_argument(action.args, "config_file"));
      for (const WorkloadName& each : names)
        if (to.count(each.str()) == 0) return Error{Code::kInvalid, "what " + each.str() + " shall be is missing", ""};
      if (action.verb == "helm-rollback" &&
          (TRY(helm_of(action.args)).release.empty() || get_int(action.args, "to_revision") <= 0))
        return Error{Code::kInvalid, "'helm' or 'to_revision' is missing", ""};
    } else {
      return no_such_verb(action, *this);
    }
    host::Command made = driver::tool_command(self_, kKubernetes, action.verb, action.args);
    made.timeout = wait_in(action.args) + kSlack;
    return made;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (const auto cluster = cluster_of(action.args); !cluster) return Sight::cannot_tell(cluster.error().message);
    const Ask ask = by_host(host, std::move(stop));
    if (const auto there = still_leads_there(ask, action.args); !there)
      return Sight::cannot_tell(one_line(there.error().message));
    if (action.verb == "note") return noted(action.args, ask);
    if (action.verb == "save") {
      const auto file = path_argument(action.args, "file");
      if (!file) return Sight::cannot_tell(file.error().message);
      return sight_of_saved(ask, *cluster_of(action.args), action.args, host.read(*file));
    }
    if (action.verb == "undo" || action.verb == "stands" || action.verb == "helm-rollback") {
      Sight sight = sight_of_run(action, ask, host);
      if (action.args.contains("cluster")) sight.evidence["cluster"] = action.args["cluster"];
      return sight;
    }
    return Sight::cannot_tell(no_such_verb(action, *this).message);
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    return readiness(offering, by_host(host, std::move(stop)));
  }

 private:
  std::string self_;
};

}  // namespace

std::unique_ptr<driver::Driver> make_kubernetes_driver(std::string self) {
  return std::make_unique<KubernetesDriver>(std::move(self));
}

}  // namespace backout::drivers
