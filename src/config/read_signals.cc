// Signals: streams of observations.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/pattern.h"
#include "base/text.h"
#include "config/keys.h"
#include "config/read.h"
#include "config/shape.h"
#include "model/limit.h"
#include "model/selector.h"

namespace backout::config {
namespace {

/// A name made of any text: "/health/" -> "health".
std::string name_from(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
    if (fits)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
    if (name.size() == 60) break;
  }
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  while (!name.empty() && (name.front() == '-' || name.front() == '.')) name.erase(0, 1);
  return name;
}

void put_texts(const Node& node, Json& args, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (std::string text = text_at(node, key); !text.empty()) args[key] = std::move(text);
}

void put_span(const Node& node, Json& args, const char* key, Millis otherwise) {
  args[std::string(key) + "_ms"] = span_at(node, key, otherwise).count();
}

/// A list of regular expressions. One that is found in every line would count or excuse everything.
void put_patterns(const Reading& reading, const Node& node, Json& args, const char* key) {
  if (node.entry(key) == nullptr) return;
  args[key] = Json::array();
  for (const Node& item : items_at(node, key)) {
    if (!item.is_text()) continue;
    if (const auto compiled = Pattern::compile(item.text); !compiled)
      reading.findings.error(item.place, fmt::format("signals: {}: {}", key, compiled.error().message),
                             compiled.error().next);
    else if (compiled->found_in(""))
      reading.findings.error(
          item.place, fmt::format("signals: {}: '{}' is found in every line", key, shortened(one_line(item.text), 60)));
    args[key].push_back(item.text);
  }
}

/// A path that is asked at a host's base, or a URL.
void put_asked(const Reading& reading, const Node& node, Json& args, std::string_view key) {
  const std::string address = text_at(node, key);
  const Node* said = node.find(key);
  if (address.starts_with("http://") || address.starts_with("https://")) {
    args["url"] = address;
    return;
  }
  args["path"] = address;
  if (said == nullptr || !said->is_text()) return;
  if (!address.starts_with('/')) {
    reading.findings.error(said->place,
                           fmt::format("signals: {}: expected a path that begins with / or a URL, got '{}'", key,
                                       shortened(one_line(address), 60)),
                           fmt::format("for example: {}: /{}", key, key == "metrics" ? "metrics" : "health/"));
    return;
  }
  const Site& site = reading.site;
  const auto hosts = hosts_of(site);
  if (std::any_of(hosts.begin(), hosts.end(), [&](const HostConfig& host) { return base_url_for(site, host).empty(); }))
    reading.findings.error(said->place,
                           fmt::format("signals: {}: {} is a path, and there is no base_url", key, address),
                           "for example, at the top: base_url: http://127.0.0.1:8000");
}

/// "5xx", "499", "500-504".
bool is_status_class(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash != std::string_view::npos)
    return dash == 3 && text.find('x') == std::string_view::npos && is_status_class(text.substr(0, 3)) &&
           is_status_class(text.substr(4)) && text.substr(0, 3) <= text.substr(4);
  const bool first = text.size() == 3 && text[0] >= '1' && text[0] <= '5';
  return first && (text.substr(1) == "xx" || (whole_of(text) && *whole_of(text) >= 100));
}

/// "/orders/*", "POST /pay/**": a path, perhaps behind a method.
bool is_route(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.size() > 400) return false;
  const std::string_view method = text.substr(0, slash), rest = text.substr(slash);
  const bool named = method.empty() || (method.size() > 1 && method.ends_with(' ') &&
                                        method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == method.size() - 1);
  return named && rest.find_first_of(" \t?#") == std::string_view::npos &&
         (rest.find("**") == std::string_view::npos || rest.find("**") + 2 == rest.size());
}

Json access_log_args(const Reading& reading, const Node& node) {
  Json args = {{"access_log", path_at(reading, node, "access_log")}};
  put_texts(node, args, {"format", "client", "release", "status", "duration", "time"});
  const auto put_list = [&](const char* key, const auto& fits, std::string_view what, std::string_view example) {
    if (node.entry(key) == nullptr) return;
    args[key] = Json::array();
    for (const Node& item : items_at(node, key)) {
      if (!item.is_text()) continue;
      if (!fits(item.text))
        reading.findings.error(item.place,
                               fmt::format("signals: {}: '{}' is no {}", key, shortened(one_line(item.text), 60), what),
                               fmt::format("for example: {}: {}", key, example));
      args[key].push_back(item.text);
    }
  };
  put_list("routes", is_route, "route", "[/api/*/items, POST /pay/**]");
  put_list("ignore", is_route, "route", "[/health]");
  put_list("errors", is_status_class, "status", "[5xx, 499, 500-504]");
  return args;
}

Json probe_args(const Reading& reading, const Node& node) {
  Json args = Json::object();
  put_asked(reading, node, args, "probe");
  args["status"] = whole_at(node, "status", 200);
  put_texts(node, args, {"contains"});
  put_span(node, args, "within", Millis(2000));
  return args;
}

