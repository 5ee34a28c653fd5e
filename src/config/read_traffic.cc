// Traffic: the balancer, and the pools that it divides the requests between.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/read.h"
#include "config/shape.h"

namespace backout::config {
namespace {

constexpr const char* kKinds[] = {"nginx", "haproxy", "alb", "istio"};

/// "127.0.0.1:8001" of "http://127.0.0.1:8001/shop".
std::string host_and_port(const std::string& url) {
  const size_t begin = url.find("://");
  if (begin == std::string::npos) return "";
  const std::string rest = url.substr(begin + 3);
  const std::string host = rest.substr(0, rest.find('/'));
  const bool port = host.find(':', host.starts_with('[') ? host.find(']') : 0) != std::string::npos;
  return port ? host : host + (url.starts_with("https") ? ":443" : ":80");
}

Json read_pool(const Node& node, const std::string& name, const std::string& kind) {
  Json pool = {{"urls", Json::array()}};
  for (const Node& url : items_at(node, "urls")) pool["urls"].push_back(url.text);
  for (const Node& server : items_at(node, "servers")) pool["servers"].push_back(server.text);
  if (!pool.contains("servers") && kind == "nginx")
    for (const Json& url : pool["urls"]) pool["servers"].push_back(host_and_port(url.get<std::string>()));
  if (!pool.contains("servers") && kind == "haproxy") pool["servers"] = {name};
  if (const std::string group = text_at(node, "target_group"); !group.empty()) pool["target_group"] = group;
  if (const std::string subset = text_at(node, "subset"); !subset.empty()) pool["subset"] = subset;
  return pool;
}

Json read_pools(const Reading& reading, const Node& node, const std::string& kind) {
  Json pools = Json::object();
  const Node* given = node.find("pools");
  if (given == nullptr || !given->is_map()) return pools;
  for (const Entry& entry : given->entries) {
    require(reading, entry.value, "traffic.pools.*", "urls");
    if (kind == "alb" && text_at(entry.value, "target_group").empty())
      reading.findings.error(entry.value.place, fmt::format("traffic: pool '{}' has no target_group", entry.key),
                             "for example: target_group: arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/blue/1");
    pools[entry.key] = read_pool(entry.value, entry.key, kind);
  }
  if (pools.size() < 2)
    reading.findings.error(given->place, "traffic: needs two pools at least",
                           "one that runs the release, and one to go back to");
  return pools;
}

/// One as a text, several as a list, whichever way they are written.
Json one_or_list(const Reading& reading, const Entry& said) {
  if (said.value.is_text()) return said.value.text;
  Json list = Json::array();
  for (const Node& item : said.value.items) {
    if (std::find(list.begin(), list.end(), Json(item.text)) != list.end())
      reading.findings.error(item.place, fmt::format("traffic: '{}' is here twice", item.text));
    list.push_back(item.text);
  }
  return list.size() == 1 ? list[0] : list;
}

void read_kind(const Reading& reading, const Node& node, const std::string& kind, Json& args) {
  if (!node.is_map()) return;
  const std::string path = "traffic." + kind;
  const auto put = [&](const char* key, std::string text) {
    if (!text.empty()) args[key] = std::move(text);
  };
  if (kind == "nginx") {
    require(reading, node, path, "include");
    if (const Entry* said = node.entry("include")) {
      Json files = one_or_list(reading, *said);
      if (files.is_string()) files = absolute(reading.site.directory, files.get<std::string>());
      for (Json& file : files)
        if (files.is_array()) file = absolute(reading.site.directory, file.get<std::string>());
      args["include"] = std::move(files);
    }
    for (const Node& place : items_at(node, "leave")) args["leave"].push_back(place.text);
    const auto argv = [&](const char* key, std::vector<std::string> otherwise) {
      const Node* said = node.find(key);
      args[key] = said == nullptr ? otherwise : command_of(*said, {}).argv;
    };
    argv("test", {"nginx", "-t"});
    argv("reload", {"nginx", "-s", "reload"});
    argv("dump", {"nginx", "-T"});
  } else if (kind == "haproxy") {
    if (require(reading, node, path, "socket")) put("socket", text_at(node, "socket"));
    if (require(reading, node, path, "backend")) args["backend"] = one_or_list(reading, *node.entry("backend"));
    for (const Node& backend : items_at(node, "leave")) args["leave"].push_back(backend.text);
    const std::string socket = text_at(node, "socket");
    if (!socket.empty() && !socket.starts_with('/') && socket.find(':') == std::string::npos)
      args["socket"] = absolute(reading.site.directory, socket);
    args["out"] = text_at(node, "out", "maint");
    put("state_file", path_at(reading, node, "state_file"));
  } else if (kind == "istio") {
    for (const char* key : {"namespace", "virtual_service"})
      if (require(reading, node, path, key)) put(key, text_at(node, key));
    for (const char* key : {"route", "context", "program"}) put(key, text_at(node, key));
    put("kubeconfig", path_at(reading, node, "kubeconfig"));
  } else if (kind == "alb") {
    for (const char* key : {"listener", "rule", "region", "endpoint"}) put(key, text_at(node, key));
    args["program"] = text_at(node, "program", "aws");
    if (args.contains("listener") == args.contains("rule"))
      reading.findings.error(node.place, "traffic: exactly one of listener, rule",
                             "for example: listener: arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/shop/1/2");
  }
}

void read_steps(const Reading& reading, const Node& node, Json& args) {
  int before = 0;
  for (const Node& step : items_at(node, "steps")) {
    const int percent = std::atoi(step.text.c_str());
    if (percent <= before)
      reading.findings.error(step.place, "traffic: steps must grow", "for example: steps: [10, 50, 100]");
    before = percent;
    args["steps"].push_back(percent);
  }
  if (args.contains("steps")) args["hold_ms"] = span_at(node, "hold", Millis(30'000)).count();
}

}  // namespace

void read_traffic(const Reading& reading) {
  const Node* node = reading.root.find("traffic");
  if (node == nullptr || !node->is_map()) return;
  TrafficConfig traffic;
  std::vector<std::string> kinds(std::begin(kKinds), std::end(kKinds)), said;
  for (const std::string& kind : kinds)
    if (node->find(kind) != nullptr) said.push_back(kind);
  if (said.size() != 1)
    reading.findings.error(node->place, "traffic: exactly one of " + join(kinds, ", "),
                           "for example: nginx: {include: /etc/nginx/shop-pool.conf}");
  if (!said.empty()) {
    traffic.kind = said.front();
    read_kind(reading, *node->find(traffic.kind), traffic.kind, traffic.args);
  }
  require(reading, *node, "traffic", "pools");
  traffic.args["pools"] = read_pools(reading, *node, traffic.kind);
  traffic.args["version"] = text_at(*node, "version", "/version");
  for (const char* key : {"version_header", "health"})
    if (const std::string text = text_at(*node, key); !text.empty()) traffic.args[key] = text;
  for (const char* key : {"version", "health"})
    if (const Node* path = node->find(key); path != nullptr && path->is_text() && !path->text.starts_with('/'))
      reading.findings.error(path->place, fmt::format("traffic: {} is a path: it begins with '/'", key), "");
  read_steps(reading, *node, traffic.args);
  traffic.hosts = hosts_at(reading, *node);
  if ((traffic.kind == "alb" || traffic.kind == "istio") && !traffic.hosts.empty())
    reading.findings.error(node->find("hosts")->place,
                           "traffic: " + traffic.kind + " is asked from this machine and has no hosts",
                           "take hosts away");
  reading.site.traffic = std::move(traffic);
}

}  // namespace backout::config
