#include "drivers/kubernetes/kubectl.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "drivers/command/arguments.h"
#include "os/process.h"

namespace backout::drivers::kubernetes {
namespace {

constexpr size_t kMostAnswer = 32U << 20;  // every pod of a large workload

bool has(std::string_view text, std::string_view what) { return text.find(what) != std::string_view::npos; }

bool is_object_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '-' && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string_view::npos;
}

/// The last line that says something: klog's lines come before it, one for each try.
std::string last_words(std::string_view err) {
  std::string last;
  for (const std::string& line : split(err, '\n')) {
    const std::string words = one_line(trimmed(line));
    if (words.empty() || words.starts_with("Warning:")) continue;
    last = words;
  }
  return last;
}

struct Meaning {
  std::string_view words;
  Code code;
  std::string_view next;  // "{}" is kubectl as it would be typed
};
// In this order: a server that is overloaded says so inside of other errors.
constexpr Meaning kMeanings[] = {
    {"paused deployment", Code::kRefused, "find out who paused it, then: {} rollout resume deployment/NAME"},
    {"unable to find specified revision", Code::kNotFound, "see what there is: {} rollout history"},
    {"no rollout history found", Code::kNotFound, "see what there is: {} rollout history"},
    {"(NotFound)", Code::kNotFound, "see what there is: {} get deployments,statefulsets,daemonsets"},
    {"(Forbidden)", Code::kDenied, "see what you may: {} auth can-i --list"},
    {"(Unauthorized)", Code::kDenied, "log in to the cluster again, then: {} auth can-i --list"},
    {"You must be logged in to the server", Code::kDenied, "log in to the cluster again, then: {} auth can-i --list"},
    {"(Conflict)", Code::kConflict, "somebody else changed it meanwhile; look, then try again"},
    {"the server rejected our request due to an error in our request", Code::kConflict,
     "somebody else changed it meanwhile; look, then try again"},
    {"no context exists with the name", Code::kInvalid, "see which there are: kubectl config get-contexts"},
    {"context was not found", Code::kInvalid, "see which there are: kubectl config get-contexts"},
    {"does not exist", Code::kInvalid, "see which there are: kubectl config get-contexts"},
    {"(Invalid)", Code::kInvalid, "the API server does not accept the object as it is"},
    {"is invalid", Code::kInvalid, "the API server does not accept the object as it is"},
};
constexpr std::string_view kNoAnswer[] = {"connection refused",
                                          "was refused",
                                          "no such host",
                                          "i/o timeout",
                                          "TLS handshake timeout",
                                          "EOF",
                                          "connection reset by peer",
                                          "Unable to connect to the server",
                                          "couldn't get current server API group list",
                                          "context deadline exceeded",
                                          "Client.Timeout exceeded",
                                          "unable to return a response in the time allotted",
                                          "(InternalError)",
                                          "(ServiceUnavailable)",
                                          "(Timeout)",
                                          "(ServerTimeout)",
                                          "(TooManyRequests)",
                                          "server is currently unable to handle the request",
                                          "etcdserver:",
                                          "an error on the server",
                                          "no route to host"};

}  // namespace

Result<Cluster> cluster_of(const Json& args) {
  Cluster cluster;
  cluster.kube_namespace = TRY(text_argument(args, "namespace"));
  if (!is_object_name(cluster.kube_namespace))
    return Error{Code::kInvalid, "'" + one_line(cluster.kube_namespace) + "' cannot be a namespace",
                 "mend code.kubernetes.namespace"};
  cluster.context = TRY(optional_text_argument(args, "context"));
  cluster.kubeconfig = TRY(optional_text_argument(args, "kubeconfig"));
  if (const std::string program = TRY(optional_text_argument(args, "program")); !program.empty())
    cluster.program = program;
  if (cluster.context.empty()) cluster.context = get_string(get(args, "cluster"), "context");
  return cluster;
}

Result<Json> place_of(const Ask& ask, const Cluster& cluster) {
  const Answer answer = TRY(ask(kubectl_words(cluster, {"config", "view", "--minify", "-o", "json"}), ""));
  if (!answer.ok && has(answer.err, "current-context must exist")) return Json{{"context", ""}, {"server", ""}};
  if (!answer.ok)
    return Error{Code::kInvalid, "kubectl: " + shortened(answer.err.empty() ? answer.why : last_words(answer.err), 200),
                 "see which contexts there are: kubectl config get-contexts"};
  const auto config = parse_json(answer.out);
  const Json& clusters = config ? get(*config, "clusters") : get({}, "");
  if (!config || !clusters.is_array() || clusters.size() != 1)
    return Error{Code::kCorrupt, "kubectl's answer about its kubeconfig is no JSON object with one cluster", ""};
  return Json{{"context", one_line(get_string(*config, "current-context"))},
              {"server", one_line(get_string(get(clusters[0], "cluster"), "server"))}};
}

