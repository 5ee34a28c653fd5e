#include "drivers/kubernetes/helm.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "drivers/command/arguments.h"
#include "model/log_lines.h"

namespace backout::drivers::kubernetes {
namespace {

constexpr std::string_view kRollbackTo = "Rollback to ";
constexpr std::string_view kRollbackFailed = "Rollback \"";  // Rollback "shop" failed: ...
constexpr Millis kMayWork{600'000};                          // twice helm's --timeout, where nobody says another

const HelmRevision* with_number(const std::vector<HelmRevision>& history, int64_t number) {
  for (const HelmRevision& each : history)
    if (each.number == number) return &each;
  return nullptr;
}

}  // namespace

Result<Helm> helm_of(const Json& args) {
  Helm helm;
  helm.release = TRY(optional_text_argument(args, "helm"));
  if (!helm.release.empty() &&
      (helm.release.front() == '-' || helm.release.size() > 53 ||
       helm.release.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string::npos))
    return Error{Code::kInvalid, "'" + shortened(one_line(helm.release), 60) + "' cannot be a Helm release",
                 "mend code.kubernetes.helm"};
  if (const std::string program = TRY(optional_text_argument(args, "helm_program")); !program.empty())
    helm.program = program;
  return helm;
}

Result<std::vector<HelmRevision>> parse_history(const std::string& text) {
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_array()) return Error{Code::kCorrupt, "helm's history is no JSON list", ""};
  std::vector<HelmRevision> history;
  for (const Json& each : *parsed) {
    HelmRevision revision{.number = get_int(each, "revision"), .status = one_line(get_string(each, "status"))};
    revision.chart = one_line(get_string(each, "chart"));
    revision.app_version = one_line(get_string(each, "app_version"));
    revision.description = one_line(get_string(each, "description"));
    revision.updated = time_of(get_string(each, "updated"), 0);
    if (revision.number <= 0 || revision.status.empty())
      return Error{Code::kCorrupt, "helm's history has a revision without number or status", ""};
    history.push_back(std::move(revision));
  }
  std::stable_sort(history.begin(), history.end(),
                   [](const HelmRevision& a, const HelmRevision& b) { return a.number < b.number; });
  return history;
}

const HelmRevision* deployed_in(const std::vector<HelmRevision>& history) {
  const HelmRevision* found = nullptr;
  for (const HelmRevision& each : history)
    if (each.status == "deployed") found = &each;
  return found;
}

int64_t origin_of(const std::vector<HelmRevision>& history, int64_t number) {
  for (size_t hops = 0; hops <= history.size(); ++hops) {
    const HelmRevision* revision = with_number(history, number);
    if (revision == nullptr || !revision->description.starts_with(kRollbackTo)) return number;
    int64_t before = 0;
    for (const char c : revision->description.substr(kRollbackTo.size())) {
      if (c < '0' || c > '9' || before > 1'000'000'000) return number;
      before = before * 10 + (c - '0');
    }
    if (before <= 0 || before >= number) return number;
    number = before;
  }
  return number;
}

std::string lack_in(const std::vector<HelmRevision>& history, int64_t number) {
  const HelmRevision* deployed = deployed_in(history);
  if (history.empty() || deployed == nullptr) return "no revision is deployed";
  const HelmRevision& newest = history.back();
  if (newest.number != deployed->number)
    return fmt::format("revision {} is {}: {}", newest.number, newest.status, shortened(newest.description, 160));
  if (origin_of(history, deployed->number) != origin_of(history, number))
    return fmt::format("revision {} ({}) is deployed, which is not that of revision {}", deployed->number,
                       deployed->description, number);
  return "";
}

Json newest_in(const std::vector<HelmRevision>& history, WallTime now) {
  if (history.empty()) return {};
  const HelmRevision& newest = history.back();
  Json seen = {{"revision", newest.number}, {"status", newest.status}};
  if (!newest.pending()) return seen;
  seen["pending"] = true;
  seen["words"] =
      fmt::format("revision {} is {} ({}){}", newest.number, newest.status, shortened(newest.description, 80),
                  newest.updated ? " since " + to_iso(*newest.updated).substr(0, 19) + "Z" : "");
  if (newest.updated) seen["age_ms"] = std::chrono::duration_cast<Millis>(now - *newest.updated).count();
  return seen;
}

std::string at_work_in(const Json& newest) {
  if (!get_bool(newest, "pending") || get_int(newest, "age_ms", 0) > kMayWork.count()) return "";
  return get_string(newest, "words");
}

Result<std::vector<Begun>> begun_from(const std::string& text) {
  std::vector<Begun> begun;
  const auto parsed = parse_json(text);
  for (const Json& each : parsed && parsed->is_array() ? *parsed : Json::array())
    begun.push_back({get_int(each, "newest"), get_int(each, "to")});
  if (!parsed || !parsed->is_array() ||
      std::any_of(begun.begin(), begun.end(), [](const Begun& each) { return each.newest <= 0 || each.to <= 0; }))
    return Error{Code::kCorrupt, "what is kept of helms that were begun cannot be read", ""};
  return begun;
}

std::string to_text(const std::vector<Begun>& begun) {
  Json list = Json::array();
  for (const Begun& each : begun) list.push_back({{"newest", each.newest}, {"to", each.to}});
  return list.dump();
}

std::string by_others_in(const std::vector<HelmRevision>& history, const Json& planned,
                         const std::vector<Begun>& begun) {
  const int64_t known = get_int(planned, "revision");
  if (!planned.is_object()) return "";
  for (const HelmRevision& each : history) {
    const std::string words =
        fmt::format("revision {} ({}: {})", each.number, each.status, shortened(each.description, 120));
    if (each.number == known && history.back().number == known && each.status != get_string(planned, "status"))
      return words;
    if (each.number <= known) continue;
    const bool is_ours = std::any_of(begun.begin(), begun.end(), [&](const Begun& ours) {
      return each.number == ours.newest + 1 && (each.description == fmt::format("{}{}", kRollbackTo, ours.to) ||
                                                each.description.starts_with(kRollbackFailed));
    });
    if (!is_ours) return words;
  }
  if (with_number(history, known) == nullptr) return fmt::format("revision {} is gone", known);
  return "";
}

Error helm_trouble_of(std::string_view err, const Helm& helm, const Cluster& cluster) {
  std::string said;
  for (const std::string& line : split(err, '\n'))
    if (const std::string words = one_line(trimmed(line)); !words.empty() && !words.starts_with("WARNING:"))
      said = words;
  said = shortened(said, 300);
  const auto has = [&](std::string_view words) { return err.find(words) != std::string_view::npos; };
  const std::string look = fmt::format("look: helm history {} -n {}", helm.release, cluster.kube_namespace);
  if (has("another operation (install/upgrade/rollback) is in progress"))
    return {Code::kRefused, said, helm_way_out(helm, cluster.kube_namespace)};
  if (has("release: not found") || has("has no ")) return {Code::kNotFound, said, look};
  if (has("Kubernetes cluster unreachable") || has("cluster unreachable"))
    return {Code::kUnavailable, "the API server does not answer: " + said,
            "look at the cluster: " + as_typed(cluster, "get pods")};
  if (has("is forbidden")) return {Code::kDenied, said, "see what you may: " + as_typed(cluster, "auth can-i --list")};
  if (has("timed out waiting for the condition") || has("context deadline exceeded"))
    return {Code::kTimedOut, said, "look: " + as_typed(cluster, "get pods")};
  return {Code::kInternal, said.empty() ? "helm failed and said nothing" : said, look};
}

std::string helm_way_out(const Helm& helm, const std::string& kube_namespace) {
  return fmt::format(
      "wait for it; if nobody is at work any more: helm history {0} -n {1}, then delete the Secret "
      "sh.helm.release.v1.{0}.vN of the pending revision N",
      helm.release, kube_namespace);
}

std::vector<std::string> helm_words(const Helm& helm, const Cluster& cluster, std::vector<std::string> words) {
  std::vector<std::string> all = {helm.program};
  all.insert(all.end(), words.begin(), words.end());
  all.push_back("--namespace=" + cluster.kube_namespace);
  if (!cluster.kubeconfig.empty()) all.push_back("--kubeconfig=" + cluster.kubeconfig);
  if (!cluster.context.empty()) all.push_back("--kube-context=" + cluster.context);
  return all;
}

Result<std::vector<HelmRevision>> helm_history(const Ask& ask, const Helm& helm, const Cluster& cluster) {
  const Answer answer =
      TRY(ask(helm_words(helm, cluster, {"history", helm.release, "--max=256", "--output=json"}), ""));
  if (!answer.ok) return helm_trouble_of(answer.err.empty() ? answer.why : answer.err, helm, cluster);
  return parse_history(answer.out);
}

}  // namespace backout::drivers::kubernetes
