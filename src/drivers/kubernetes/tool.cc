#include "drivers/kubernetes/tool.h"

#include <fmt/format.h>

#include <functional>
#include <thread>

#include "base/text.h"
#include "driver/tool.h"
#include "drivers/command/arguments.h"
#include "drivers/kubernetes/helm.h"
#include "drivers/kubernetes/look.h"
#include "drivers/kubernetes/saved_objects.h"
#include "os/file.h"

namespace backout::drivers::kubernetes {
namespace {

using driver::Progress;
constexpr Millis kBetweenTries{1'000};

Millis wait_of(const Json& args) { return Millis(std::max<int64_t>(get_int(args, "wait_ms", 300'000), 1'000)); }

Result<void> tell(const Ask& ask, const Cluster& cluster, std::vector<std::string> words, const std::string& about) {
  const Answer answer = TRY(ask(kubectl_words(cluster, std::move(words)), ""));
  if (answer.ok) return {};
  return (answer.err.empty() ? Error{Code::kUnavailable, "kubectl: " + answer.why, ""}
                             : trouble_of(answer.err, cluster))
      .with_context(about);
}

Error cannot_be_undone(const Workload& workload, const Cluster& cluster) {
  const std::string name = workload.name.str();
  if (workload.paused)
    return {Code::kRefused, name + " is paused: nothing can be rolled back in it",
            "find out who paused it, then: " + as_typed(cluster, "rollout resume " + name)};
  return {Code::kRefused, name + " has the update strategy OnDelete: its pods stay until somebody deletes them",
          "make it RollingUpdate, or take it back by hand"};
}

/// A StatefulSet waits for a broken pod for ever, also after its template was taken back: such a pod must go.
Result<void> clear_stuck_pods(const Ask& ask, const Cluster& cluster, const Workload& workload, const Identity& wanted,
                              const Progress& progress) {
  for (const Pod& pod : workload.pods) {
    if (pod.ready || pod.going || pod.hash == wanted.hash || pod.hash == workload.hash) continue;
    progress("pod " + pod.name + " of the revision that is left never became ready: deleted");
    const auto gone = tell(ask, cluster, {"delete", "pod", pod.name, "--wait=false"}, "pod " + pod.name);
    if (!gone && gone.error().code != Code::kNotFound) return gone.error();
  }
  return {};
}

/// ConfigMaps and Secrets that go with the release.
Result<Json> objects_for(const Json& args) {
  if (!args.contains("config_file")) return Json::object();
  const std::string file = TRY(path_argument(args, "config_file"));
  return objects_in(TRY(os::read_file(file)), file);
}

/// Pods run with what a ConfigMap was when they started. `done`: a number for those that were told to start anew since
/// it was put back.
Result<void> restart_older(const Ask& ask, const Cluster& cluster, const std::vector<WorkloadName>& names,
                           const Json& objects, const Json& done, const Progress& progress) {
  if (objects.empty()) return {};
  const Changes changes = TRY(changes_of(ask, cluster, objects));
  for (const WorkloadName& name : names) {
    const Workload workload = TRY(look_at(ask, cluster, name));
    const auto older = older_pod(workload, changes, !get(done, name.str()).is_number());
    if (!older) continue;
    if (workload.paused || workload.strategy == "OnDelete") return cannot_be_undone(workload, cluster);
    progress(fmt::format("{}: restarted, because pod {} is older than {}", name.str(), older->pod, older->object));
    const auto told = tell(ask, cluster, {"rollout", "restart", name.str()}, name.str());
    // By the try before this one, a moment ago.
    if (!told && told.error().message.find("already been triggered") == std::string::npos) return told.error();
  }
  return {};
}

Result<Json> undo_once(const Ask& ask, const Json& args, const std::vector<WorkloadName>& names, const Identities& to,
                       const Json& objects, const Progress& progress) {
  const Cluster cluster = TRY(cluster_of(args));
  struct Way {
    Workload workload;
    int64_t revision = 0;  // 0: it is there already
  };
  TRY_VOID(still_leads_there(ask, args));
  std::vector<Way> ways;  // all are looked at before the first is touched
  for (const WorkloadName& name : names) {
    Way way{TRY(look_at(ask, cluster, name))};
    const Identity& wanted = to.at(name.str());
    if (!is_at(way.workload, wanted)) {
      if (way.workload.paused || way.workload.strategy == "OnDelete") return cannot_be_undone(way.workload, cluster);
      const auto revision = find_revision(way.workload, wanted);
      if (!revision)
        return Error{
            Code::kNotFound,
            fmt::format("{} has no revision {} ({}) any more", name.str(), wanted.hash, in_words(wanted.images)),
            "deploy that version again; keep more of them: spec.revisionHistoryLimit"};
      way.revision = revision->number;
    }
    ways.push_back(std::move(way));
  }
  TRY_VOID(put_back(ask, cluster, objects));
  Json done = Json::object();
  for (const Way& way : ways) {
    const std::string name = way.workload.name.str();
    if (way.revision > 0) {
      progress(fmt::format("{}: back to revision {}", name, way.revision));
      TRY_VOID(tell(ask, cluster, {"rollout", "undo", name, fmt::format("--to-revision={}", way.revision)}, name));
    }
    done[name] = way.revision > 0 ? Json(way.revision) : Json("already");
    if (way.workload.name.kind == "statefulset")
      TRY_VOID(clear_stuck_pods(ask, cluster, TRY(look_at(ask, cluster, way.workload.name)), to.at(name), progress));
  }
  TRY_VOID(restart_older(ask, cluster, names, objects, done, progress));
  return Json{{"undone", done}};
}

/// Kept in the run's directory before a helm is begun, so that its revision is known again when it was killed.
struct Kept {
  std::string file;  // empty: nothing is kept
  std::vector<Begun> begun;
};
Result<Kept> kept_for(const Json& args) {
  if (!args.contains("begun_file")) return Kept{};
  Kept kept{TRY(path_argument(args, "begun_file")), {}};
  if (os::exists(kept.file)) kept.begun = TRY(begun_from(TRY(os::read_file(kept.file))).with_context(kept.file));
  return kept;
}

/// Nothing is told while somebody else is at work on the release, or has been since the plan was made.
Result<void> refuse_others(const std::vector<HelmRevision>& history, const Helm& helm, const Cluster& cluster,
                           const Json& args, const Kept& kept) {
  const std::string others = by_others_in(history, get(args, "newest"), kept.begun);
  if (others.empty()) return {};
  const bool at_work = !history.empty() && history.back().pending();
  return Error{
      Code::kRefused,
      fmt::format("somebody else's helm {} {}: {}", at_work ? "is at work on" : "has changed", helm.release, others),
      at_work ? helm_way_out(helm, cluster.kube_namespace) : "plan again: backout plan"};
}

Result<Json> helm_once(const Ask& ask, const Helm& helm, const Cluster& cluster, const Json& args, Millis wait,
                       const std::function<Result<void>()>& first, const Progress& progress) {
  const int64_t to = get_int(args, "to_revision");
  const std::vector<HelmRevision> history = TRY(helm_history(ask, helm, cluster));
  Kept kept = TRY(kept_for(args));
  if (get_bool(args, "undo") && !kept.file.empty() && kept.begun.empty()) {
    TRY_VOID(first());
    return Json{{"helm", "never begun"}};
  }
  TRY_VOID(refuse_others(history, helm, cluster, args, kept));
  TRY_VOID(first());
  if (lack_in(history, to).empty()) return Json{{"helm", "already"}};
  const bool is_there =
      std::any_of(history.begin(), history.end(), [&](const HelmRevision& each) { return each.number == to; });
  if (!is_there)
    return Error{Code::kNotFound, fmt::format("{} has no revision {} any more", helm.release, to),
                 "deploy that version again; keep more of them: helm upgrade --history-max"};
  progress(fmt::format("{}: back to revision {}", helm.release, to));
  if (!kept.file.empty()) {
    kept.begun.push_back({history.back().number, to});
    TRY_VOID(os::write_file_atomic(kept.file, to_text(kept.begun), 0600));
  }
  const Answer answer = TRY(ask(helm_words(helm, cluster,
                                           {"rollback", helm.release, std::to_string(to), "--wait",
                                            fmt::format("--timeout={}s", std::max<int64_t>(wait.count() / 1000, 1))}),
                                ""));
  if (!answer.ok) return helm_trouble_of(answer.err.empty() ? answer.why : answer.err, helm, cluster);
  return Json{{"helm", to}};
}

Result<Json> until_it_answers(Millis wait, const Progress& progress, const std::function<Result<Json>()>& once) {
  const auto end = std::chrono::steady_clock::now() + wait;
  for (;;) {
    auto done = once();
    if (done || done.error().code != Code::kUnavailable) return done;
    progress(done.error().message);
    if (std::chrono::steady_clock::now() + kBetweenTries >= end) return Json{{"lost", one_line(done.error().message)}};
    std::this_thread::sleep_for(kBetweenTries);
  }
}

Result<Json> run_verb(const std::string& verb, const Json& args, const Progress& progress) {
  const Cluster cluster = TRY(cluster_of(args));
  const Ask ask = by_process();
  if (verb == "save") {
    TRY_VOID(still_leads_there(ask, args));
    return save_objects(ask, cluster, args);
  }
  if (verb == "undo") {
    const std::vector<WorkloadName> names = TRY(workloads_of(args));
    const Identities to = TRY(identities_from_json(get(args, "to")));
    for (const WorkloadName& name : names)
      if (to.count(name.str()) == 0) return Error{Code::kInvalid, "what " + name.str() + " shall be is missing", ""};
    const Json objects = TRY(objects_for(args));
    return until_it_answers(wait_of(args), progress,
                            [&] { return undo_once(ask, args, names, to, objects, progress); });
  }
  if (verb == "helm-rollback") {
    const Helm helm = TRY(helm_of(args));
    if (helm.release.empty() || get_int(args, "to_revision") <= 0)
      return Error{Code::kInvalid, "'helm' or 'to_revision' is missing", ""};
    const Millis wait = wait_of(args);
    const Ask helm_ask = by_process(wait + Millis(60'000));
    const Json objects = TRY(objects_for(args));
    const std::vector<WorkloadName> names = TRY(workloads_of(args));
    return until_it_answers(wait, progress, [&]() -> Result<Json> {
      TRY_VOID(still_leads_there(ask, args));
      Json done = TRY(helm_once(
          helm_ask, helm, cluster, args, wait, [&] { return put_back(ask, cluster, objects); }, progress));
      TRY_VOID(restart_older(ask, cluster, names, objects, Json::object(), progress));
      return done;
    });
  }
  return Error{Code::kInvalid, "unknown verb '" + one_line(verb) + "'", ""};
}

}  // namespace

int run_kubernetes_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  return driver::run_tool(args, in, out, err, &run_verb);
}

}  // namespace backout::drivers::kubernetes