Result<void> still_leads_there(const Ask& ask, const Json& args) {
  const Json& planned = get(args, "cluster");
  if (!planned.is_object()) return {};
  const Json now = TRY(place_of(ask, TRY(cluster_of(args))));
  if (now == planned) return {};
  const auto words = [](const Json& place) {
    const std::string context = get_string(place, "context");
    return context.empty() ? std::string("no context")
                           : fmt::format("context {} at {}", context, get_string(place, "server"));
  };
  return Error{Code::kRefused,
               fmt::format("kubectl leads to {} now, and not to {}: nothing is done there", words(now), words(planned)),
               "mend the kubeconfig; or plan anew: backout plan"};
}

std::vector<std::string> kubectl_words(const Cluster& cluster, std::vector<std::string> words) {
  std::vector<std::string> all = {cluster.program};
  if (!cluster.kubeconfig.empty()) all.push_back("--kubeconfig=" + cluster.kubeconfig);
  if (!cluster.context.empty()) all.push_back("--context=" + cluster.context);
  all.push_back("--namespace=" + cluster.kube_namespace);
  all.emplace_back("--request-timeout=20s");
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

std::string as_typed(const Cluster& cluster, const std::string& words) {
  std::string typed = "kubectl";
  if (!cluster.context.empty()) typed += " --context " + cluster.context;
  typed += " -n " + cluster.kube_namespace;
  return words.empty() ? typed : typed + " " + words;
}

Ask by_host(host::Host& host, std::stop_token stop) {
  return [&host, stop](const std::vector<std::string>& argv, const std::string& stdin_text) -> Result<Answer> {
    host::Command command{.argv = argv};
    command.stdin_text = stdin_text;
    command.output_limit = kMostAnswer;
    const host::CommandResult result = TRY(host.run(command, stop));
    if (result.exit_status == 127 || result.exit_status == 126)
      return Error{Code::kNotFound, "there is no " + argv.front() + " here: " + result.why_not_ok(),
                   "install it (Debian has kubectl in kubernetes-client), or say where it is: code.kubernetes.program"};
    return Answer{result.ok() && !result.truncated, result.out, result.err, result.ok() ? "" : result.why_not_ok()};
  };
}

Ask by_process(Millis timeout) {
  return [timeout](const std::vector<std::string>& argv, const std::string& stdin_text) -> Result<Answer> {
    const os::ProcessResult result =
        TRY(os::run_process({.argv = argv, .stdin_text = stdin_text, .timeout = timeout, .output_limit = kMostAnswer}));
    return Answer{result.ok() && !result.truncated, result.out, result.err, result.ok() ? "" : result.why_not_ok()};
  };
}

Error trouble_of(std::string_view err, const Cluster& cluster) {
  const std::string said = shortened(last_words(err), 300);
  for (const std::string_view words : kNoAnswer)
    if (has(err, words) && !has(err, "(NotFound)") && !has(err, "(Forbidden)"))
      return {Code::kUnavailable, "the API server does not answer: " + said,
              "look at the cluster: " + as_typed(cluster, "get pods")};
  for (const Meaning& meaning : kMeanings)
    if (has(err, meaning.words))
      return {meaning.code, said, replaced(std::string(meaning.next), "{}", as_typed(cluster, ""))};
  return {Code::kInternal, said.empty() ? "kubectl failed and said nothing" : said,
          "look: " + as_typed(cluster, "get pods")};
}

Result<Json> ask_json(const Ask& ask, const Cluster& cluster, std::vector<std::string> words) {
  words.insert(words.end(), {"-o", "json"});
  const Answer answer = TRY(ask(kubectl_words(cluster, std::move(words)), ""));
  if (!answer.ok)
    return answer.err.empty() ? Error{Code::kUnavailable, "kubectl: " + answer.why, ""}
                              : trouble_of(answer.err, cluster);
  auto parsed = parse_json(answer.out);
  if (!parsed || !parsed->is_object())
    return Error{Code::kCorrupt, "kubectl's answer is no JSON object", "look: " + as_typed(cluster, "get pods")};
  return std::move(*parsed);
}

}  // namespace backout::drivers::kubernetes
