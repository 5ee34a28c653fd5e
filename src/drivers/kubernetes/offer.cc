#include "drivers/kubernetes/offer.h"

#include <fmt/format.h>

#include "base/text.h"
#include "drivers/kubernetes/helm.h"
#include "drivers/kubernetes/look.h"
#include "drivers/kubernetes/saved_objects.h"

namespace backout::drivers::kubernetes {
namespace {

constexpr Millis kBetweenLooks{1'000};

const Json& seen_by(const driver::Offering& offering) {
  const auto seen = offering.seen.empty() ? offering.seen.end() : offering.seen.find(offering.hosts.front());
  return seen == offering.seen.end() ? get({}, "") : seen->second;
}

/// The subject without what the app adds for every kind of code. The cluster is the one that was looked at; of a look
/// at a release, the one where that was recorded, unless backout.yaml says which.
Json own_part(const driver::Offering& offering) {
  Json args = Json::object();
  for (const char* key :
       {"namespace", "context", "kubeconfig", "program", "workloads", "helm", "helm_program", "wait_ms"})
    if (offering.subject.contains(key)) args[key] = offering.subject[key];
  if (const Json& seen = get(seen_by(offering), "cluster"); seen.is_object())
    args["cluster"] = seen;
  else if (const Json& recorded = get(offering.saved, "cluster"); recorded.is_object() && !args.contains("context"))
    args["cluster"] = recorded;
  return args;
}

/// A checkpoint of one cluster says nothing about another, to which kubectl may lead today: by another current context,
/// or by another kubeconfig in which the same name means another server.
Result<void> refuse_other_cluster(const driver::Offering& offering) {
  const Json& recorded = get(offering.saved, "cluster");
  const Json& seen = get(seen_by(offering), "cluster");
  if (!recorded.is_object() || !seen.is_object()) return {};
  const std::string then = get_string(recorded, "context"), now = get_string(seen, "context");
  const std::string server_then = get_string(recorded, "server"), server_now = get_string(seen, "server");
  if (!offering.subject.contains("context") && then != now)
    return Error{
        Code::kRefused,
        fmt::format("{} was saved in the cluster of kubectl's context {}, and the current one is {} ({})",
                    offering.to.str(), then.empty() ? "'' (none)" : then, now.empty() ? "'' (none)" : now, server_now),
        "say which one is meant: code.kubernetes.context"};
  if (server_then.empty() || server_now.empty() || server_then == server_now) return {};
  return Error{Code::kRefused,
               fmt::format("{} was saved in the cluster at {}, and kubectl's context {} leads to {}", offering.to.str(),
                           server_then, now, server_now),
               "name the kubeconfig of that cluster: code.kubernetes.kubeconfig; where the cluster alone has another "
               "address now, take the workloads back by hand: kubectl rollout undo"};
}

Step step(std::string id, const char* verb, StepKind kind, Phase phase, std::string title, Json args,
          const driver::Offering& offering) {
  Step made;
  made.id = StepId(std::move(id));
  made.phase = phase;
  made.kind = kind;
  made.title = std::move(title);
  made.hosts = offering.hosts;
  made.timeout = wait_in(args) + kSlack;
  made.action = {kKubernetes, verb, std::move(args)};
  made.repeatable = made.has_probe = true;
  return made;
}

Patience patience_for(const Json& args) {
  return {static_cast<int>(std::max<int64_t>(wait_in(args) / kBetweenLooks, 3)), kBetweenLooks};
}

/// What observe() said of a workload, as values.
Result<Workload> seen_workload(const Json& seen, const WorkloadName& name) {
  const Json& given = get(get(seen, "workloads"), name.str());
  if (!given.is_object())
    return Error{Code::kNotFound, name.str() + " is not there", "mend code.kubernetes.workloads, or deploy it"};
  Workload workload{.name = name};
  workload.paused = get_bool(given, "paused");
  workload.hash = get_string(given, "hash");
  workload.content = get_string(given, "content");
  for (const Json& each : get(given, "revisions")) {
    Revision revision{
        .number = get_int(each, "revision"), .hash = get_string(each, "hash"), .content = get_string(each, "content")};
    for (const auto& [container, image] : get(each, "images").items())
      if (image.is_string()) revision.images[container] = image.get<std::string>();
    workload.revisions.push_back(std::move(revision));
  }
  return workload;
}

Result<Identity> wanted_of(const driver::Offering& offering, const Workload& workload) {
  const std::string name = workload.name.str();
  const Json& saved = get(get(offering.saved, "workloads"), name);
  if (!saved.is_object()) return identity_by_tag(workload, offering.to.str());
  Identity wanted = TRY(identity_from_json(saved).with_context("what the checkpoint says of " + name));
  wanted.whole = true;
  if (!find_revision(workload, wanted))
    return Error{Code::kNotFound,
                 fmt::format("{} has no revision with the pod template of {} ({}) any more", name, offering.to.str(),
                             in_words(wanted.images)),
                 "deploy that version again; keep more revisions: spec.revisionHistoryLimit"};
  return wanted;
}

/// The digests that ran as the target are not those that run now, from the very same template.
bool tag_was_moved(const Identity& wanted, const Json& seen) {
  for (const auto& [container, known] : wanted.digests)
    for (const Json& digest : get(get(seen, "digests"), container))
      if (digest.is_string() && known.count(digest.get<std::string>()) == 0) return true;
  return false;
}

/// Whether images of what runs have the version as their tag: then those of the next release have, too.
bool tags_tell(const Json& seen, const Version& version) {
  for (const auto& [name, workload] : get(seen, "workloads").items())
    for (const auto& [container, image] : get(workload, "images").items())
      if (image.is_string() && has_tag({{container, image.get<std::string>()}}, version.str())) return true;
  return false;
}

Result<int64_t> helm_target(const driver::Offering& offering, const Helm& helm, const Json& seen) {
  const Json& history = get(get(seen, "helm"), "history");
  int64_t wanted = get_int(get(offering.saved, "helm"), "revision");
  std::vector<int64_t> by_version;
  std::string version = offering.to.str();
  if (version.starts_with('v')) version.erase(0, 1);
  for (const Json& each : history) {
    std::string app = get_string(each, "app_version");
    if (app.starts_with('v')) app.erase(0, 1);
    const std::string status = get_string(each, "status");
    if (wanted > 0 && get_int(each, "revision") == wanted) return wanted;
    if (wanted == 0 && app == version && (status == "superseded" || status == "deployed"))
      by_version.push_back(get_int(each, "revision"));
  }
  if (wanted == 0 && !by_version.empty()) return by_version.back();
  return Error{Code::kNotFound,
               wanted > 0 ? fmt::format("Helm's history of {} has no revision {} any more", helm.release, wanted)
                          : fmt::format("no checkpoint says which revision of {} was {}, and none has that appVersion",
                                        helm.release, offering.to.str()),
               "deploy that version again; keep more revisions: helm upgrade --history-max"};
}

/// Of a deploy of ours that ended badly the helm has ended, too; of anybody else's nobody knows.
Result<void> refuse_helm_at_work(const driver::Offering& offering, const Helm& helm, const Json& newest) {
  const std::string at_work = at_work_in(newest);
  if (at_work.empty() || !get_bool(offering.subject, "from_whole", true)) return {};
  return Error{Code::kRefused, fmt::format("a helm may be at work on {}: {}", helm.release, at_work),
               helm_way_out(helm, get_string(offering.subject, "namespace"))};
}

/// ConfigMaps and Secrets as saved: put back by the switch itself, before any pod is told, so that its undo has the
/// same order.
struct Objects {
  std::string file, before;  // both empty: none were saved
  int64_t count = 0;
};

Result<void> add_switch(const driver::Offering& offering, const Json& args, const Json& to, const Objects& objects,
                        std::vector<Step>& steps) {
  const Json& seen = seen_by(offering);
  const Helm helm = TRY(helm_of(args));
  Json back = Json::object();
  for (const auto& [name, ignored] : to.items()) {
    Json identity = get(get(seen, "workloads"), name);
    for (const char* key : {"paused", "revisions"}) identity.erase(key);
    back[name] = std::move(identity);
  }
  std::vector<std::string> words;
  for (const auto& [name, identity] : to.items())
    words.push_back(fmt::format("{} to {}", name, in_words(TRY(identity_from_json(identity)).images)));
  Json forth = args, undo = args;
  forth["to"] = to;
  undo["to"] = std::move(back);
  const char* verb = helm.release.empty() ? "undo" : "helm-rollback";
  if (!objects.file.empty()) {
    forth["config_file"] = objects.file;
    undo["config_file"] = objects.before;
  }
  std::string title = join(words, ", ");
  if (!objects.file.empty())
    title = fmt::format("{} (ConfigMaps, Secrets) of {} put back, then {}", counted(objects.count, "object"),
                        offering.to.str(), title);
  if (!helm.release.empty()) {
    forth["to_revision"] = TRY(helm_target(offering, helm, seen));
    undo["to_revision"] = get_int(get(seen, "helm"), "revision");
    const Json& newest = get(get(seen, "helm"), "newest");
    TRY_VOID(refuse_helm_at_work(offering, helm, newest));
    const std::string pending =
        get_bool(newest, "pending") ? get_string(newest, "words") + ", by a helm that is gone; " : "";
    title = fmt::format("{}Helm release {} to the content of revision {}: {}", pending, helm.release,
                        get_int(forth, "to_revision"), title);
    undo["undo"] = true;
    for (Json* each : {&forth, &undo}) {
      (*each)["newest"] = {{"revision", get_int(newest, "revision")}, {"status", get_string(newest, "status")}};
      if (!offering.run_directory.empty()) (*each)["begun_file"] = offering.run_directory + "/helm-begun.json";
    }
  }
  steps.push_back(step(std::string(verb) + "-code", verb, StepKind::kEffect, Phase::kSwitch, shortened(title, 200),
                       std::move(forth), offering));
  steps.back().patience = patience_for(args);
  if (helm.release.empty() || get_int(undo, "to_revision") > 0)
    steps.back().undo = Action{kKubernetes, verb, std::move(undo)};
  return {};
}

/// Kept as found before anything is told.
Objects add_objects(const driver::Offering& offering, const Json& args, std::vector<Step>& steps) {
  const Json& saved = get(offering.saved, "config");
  Objects objects{get_string(saved, "file"), offering.run_directory + "/kubernetes-before.json",
                  static_cast<int64_t>(get(saved, "objects").size())};
  if (objects.file.empty()) return {};
  Json keep = args;
  keep["file"] = objects.before;
  keep["config_maps"] = keep["secrets"] = Json::array();
  for (const Json& each : get(saved, "objects")) {
    const std::vector<std::string> parts = split(each.is_string() ? each.get<std::string>() : "", '/');
    if (parts.size() == 2) keep[parts[0] == "secret" ? "secrets" : "config_maps"].push_back(parts[1]);
  }
  steps.push_back(step("save-config-code", "save", StepKind::kEffect, Phase::kPrepare,
                       "keep " + counted(objects.count, "object") + " (ConfigMaps, Secrets) as found", std::move(keep),
                       offering));
  return objects;
}

}  // namespace

Millis wait_in(const Json& args) { return Millis(std::max<int64_t>(get_int(args, "wait_ms", 300'000), 1'000)); }

Result<Json> target_of(const driver::Offering& offering) {
  TRY_VOID(refuse_other_cluster(offering));
  const Json& seen = seen_by(offering);
  Identities to;
  bool changes = false, moved = false;
  for (const WorkloadName& name : TRY(workloads_of(offering.subject))) {
    const Workload workload = TRY(seen_workload(seen, name));
    const Identity wanted = TRY(wanted_of(offering, workload));
    if (workload.paused && !is_at(workload, wanted))
      return Error{Code::kRefused, name.str() + " is paused: nothing can be rolled back in it",
                   fmt::format("find out who paused it, then: kubectl -n {} rollout resume {}",
                               get_string(offering.subject, "namespace"), name.str())};
    changes = changes || !is_at(workload, wanted);
    moved = moved || (is_at(workload, wanted) && tag_was_moved(wanted, get(get(seen, "workloads"), name.str())));
    to[name.str()] = wanted;
  }
  if (!changes && moved)
    return Error{Code::kRefused,
                 fmt::format("{} and what runs now have the same pod template and not the same image: a tag was moved",
                             offering.to.str()),
                 "push the old image under a tag of its own, or name it by digest, and deploy that"};
  return to_json(to);
}

std::vector<std::string> what_stays(const driver::Offering& offering) {
  const auto named = objects_of(offering.subject);
  if (!named || offering.seen.empty() || offering.hosts.empty() || !offering.seen.contains(offering.hosts.front()))
    return {};
  std::vector<std::string> sentences;
  for (const auto& [workload, seen] : get(seen_by(offering), "workloads").items())
    for (const Json& each : get(seen, "reads")) {
      if (!each.is_string() || std::find(named->begin(), named->end(), each.get<std::string>()) != named->end())
        continue;
      const bool secret = each.get<std::string>().starts_with("secret/");
      sentences.push_back(fmt::format("{}, which {} reads, stays as it is: {} does not name it",
                                      one_line(each.get<std::string>()), workload,
                                      secret ? "code.kubernetes.secrets" : "code.kubernetes.config_maps"));
    }
  return sentences;
}

Result<std::vector<Step>> steps_for(const driver::Offering& offering) {
  std::vector<Step> steps;
  Json args = own_part(offering);
  TRY(cluster_of(args));
  TRY(helm_of(args));
  const std::vector<WorkloadName> names = TRY(workloads_of(args));
  const std::vector<std::string> objects = TRY(objects_of(offering.subject));
  const std::string count = counted(static_cast<int64_t>(names.size()), "workload");
  if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) {
    steps.push_back(
        step("note-code", "note", StepKind::kLook, Phase::kPrepare, "note what " + count + " run", args, offering));
    if (!objects.empty() && !offering.run_directory.empty()) {
      Json save = args;
      save["config_maps"] = get(offering.subject, "config_maps");
      save["secrets"] = get(offering.subject, "secrets");
      save["file"] = offering.run_directory + "/kubernetes.json";
      steps.push_back(step("save-config-code", "save", StepKind::kEffect, Phase::kPrepare,
                           "save " + counted(static_cast<int64_t>(objects.size()), "object") + " (ConfigMaps, Secrets)",
                           std::move(save), offering));
    }
    if (offering.kind == RunKind::kCheckpoint) return steps;
    Json stands = args;
    std::string title = "the rollout of " + count + " is at its end";
    if (offering.seen.empty()) {  // at a release that should be there
      stands["version"] = offering.to.str();
      stands["recorded"] =
          get(offering.saved, "workloads").is_object() ? get(offering.saved, "workloads") : Json::object();
      title = "the ready pods run the images of " + offering.to.str();
    } else if (offering.from != offering.to && !offering.from.str().empty()) {
      if (const Json& current = get(seen_by(offering), "current"); current.is_object()) stands["before"] = current;
      if (tags_tell(seen_by(offering), offering.from)) stands["tag"] = offering.to.str();
    }
    steps.push_back(
        step("stands-code", "stands", StepKind::kLook, Phase::kCheck, std::move(title), std::move(stands), offering));
    steps.back().patience = patience_for(args);
    return steps;
  }
  const Json to = TRY(target_of(offering));
  const Objects kept = add_objects(offering, args, steps);
  TRY_VOID(add_switch(offering, args, to, kept, steps));
  if (const std::vector<std::string> stays = what_stays(offering); !stays.empty())
    steps.back().action.args["stays"] = stays;
  Json stands = args;
  stands["to"] = to;
  if (!kept.file.empty()) stands["config_file"] = kept.file;
  steps.push_back(step("stands-code", "stands", StepKind::kLook, Phase::kCheck,
                       "the ready pods run the images of " + offering.to.str(), std::move(stands), offering));
  steps.back().patience = {3, kBetweenLooks};
  return steps;
}

}  // namespace backout::drivers::kubernetes
