// What tools answer the drivers, through their readers. Each returns when it has read it; a broken promise traps.
#pragma once
#include <string>
#include <string_view>

#include "base/text.h"
#include "drivers/auto_deploy/deployer.h"
#include "drivers/code/coolify_answers.h"
#include "drivers/code/recap.h"
#include "drivers/compose/project.h"
#include "drivers/kubernetes/helm.h"
#include "drivers/kubernetes/workload.h"
#include "drivers/services/pm2_state.h"
#include "drivers/services/supervisor_state.h"
#include "drivers/traffic/alb_actions.h"
#include "drivers/traffic/haproxy_answers.h"
#include "drivers/traffic/istio.h"
#include "drivers/traffic/upstream_block.h"

namespace backout::drivers {

inline void must_be_so(bool promise) {
  if (!promise) __builtin_trap();
}
inline void must_tell(const Error& error) { must_be_so(!error.message.empty() && !one_line(error.message).empty()); }
/// Harmless on a terminal and in a record.
inline void must_be_tame(const std::string& text) { must_be_so(one_line(text) == text); }

inline const Pools& two_fuzzed_pools() {
  static const Pools pools =
      *pools_from({{"pools",
                    {{"blue", {{"urls", {"http://h:1"}}, {"servers", {"h:1"}}, {"target_group", "arn:aws:b"}}},
                     {"green", {{"urls", {"http://h:2"}}, {"servers", {"h:2"}}, {"target_group", "arn:aws:g"}}}}}});
  return pools;
}
inline void must_divide(const Numbers& numbers) {
  std::map<std::string, double> shares;
  for (const auto& [pool, number] : numbers) {
    must_be_so(number >= 0 && number <= 1'000'000);
    shares[pool] = number;
  }
  int all = 0;
  for (const auto& [pool, percent] : in_percent(shares)) {
    must_be_so(percent >= 0 && percent <= 100);
    all += percent;
  }
  must_be_so(all == 0 || all == 100);
}

/// The answers to `show servers state` and `show stat`, with a line of "--" between.
inline void fuzz_haproxy(std::string_view text) {
  const size_t between = text.find("\n--\n");
  const std::string_view state = text.substr(0, between == std::string_view::npos ? between : between + 1);
  const std::string_view stat = between == std::string_view::npos ? "" : text.substr(between + 4);
  (void)haproxy_level(text);
  const auto servers = haproxy_servers(state, stat);
  if (!servers) return must_tell(servers.error());
  must_be_so(state.ends_with("\n\n"));
  std::set<std::string> names;
  for (const HaproxyServer& each : *servers) {
    must_be_so(!each.name.empty() && names.insert(each.name).second);
    must_be_so(each.weight >= 0 && each.weight <= 256 && each.weight_of_the_file >= 0);
    must_be_so(each.state == "ready" || each.state == "drain" || each.state == "maint");
  }
  for (const std::string& name : kept_out(*servers)) must_be_so(names.contains(name));
}

inline void fuzz_upstream(std::string_view text) {
  const auto weights = upstream_weights(text, two_fuzzed_pools());
  if (!weights) return must_tell(weights.error());
  must_divide({weights->begin(), weights->end()});
  (void)nginx_dump(text);
}

inline void fuzz_alb(std::string_view text) {
  for (const auto& said : {alb_unhealthy(text), alb_principal(text), alb_denied(text)})
    if (!said) must_tell(said.error());
  must_tell(aws_error(255, text));
  const auto actions = alb_actions(text);
  if (!actions) return must_tell(actions.error());
  (void)alb_stickiness(*actions);
  const auto changed = alb_actions_with(*actions, two_fuzzed_pools(), {{"blue", 100}, {"green", 0}});
  const auto numbers = alb_numbers(*actions, two_fuzzed_pools());
  must_be_so(numbers.has_value() == changed.has_value());
  if (!numbers) return must_tell(numbers.error());
  must_divide(*numbers);
  must_be_so(alb_numbers(*changed, two_fuzzed_pools()).value() == (Numbers{{"blue", 100}, {"green", 0}}));
}

inline void fuzz_istio(std::string_view text) {
  const auto object = parse_json(text);
  if (!object) return must_tell(object.error());
  for (const char* name : {"", "web"}) {
    const auto route = istio_route(*object, two_fuzzed_pools(), name);
    if (!route) {
      must_tell(route.error());
      continue;
    }
    must_be_so(route->places.size() == 2 && route->numbers.size() == 2 && !route->resource_version.empty());
    must_divide(route->numbers);
    must_be_so(!canonical(istio_patch(*route, route->numbers)).empty());
  }
}

/// The workload and what it owns: {"object": ..., "owned": ...}.
inline void fuzz_workload(std::string_view text) {
  using namespace kubernetes;
  (void)trouble_of(text, Cluster{});
  const auto both = parse_json(text);
  if (!both) return must_tell(both.error());
  for (const char* kind : {"deployment", "statefulset", "daemonset"}) {
    const auto workload = parse_workload({kind, "web"}, get(*both, "object"), get(*both, "owned"));
    if (!workload) {
      must_tell(workload.error());
      continue;
    }
    const Identity identity = identity_of(*workload);
    must_be_so(!canonical(to_json(identity)).empty());
    const Lack lack = lack_of(*workload);
    must_be_so(identity.whole == lack.why.empty());
    // At its end is what has as many ready pods as are wanted, and no other.
    int64_t ready = 0;
    for (const Pod& pod : workload->pods) {
      must_be_so(!lack.why.empty() || pod.hash == workload->hash);
      if (pod.ready && !pod.going && pod.hash == workload->hash) ++ready;
    }
    must_be_so(workload->replicas >= 0 && (!lack.why.empty() || ready >= workload->replicas));
    (void)lack_of(*workload, identity);
    (void)lack_of_release(*workload, &identity, "v1");
    (void)identity_by_tag(*workload, "v1");
    if (identity.hash.empty()) continue;
    const auto again = identity_from_json(to_json(identity));
    must_be_so(again.has_value() && again->hash == identity.hash);
  }
}

inline void fuzz_helm(std::string_view text) {
  using namespace kubernetes;
  must_tell(helm_trouble_of(text, Helm{"shop", "helm"}, Cluster{}));
  if (const auto begun = begun_from(std::string(text)))
    must_be_so(begun_from(to_text(*begun)).value().size() == begun->size());
  const auto history = parse_history(std::string(text));
  if (!history) return must_tell(history.error());
  const Json newest = newest_in(*history, wall_from_millis(1'800'000'000'000));
  must_be_so(history->empty() == newest.is_null());
  must_be_tame(at_work_in(newest));
  for (const HelmRevision& each : *history) {
    must_be_so(each.number > 0 && !each.status.empty());
    const int64_t origin = origin_of(*history, each.number);
    must_be_so(origin > 0 && origin <= each.number);
    const std::string lack = lack_in(*history, each.number);
    must_be_so(!lack.empty() || history->back().status == "deployed");
    must_be_tame(lack);
    must_be_tame(by_others_in(*history, newest, {{1, 1}}));
  }
}

inline void fuzz_coolify(std::string_view text) {
  using namespace coolify;
  must_be_tame(message_in(text));
  for (const std::string& each : reported_in(text, std::string(text.substr(0, 64)))) must_be_tame(each);
  if (const auto begun = begun_in(text, "app-1"))
    must_be_so(!begun->uuid.empty());
  else
    must_tell(begun.error());
  if (const auto application = application_in(text))
    must_be_so(!canonical(to_json(*application)).empty() && !application->sha.empty());
  else
    must_tell(application.error());
  if (const auto one = deployment_in(text)) must_be_so(!one->uuid.empty() && !one->status.empty());
  const auto list = deployments_in(text);
  if (!list) return must_tell(list.error());
  for (const Deployment& each : *list) {
    must_be_so(!each.uuid.empty() && !each.status.empty());
    must_be_tame(each.status);
  }
}

/// A line of `docker inspect` each.
inline void fuzz_compose(std::string_view text) {
  using namespace compose;
  std::vector<Container> containers;
  for (const std::string& line : split(text, '\n')) {
    const auto container = container_from(line);
    if (!container) {
      must_tell(container.error());
      continue;
    }
    must_be_tame(container->service + container->ref + container->state + container->health);
    must_be_so(!container->running() || container->started > WallTime{});
    must_be_so(!ended_well(*container) || container->exit == 0);
    (void)holds_database(*container, "shop", "host=db port=5432");
    containers.push_back(*container);
  }
  std::vector<Image> images = images_of(containers, {});
  for (Image& each : images) each.fate.clear();
  must_be_so(images_argument({{"images", to_json(images)}}, "images").has_value() ||
             !canonical(to_json(images)).empty());
  const Fault fault = fault_of(containers, {.images = images, .gone = {}, .tags = {}, .now = system_clock().wall()});
  for (const Container& each : containers)
    if (!each.oneoff && each.health == "unhealthy" && each.running() && !images.empty()) must_be_so(!fault.why.empty());
  (void)proof_of(containers, images, {}, Given{});
  (void)unproven(containers, images);
}

inline void fuzz_recap(std::string_view text) {
  const Recap recap = ansible_recap(text);
  const RecapHosts hosts = hosts_of(recap, {"web-1", "web-2"});
  must_be_so(hosts.through.size() + hosts.failed.size() == recap.size());
  must_be_so(hosts.failed.empty() == fault_of(recap).empty());
  const std::string told = told_apart(recap, {"web-1", "web-2"});
  // No word about a host that was expected is no success.
  must_be_so(!told.empty() || (recap.contains("web-1") && recap.contains("web-2") && hosts.failed.empty()));
  for (const auto& [host, counts] : recap) {
    must_be_tame(host);
    must_be_so(counts.contains("unreadable") ||
               (counts.contains("ok") && counts.contains("failed") && counts.contains("unreachable")));
  }
}

/// What looks at things that deploy by themselves print.
inline void fuzz_deployers(std::string_view text) {
  for (const auto& [kind, engine] : {std::pair{"argocd", ""},
                                     {"flux", ""},
                                     {"container", "docker"},
                                     {"container", "podman"},
                                     {"cron", ""},
                                     {"timer", ""}}) {
    const Deployer deployer{"watcher", kind, {{"object", "shop"}, {"engine", engine}}};
    if (const auto state = state_in(deployer, {.exit_status = 0, .out = std::string(text)})) {
      must_be_so(state->there || !state->paused);
      (void)goes_on_as(deployer, *state, state->was);
      must_be_so(!canonical(state->was).empty());
    } else {
      must_tell(state.error());
    }
    if (text.size() > 100'000) continue;
    const auto failed = state_in(deployer, {.exit_status = 1, .out = std::string(text), .err = std::string(text)});
    must_be_so(!failed || !failed->paused);
  }
  if (const auto place = place_in({"watcher", "flux", {}}, {.exit_status = 0, .out = std::string(text)}))
    must_be_tame(get_string(*place, "server"));
}

inline void fuzz_keepers(std::string_view text) {
  if (const auto apps = parse_pm2_list(text, "web"))
    must_be_so(apps->instances.size() < 10'000);
  else
    must_tell(apps.error());
  if (const auto shown = parse_supervisor_status(text, SupervisorProgram{"web"}); !shown) must_tell(shown.error());
  must_be_so(supervisor_restarts(text, "web", "2026-11-21 14:50:57,442", Millis(60'000), "") >= 0);
}

}  // namespace backout::drivers