Json tcp_args(const Reading& reading, const Node& node) {
  const std::string address = text_at(node, "tcp");
  const size_t colon = address.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : whole_of(address.substr(colon + 1));
  if (colon == 0 || !port || *port < 1 || *port > 65535)
    reading.findings.error(node.place,
                           fmt::format("signals: tcp: '{}' is no host and port", shortened(one_line(address), 60)),
                           "for example: tcp: 127.0.0.1:5432");
  Json args = {{"tcp", address}};
  put_span(node, args, "within", Millis(2000));
  return args;
}

/// The selectors that both forms of counters have.
void put_counters(const Reading& reading, const Node& node, std::string_view form, Json& args) {
  for (const char* key : {"errors", "requests"}) {
    if (!require(reading, node, fmt::format("signals[{}]", form), key)) continue;
    const Node* said = node.find(key);
    if (!said->is_text()) continue;
    if (const auto selector = Selector::parse(said->text); !selector)
      reading.findings.error(said->place, fmt::format("signals: {}: {}", key, selector.error().message),
                             selector.error().next);
    args[key] = said->text;
  }
  if (args.contains("errors") && get(args, "errors") == get(args, "requests"))
    reading.findings.error(node.place, "signals: errors and requests are the same: every request would count as failed",
                           "for example: errors: 'http_requests_total{code=~\"5..\"}', requests: http_requests_total");
  put_texts(node, args, {"release", "token"});
}

Json alertmanager_args(const Reading& reading, const Node& node) {
  const Node* said = node.find("alertmanager");
  const Node& from = said->is_map() ? *said : node;
  Json args = {{"release", text_at(from, "release", "version")}};
  for (const char* key : {"match", "elsewhere"})
    if (from.entry(key) != nullptr) args[key] = texts_at(from, key);
  put_texts(from, args, {"token"});
  if (!said->is_map()) {
    args["url"] = said->text;
    return args;
  }
  for (const char* key : {"match", "elsewhere", "release", "token"})
    if (const Entry* entry = node.entry(key))
      reading.findings.error(entry->place, fmt::format("signals: {} belongs beside listen", key),
                             "for example: alertmanager: {listen: 127.0.0.1:9099, match: {service: shop}}");
  if (!require(reading, *said, "signals[alertmanager].alertmanager", "listen")) return args;
  const std::string listen = text_at(*said, "listen");
  const size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  const auto port = colon == std::string::npos ? std::nullopt : whole_of(listen.substr(colon + 1));
  const bool loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
  if (!port || *port < 1 || *port > 65535 || !loopback)
    reading.findings.error(
        said->find("listen")->place,
        fmt::format("signals: listen: '{}' is no address of the loopback with a port", shortened(one_line(listen), 60)),
        "for example: listen: 127.0.0.1:9099; from another machine, by a proxy or a tunnel");
  args["listen"] = listen;
  return args;
}

Json log_args(const Reading& reading, const Node& node, bool journal) {
  Json args = Json::object();
  if (journal)
    args["journal"] = text_at(node, "journal");
  else
    args["log"] = path_at(reading, node, "log");
  put_patterns(reading, node, args, "errors");
  put_patterns(reading, node, args, "ignore");
  args["templates"] = flag_at(node, "templates", true);
  return args;
}

/// The services that are meant, as [{kind, name, ...}]: those named, or all that can be looked at.
Json services_at(const Reading& reading, const Node& node, std::string_view key) {
  static constexpr std::string_view kKinds[] = {"systemd", "supervisor", "pm2", "process"};
  const auto can_be = [](const ServiceConfig& service) {
    return std::find(std::begin(kKinds), std::end(kKinds), service.kind) != std::end(kKinds);
  };
  const Site& site = reading.site;
  std::set<std::string> named;
  for (const Node& item : items_at(node, key)) {
    const auto found = std::find_if(site.services.begin(), site.services.end(),
                                    [&](const ServiceConfig& service) { return service.name == item.text; });
    if (found == site.services.end())
      reading.findings.error(
          item.place, fmt::format("signals: {}: '{}' is no service here", key, shortened(one_line(item.text), 60)),
          "name one of services, as plans do");
    else if (!can_be(*found))
      reading.findings.error(item.place, fmt::format("signals: {}: a {} has no process of its own", key, found->kind));
    named.insert(item.text);
  }
  Json list = Json::array();
  for (const ServiceConfig& service : site.services) {
    if (!can_be(service) || (!named.empty() && !named.contains(service.name))) continue;
    Json each = {{"kind", service.kind}, {"name", service.name}};
    for (const char* field : {"unit", "program", "config", "app", "home", "user", "pidfile"})
      if (service.args.contains(field)) each[field] = service.args[field];
    if (!service.hosts.empty()) each["hosts"] = service.hosts;
    list.push_back(std::move(each));
  }
  if (list.empty() && named.empty())
    reading.findings.error(node.place, fmt::format("signals: {}: there is no service to look at", key),
                           "for example, at the top: services: [{systemd: shop.service}]");
  return list;
}

