#include "drivers/kubernetes/ready.h"

#include <fmt/format.h>

#include "base/text.h"
#include "drivers/kubernetes/helm.h"
#include "drivers/kubernetes/offer.h"
#include "drivers/kubernetes/workload.h"

namespace backout::drivers::kubernetes {
namespace {

using driver::Need;

Finding found(std::string id, Severity severity, std::string what, std::string next = "") {
  return {std::move(id), severity, "", "", std::move(what), std::move(next), Json::object()};
}

struct Right {
  std::string verb, resource;
};

std::vector<Right> rights_for(const driver::Offering& offering) {
  std::vector<Right> rights = {{"list", "pods"}};
  if (const auto names = workloads_of(offering.subject))
    for (const WorkloadName& name : *names) {
      rights.push_back({"patch", name.kind + "s.apps/" + name.name});
      rights.push_back({"list", name.kind == "deployment" ? "replicasets.apps" : "controllerrevisions.apps"});
      if (name.kind == "statefulset") rights.push_back({"delete", "pods"});
    }
  for (const Json& each : get(get(offering.saved, "config"), "objects")) {
    const std::vector<std::string> parts = split(each.is_string() ? each.get<std::string>() : "", '/');
    if (parts.size() == 2) rights.push_back({"update", parts[0] + "s/" + parts[1]});
  }
  return rights;
}

/// `kubectl auth can-i` says yes or no; anything else is no answer.
Finding may(const Ask& ask, const Cluster& cluster, const Right& right) {
  const std::string words = right.verb + " " + right.resource;
  const std::string look = as_typed(cluster, "auth can-i " + words);
  const auto answer = ask(kubectl_words(cluster, {"auth", "can-i", right.verb, right.resource}), "");
  if (!answer) return found("kubernetes.may", Severity::kRed, one_line(answer.error().message), look);
  const std::string said(trimmed(answer->out));
  if (said.starts_with("yes")) return found("kubernetes.may", Severity::kOk, "may " + words);
  if (said.starts_with("no"))
    return found("kubernetes.may", Severity::kRed, "may not " + words,
                 "ask who runs the cluster for that right; " + look);
  return found("kubernetes.may", Severity::kRed,
               "whether one may " + words + " is not known: " + shortened(one_line(answer->err), 160), look);
}

}  // namespace

driver::Readiness readiness(const driver::Offering& offering, const Ask& ask) {
  driver::Readiness readiness;
  const auto cluster = cluster_of(offering.subject);
  const auto helm = helm_of(offering.subject);
  if (!cluster || !helm) {
    readiness.findings.push_back(found("kubernetes.subject", Severity::kRed,
                                       cluster ? helm.error().message : cluster.error().message, "mend backout.yaml"));
    return readiness;
  }
  readiness.needs.push_back({Need::Kind::kTool, cluster->program, "to take workloads back"});
  if (!helm->release.empty())
    readiness.needs.push_back({Need::Kind::kTool, helm->program, "to take the release " + helm->release + " back"});
  if (!cluster->kubeconfig.empty())
    readiness.needs.push_back({Need::Kind::kReadable, cluster->kubeconfig, "to reach the cluster"});
  if (const std::string file = get_string(get(offering.saved, "config"), "file"); file.starts_with('/'))
    readiness.needs.push_back({Need::Kind::kReadable, file, "to put ConfigMaps and Secrets back"});
  for (const Right& right : rights_for(offering)) {
    Finding finding = may(ask, *cluster, right);
    if (finding.severity != Severity::kOk || readiness.findings.empty())
      readiness.findings.push_back(std::move(finding));
  }
  const auto seen = offering.seen.empty() ? offering.seen.end() : offering.seen.find(offering.hosts.front());
  if (seen != offering.seen.end())
    if (const Json& newest = get(get(seen->second, "helm"), "newest"); get_bool(newest, "pending")) {
      const bool at_work = !at_work_in(newest).empty();
      readiness.findings.push_back(
          found("kubernetes.helm", at_work ? Severity::kRed : Severity::kWarning,
                fmt::format("Helm release {}: {}: {}", helm->release, get_string(newest, "words"),
                            at_work ? "a helm may be at work" : "a helm was killed, and nobody can upgrade it"),
                helm_way_out(*helm, cluster->kube_namespace)));
    }
  for (std::string& sentence : what_stays(offering))
    readiness.findings.push_back(found("kubernetes.reads", Severity::kWarning, "in a rollback " + std::move(sentence),
                                       "name it there if a release may change it"));
  const auto target = target_of(offering);
  if (!target)
    readiness.findings.push_back(
        found("kubernetes.target", Severity::kRed, one_line(target.error().message),
              target.error().next.empty() ? "look: " + as_typed(*cluster, "rollout history") : target.error().next));
  else
    readiness.findings.push_back(found("kubernetes.target", Severity::kOk,
                                       "the revisions of " + offering.to.str() + " are in the cluster's history"));
  return readiness;
}

}  // namespace backout::drivers::kubernetes
