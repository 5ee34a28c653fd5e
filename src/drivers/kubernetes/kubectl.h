// kubectl: how it is called, and what its words mean. Pure but for the asking itself.
//
// Arguments of every verb and look (also the driver's subject): {namespace, context?, kubeconfig?, program?, cluster?,
// ...}. `cluster`: {context, server}, where kubectl led when the plan was made; a person may say `kubectl config
// use-context` in between, and then the context is still that one, and what it leads to is looked at before each step.
// Nothing secret is ever an argument: objects travel on standard input.
#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "host/host.h"

namespace backout::drivers::kubernetes {

struct Cluster {
  std::string program = "kubectl", kube_namespace, context, kubeconfig;
};
/// kInvalid on names that cannot be.
Result<Cluster> cluster_of(const Json& args);

struct Answer {
  bool ok = false;
  std::string out, err;
  std::string why;  // when not ok: one line
};
/// Runs a command line and waits for its end. Errors: it could not be run at all.
using Ask = std::function<Result<Answer>(const std::vector<std::string>& argv, const std::string& stdin_text)>;
Ask by_host(host::Host& host, std::stop_token stop);  // for looks
Ask by_process(Millis timeout = Millis(60'000));      // in a tool that runs as an attempt of its own

/// Where kubectl leads: {"context", "server"}, asked of its kubeconfig and not of the cluster. Both empty: it has no
/// context, as in a pod. kInvalid when there is no such context.
Result<Json> place_of(const Ask& ask, const Cluster& cluster);
/// kRefused when kubectl does not lead to args["cluster"] any more; well when that is not said.
Result<void> still_leads_there(const Ask& ask, const Json& args);

/// kubectl with the cluster's options, then `words`. Every request has a time limit of its own.
std::vector<std::string> kubectl_words(const Cluster& cluster, std::vector<std::string> words);
/// The same line as a person would type it.
std::string as_typed(const Cluster& cluster, const std::string& words);

/// What kubectl's standard error means, and what to do next. Pure; tests/golden/kubernetes has what the real one says.
///   kUnavailable  the API server did not answer, or answered 5xx: nothing is known
///   kDenied       Forbidden, Unauthorized
///   kNotFound     the object, or the revision, is not there
///   kRefused      paused
///   kConflict     a test-and-set found something else
///   kInvalid      no such context, an object that the server does not accept
///   kInternal     anything else
Error trouble_of(std::string_view err, const Cluster& cluster);

/// Asks and parses one JSON document. Errors as trouble_of; kCorrupt when the answer is cut off.
Result<Json> ask_json(const Ask& ask, const Cluster& cluster, std::vector<std::string> words);

}  // namespace backout::drivers::kubernetes