Json limits_at(const Reading& reading, const Node& node) {
  Json limits = Json::object();
  const Node* said = node.find("limits");
  if (said == nullptr) return limits;
  for (const Entry& entry : said->entries) {
    if (entry.key.starts_with("x-") || !entry.value.is_text()) continue;
    if (find_key("signals[resources].limits." + entry.key) == nullptr) continue;
    const auto limit = limit_from(entry.value.text);
    const std::string_view unit = entry.key == "open_files" ? "%" : entry.key == "rss" ? "B" : "";
    if (!limit)
      reading.findings.error(entry.value.place, fmt::format("signals: {}: {}", entry.key, limit.error().message),
                             limit.error().next);
    else if (limit->unit != unit)
      reading.findings.error(entry.value.place,
                             fmt::format("signals: {} is {}", entry.key,
                                         unit == "%"   ? "a share: write it with %"
                                         : unit == "B" ? "memory: write it with kB, MB or GB"
                                                       : "a number without a unit"),
                             fmt::format("for example: {}: {}", entry.key,
                                         unit == "%"   ? "<80%"
                                         : unit == "B" ? "<500MB"
                                                       : "<2"));
    limits[entry.key] = entry.value.text;
  }
  return limits;
}

struct Made {
  std::string name;
  Json args;
};

Made made_from(const Reading& reading, const Node& node, std::string_view form) {
  const std::string head = text_at(node, form);
  const std::string file_name = std::filesystem::path(head).filename().string();
  if (form == "access_log") return {file_name, access_log_args(reading, node)};
  if (form == "probe")
    return {"probe-" + head.substr(head.find("//") == std::string::npos ? 0 : head.find("//")),
            probe_args(reading, node)};
  if (form == "tcp") return {"tcp-" + head, tcp_args(reading, node)};
  if (form == "alertmanager") return {"alertmanager", alertmanager_args(reading, node)};
  if (form == "log") return {file_name, log_args(reading, node, false)};
  if (form == "journal") return {head, log_args(reading, node, true)};
  if (form == "prometheus") {
    Json args = {{"url", head}};
    put_counters(reading, node, form, args);
    return {"prometheus", std::move(args)};
  }
  if (form == "metrics") {
    Json args = Json::object();
    put_asked(reading, node, args, "metrics");
    put_counters(reading, node, form, args);
    return {"metrics", std::move(args)};
  }
  if (form == "run") {
    const UserCommand command =
        command_of(*node.find("run"), {.cwd = live_code(reading.site), .relative_to = reading.site.directory});
    const bool by_shell = command.argv.size() == 3 && command.argv[0] == "/bin/sh" && command.argv[1] == "-c";
    const std::string said = by_shell ? command.argv[2] : join(command.argv, " ");
    Json args = {{"run", to_json(command)}, {"what", text_at(node, "what", shortened(one_line(trimmed(said)), 60))}};
    return {said, std::move(args)};
  }
  Json args = {{"services", services_at(reading, node, form)}};
  if (form == "resources") args["limits"] = limits_at(reading, node);
  return {std::string(form), std::move(args)};
}

}  // namespace

void read_signals(const Reading& reading) {
  static const std::map<std::string_view, int64_t> kEvery = {
      {"probe", 1000},        {"tcp", 1000},      {"prometheus", 15'000}, {"metrics", 1000},
      {"alertmanager", 5000}, {"restarts", 5000}, {"run", 10'000},        {"resources", 5000}};
  std::map<std::string, Place> said;
  std::set<std::string> taken;
  for (const Node& node : items_at(reading.root, "signals")) {
    const std::string_view form = form_of("signals[]", node);
    if (form.empty()) continue;
    SignalConfig signal{.kind = std::string(form == "tcp" ? "probe" : form == "journal" ? "log" : form)};
    signal.hosts = hosts_at(reading, node);
    Made made = made_from(reading, node, form);
    signal.args = std::move(made.args);
    if (const auto every = kEvery.find(form); every != kEvery.end()) {
      put_span(node, signal.args, "every", Millis(every->second));
      if (get_int(signal.args, "every_ms") < 1000)
        reading.findings.error(node.entry("every")->place, "signals: every is shorter than a second",
                               "votes are counted by the second: every: 1s");
    }
    const std::string derived = name_from(made.name).empty() ? signal.kind : name_from(made.name);
    signal.name = text_at(node, "name", derived);
    if (node.entry("name") != nullptr) {
      const auto [first, is_new] = said.emplace(signal.name, node.place);
      if (!is_new)
        reading.findings.error(node.place,
                               fmt::format("signals: '{}' is here twice; the first is in {}", signal.name,
                                           reading.findings.in_words(first->second)),
                               "give one of them another name");
    }
    const std::string wanted = signal.name;
    for (int copy = 2; !taken.insert(signal.name).second; ++copy) signal.name = fmt::format("{}-{}", wanted, copy);
    reading.site.signals.push_back(std::move(signal));
  }
}

}  // namespace backout::config
