// Containers, clusters, clouds and the rest, by the words of one command.
#include <algorithm>

#include "base/text.h"
#include "import/known.h"

namespace backout::import {
namespace {

using Words = std::vector<std::string>;

Meaning step(To to, std::optional<Phase> phase, bool looks = false) {
  Meaning meaning;
  meaning.to = to;
  meaning.phase = phase;
  meaning.looks = looks;
  return meaning;
}

bool one_of(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The first word that is no option and no value of one.
std::string verb_of(const Words& words, size_t from, std::initializer_list<std::string_view> with_value) {
  for (size_t at = from; at < words.size(); ++at) {
    if (one_of(words[at], with_value)) {
      ++at;
      continue;
    }
    if (!words[at].starts_with('-')) return words[at];
  }
  return "";
}

std::string last_word(const Words& words) { return words.empty() ? "" : words.back(); }

Meaning of_compose(const Words& words, size_t from) {
  const std::string verb = verb_of(words, from, {"-f", "--file", "-p", "--project-name", "--env-file", "--profile"});
  if (one_of(verb, {"stop", "down", "pause", "kill", "rm"})) return step(To::kCommands, Phase::kClose);
  if (one_of(verb, {"pull", "build"})) return step(To::kCommands, Phase::kPrepare);
  if (one_of(verb, {"up", "start", "restart", "unpause"})) return step(To::kCommands, Phase::kStart);
  if (one_of(verb, {"ps", "logs", "images", "top"})) return step(To::kChecks, Phase::kCheck, true);
  return step(To::kCommands, std::nullopt);
}

Meaning of_docker(const Words& words) {
  const std::string verb = verb_of(words, 1, {"-H", "--host", "--context"});
  if (verb == "compose") return of_compose(words, 2);
  if (one_of(verb, {"stop", "rm", "kill"})) return step(To::kCommands, Phase::kClose);
  if (one_of(verb, {"pull", "load", "login", "build"})) return step(To::kCommands, Phase::kPrepare);
  if (one_of(verb, {"images", "inspect", "history", "image", "manifest", "search"}))
    return step(To::kVersion, Phase::kPrepare, true);
  if (one_of(verb, {"ps", "logs", "stats", "top"})) return step(To::kChecks, Phase::kCheck, true);
  if (one_of(verb, {"start", "run", "restart"})) return step(To::kCommands, Phase::kStart);
  return step(To::kCommands, Phase::kSwitch);
}

Meaning of_kubectl(const Words& words) {
  const std::string verb = verb_of(words, 1, {"-n", "--namespace", "--context", "--kubeconfig"});
  const auto says = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (verb == "rollout" && says("history")) return step(To::kVersion, Phase::kPrepare, true);
  if (verb == "rollout" && says("status")) return step(To::kChecks, Phase::kCheck, true);
  if (one_of(verb, {"logs", "top", "wait", "events"})) return step(To::kChecks, Phase::kCheck, true);
  if (one_of(verb, {"get", "describe", "config", "version", "cluster-info", "diff", "explain", "auth"}))
    return step(To::kVersion, std::nullopt, true);  // before the switch or after it: the section says
  if (verb == "scale" && says("--replicas=0")) return step(To::kCommands, Phase::kClose);
  if (verb == "scale") return step(To::kCommands, Phase::kStart);
  return step(To::kCommands, Phase::kSwitch);
}

}  // namespace

std::optional<Meaning> meaning_of_platform(const std::vector<std::string>& words) {
  const size_t slash = words.front().rfind('/');
  const std::string program = slash == std::string::npos ? words.front() : words.front().substr(slash + 1);
  const std::string second = words.size() > 1 ? words[1] : "";
  if (program == "docker-compose") return of_compose(words, 1);
  if (program == "docker" || program == "podman") return of_docker(words);
  if (program == "kubectl" || program == "oc") return of_kubectl(words);
  if (program == "helm") {
    if (one_of(second, {"history", "list", "ls", "get"})) return step(To::kVersion, Phase::kPrepare, true);
    if (second == "status") return step(To::kChecks, Phase::kCheck, true);
    return step(To::kCommands, Phase::kSwitch);
  }
  if (program == "nginx" || program == "apachectl") return step(To::kCommands, Phase::kSwitch);
  if (program == "ssh") return step(To::kHosts, Phase::kPrepare);
  if (one_of(program, {"vim", "vi", "nano", "code", "emacs"})) return step(To::kHand, std::nullopt);
  if (one_of(program, {"ps", "netstat", "ss", "lsof", "uptime", "top", "htop", "free"}))
    return step(To::kChecks, Phase::kCheck, true);
  if (program.find("maintenance") != std::string::npos) return step(To::kDoor, std::nullopt);
  if (program == "php" && one_of(last_word(words), {"down", "up"})) {
    Meaning door = step(To::kDoor, last_word(words) == "down" ? Phase::kClose : Phase::kOpen);
    return door;
  }
  if (one_of(program, {"aws", "gcloud", "az", "gh", "fly", "flyctl", "heroku", "vercel", "netlify", "argocd",
                       "istioctl", "terraform", "railway", "eb"})) {
    for (const std::string& word : words)
      for (const char* look : {"describe", "list", "get-", "show", "status", "history", "releases", "ls", "plan"})
        if (word == look || word.starts_with(std::string(look) + "-") ||
            (std::string_view(look) == "get-" && word.starts_with(look)))
          return step(To::kVersion, std::nullopt, true);
    return step(To::kCommands, Phase::kSwitch);
  }
  return std::nullopt;
}

}  // namespace backout::import
