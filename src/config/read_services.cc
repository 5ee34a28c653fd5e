// Services and the door.
#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/text.h"
#include "config/read.h"
#include "config/shape.h"
#include "config/taken_names.h"

namespace backout::config {
namespace {

/// A start that needs nothing of a shell is run without one, so that the process kept by its pidfile is the server
/// itself and not a shell that waits for it.
std::vector<std::string> without_needless_shell(std::vector<std::string> argv) {
  if (argv.size() != 3 || argv[0] != "/bin/sh" || argv[1] != "-c") return argv;
  if (argv[2].find_first_of("|&;<>()$`\\\"'*?[]#~=%!{}\n") != std::string::npos) return argv;
  std::vector<std::string> words;
  for (std::string& word : split(argv[2], ' '))
    if (!word.empty()) words.push_back(std::move(word));
  return words.empty() ? argv : words;
}

/// The part of a service that its driver owns.
Json process_args(const Reading& reading, const Node& node, const std::string& name) {
  const Site& site = reading.site;
  UserCommand start;
  if (require(reading, node, "services[process]", "start"))
    start = command_of(*node.find("start"), {.cwd = live_code(site), .relative_to = site.directory});
  const std::string cwd = path_at(reading, node, "cwd");
  const std::string user = text_at(node, "user", start.user);
  for (const auto& [variable, text] : texts_at(node, "env")) start.env[variable] = text;
  for (const auto& [variable, place] : texts_at(node, "secrets")) start.secrets[variable] = place;
  const bool beside_code = site.code && site.code->layout == "releases";
  const std::string kept_in = beside_code ? site.code->path : site.directory;
  Json args = {{"start", without_needless_shell(start.argv)},
               {"cwd", cwd.empty() ? start.cwd : cwd},
               {"env", start.env},
               {"log", path_at(reading, node, "log", kept_in + "/" + name + ".log")},
               {"pidfile", path_at(reading, node, "pidfile", kept_in + "/" + name + ".pid")}};
  if (!start.secrets.empty()) args["secrets"] = start.secrets;
  if (!user.empty()) args["user"] = user;
  return args;
}

void put(Json& args, const char* key, std::string text) {
  if (!text.empty()) args[key] = std::move(text);
}

Json pm2_args(const Reading& reading, const Node& node, const std::string& app) {
  Json args = {{"app", app}};
  put(args, "home", path_at(reading, node, "home"));
  put(args, "user", text_at(node, "user"));
  put(args, "program", text_at(node, "program"));
  const std::string live = live_code(reading.site);
  put(args, "ecosystem", absolute(live, text_at(node, "ecosystem")));
  put(args, "cwd", live);
  const bool number = app.find_first_not_of("0123456789") == std::string::npos;
  if (!app.empty() && (app == "all" || number || app.front() == '/'))
    reading.findings.error(node.place,
                           fmt::format("services: '{}' is no name of one application: PM2 takes it for {}",
                                       shortened(app, 60), number ? "an id" : "several"),
                           "for example: pm2: shop");
  return args;
}

ServiceConfig read_service(const Reading& reading, const Node& node, std::string_view form) {
  ServiceConfig service{.kind = std::string(form)};
  const std::string head = text_at(node, form);
  service.name = text_at(node, "name", head);
  if (form == "process") {
    service.args = process_args(reading, node, service.name);
  } else if (form == "systemd" || form == "timer") {
    service.args = {{"unit", head}};
    for (const Node& socket : items_at(node, "sockets")) {
      if (!socket.text.ends_with(".socket"))
        reading.findings.error(socket.place, "services: '" + shortened(socket.text, 60) + "' is no socket unit",
                               "for example: sockets: [shop-web.socket]");
      service.args["sockets"].push_back(socket.text);
    }
  } else if (form == "supervisor") {
    const bool group = head.ends_with(":*");
    service.name = text_at(node, "name", group ? head.substr(0, head.size() - 2) : head);
    service.args = {{"program", head}};
    put(service.args, "config", path_at(reading, node, "config"));
  } else if (form == "pm2") {
    service.args = pm2_args(reading, node, head);
  } else if (form == "crontab") {
    service.name = text_at(node, "name", "crontab-" + head);
    service.args = {{"user", head}};
  } else {
    service.name = text_at(node, "name", std::filesystem::path(head).filename().string());
    service.args = {{"file", path_at(reading, node, form)}};
  }
  if (node.entry("startup") != nullptr) service.args["startup_ms"] = span_at(node, "startup", Millis(0)).count();
  service.drain = span_at(node, "drain", service.drain);
  service.port = whole_at(node, "port", 0);
  service.hosts = hosts_at(reading, node);
  return service;
}

}  // namespace

void read_services(const Reading& reading) {
  TakenNames taken(reading.findings, "services");
  for (const Node& node : items_at(reading.root, "services")) {
    const std::string_view form = form_of("services[]", node);
    if (form.empty()) continue;
    ServiceConfig service = read_service(reading, node, form);
    taken.take(service.name, node.place, "give one of them another name: {name: ...}");
    reading.site.services.push_back(std::move(service));
  }
}

void read_door(const Reading& reading) {
  const Node* node = reading.root.find("door");
  if (node == nullptr || !node->is_map()) return;
  const Node* nginx = node->find("nginx");
  const Node* command = node->find("command");
  if ((nginx != nullptr) == (command != nullptr))
    reading.findings.error(node->place, "door: exactly one of nginx, command",
                           "for example: nginx: {include: /etc/nginx/shop-door.conf}");
  DoorConfig door;
  if (nginx != nullptr) {
    door.kind = "nginx";
    if (nginx->is_map()) require(reading, *nginx, "door.nginx", "include");
    const auto argv = [&](std::string_view key, std::vector<std::string> otherwise) {
      const Node* said = nginx->find(key);
      return said == nullptr ? otherwise : command_of(*said, {}).argv;
    };
    door.args = {{"include", path_at(reading, *nginx, "include")},
                 {"test", argv("test", {"nginx", "-t"})},
                 {"reload", argv("reload", {"nginx", "-s", "reload"})}};
    if (const std::string page = path_at(reading, *nginx, "page"); !page.empty()) door.args["page"] = page;
  } else if (command != nullptr) {
    door.kind = "command";
    const CommandDefaults defaults{.cwd = beside_the_file(reading.site), .relative_to = reading.site.directory};
    for (const std::string_view key : {"close", "open", "probe"}) {
      if (command->is_map() && key != "probe") require(reading, *command, "door.command", key);
      if (const Node* said = command->find(key)) door.args[std::string(key)] = to_json(command_of(*said, defaults));
    }
  }
  door.for_rows_alone = text_at(*node, "when") == "database";
  door.hosts = hosts_at(reading, *node);
  reading.site.door = std::move(door);
}

}  // namespace backout::config
