// Leftovers: jobs, sessions, caches.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/text.h"
#include "config/read.h"
#include "config/shape.h"
#include "config/taken_names.h"

namespace backout::config {
namespace {

void read_redis(const Reading& reading, const Node& node, LeftoverConfig& leftover) {
  require(reading, node, "leftovers[redis]", "keys");
  const std::string url = text_at(node, "redis");
  leftover.name = text_at(node, "name", text_at(node, "keys"));
  leftover.args = {{"kind", "redis"}, {"url", url}, {"keys", text_at(node, "keys")}};
  if (const std::string place = text_at(node, "password"); !place.empty())
    leftover.args["secrets"] = {{"REDISCLI_AUTH", place}};
  if (!url.starts_with("redis://") && !url.starts_with("rediss://"))
    reading.findings.error(node.place, "leftovers.redis: expected a URL that begins with redis:// or rediss://",
                           "for example: redis: \"redis://127.0.0.1:6379/0\"");
  const size_t at = url.find('@'), colon = url.find(':', url.find("://") + 3);
  if (at != std::string::npos && colon < at)
    reading.findings.error(node.place, "leftovers.redis: the URL holds a password, and it would be in every plan",
                           "write where it is: password: $NAME, or a file");
}

/// The user's own commands; `act` is what the rule says, `otherwise_act` what is done after a drain in vain.
void read_run(const Reading& reading, const Node& node, LeftoverConfig& leftover) {
  leftover.name = text_at(node, "name", "leftover");
  leftover.args = {{"kind", "run"}};
  const Node* run = node.find("run");
  if (run == nullptr || !run->is_map()) return;
  require(reading, *run, "leftovers[run].run", "count");
  // Not in the release: the one that is left goes away, and what its parking did may have to be undone without it.
  const CommandDefaults defaults{.cwd = beside_the_file(reading.site), .relative_to = reading.site.directory};
  const auto take = [&](std::string_view key, const char* as) {
    if (const Node* said = run->find(key)) leftover.args[as] = to_json(command_of(*said, defaults));
  };
  take("count", "count");
  take("undo", "undo");
  const std::string otherwise = text_at(node, "otherwise", "leave");
  leftover.args["otherwise"] = otherwise;
  const bool drains = leftover.rule == "drain";
  const std::string& rule = drains ? otherwise : leftover.rule;
  if (rule != "park" && rule != "flush") return;
  take(rule, drains ? "otherwise_act" : "act");
  if (run->find(rule) == nullptr)
    reading.findings.error(node.place, fmt::format("leftovers: '{}' has no command for {}", leftover.name, rule),
                           fmt::format("for example: run: {{count: ./queue-length, {}: ./queue-{}}}", rule, rule));
}

}  // namespace

void read_leftovers(const Reading& reading) {
  TakenNames taken(reading.findings, "leftovers");
  for (const Node& node : items_at(reading.root, "leftovers")) {
    const std::string_view form = form_of("leftovers[]", node);
    if (form.empty()) continue;
    require(reading, node, fmt::format("leftovers[{}]", form), "rule");
    LeftoverConfig leftover{.rule = text_at(node, "rule"), .before = text_at(node, "before")};
    if (form == "redis") {
      read_redis(reading, node, leftover);
    } else if (form == "run") {
      read_run(reading, node, leftover);
    } else {
      const std::string path = path_at(reading, node, "directory");
      leftover.name = text_at(node, "name", std::filesystem::path(path).filename().string());
      leftover.args = {{"kind", "directory"}, {"path", path}};
    }
    if (leftover.rule == "drain") {
      leftover.args["within_ms"] = span_at(node, "within", Millis(30'000)).count();
      if (form != "run") leftover.args["otherwise"] = text_at(node, "otherwise", "park");
    } else if (node.entry("within") != nullptr || node.entry("otherwise") != nullptr || !leftover.before.empty()) {
      reading.findings.error(node.place, "leftovers: within, otherwise and before go with rule: drain");
    }
    const auto& services = reading.site.services;
    if (!leftover.before.empty() && std::none_of(services.begin(), services.end(), [&](const ServiceConfig& service) {
          return service.name == leftover.before;
        }))
      reading.findings.error(node.place, fmt::format("leftovers: '{}' is no service", shortened(leftover.before, 60)));
    leftover.hosts = hosts_at(reading, node);
    taken.take(leftover.name, node.place, "give one of them another name: {name: ...}");
    reading.site.leftovers.push_back(std::move(leftover));
  }
}

}  // namespace backout::config
