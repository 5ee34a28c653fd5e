#include "model/site.h"

#include <algorithm>

namespace backout {
namespace {

void put(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

Json commands_to_json(const std::vector<UserCommand>& commands) {
  Json list = Json::array();
  for (const UserCommand& command : commands) list.push_back(to_json(command));
  return list;
}

}  // namespace

Json to_json(const UserCommand& command) {
  Json value = {{"argv", command.argv}, {"timeout_ms", command.timeout.count()}};
  put(value, "cwd", command.cwd);
  put(value, "user", command.user);
  if (!command.env.empty()) value["env"] = command.env;
  if (!command.secrets.empty()) value["secrets"] = command.secrets;
  return value;
}

Result<UserCommand> user_command_from_json(const Json& value) {
  UserCommand command;
  if (!get(value, "argv").is_array()) return Error{Code::kCorrupt, "a command has no argv", ""};
  for (const Json& word : get(value, "argv")) {
    if (!word.is_string()) return Error{Code::kCorrupt, "a command's argv has a word that is not text", ""};
    command.argv.push_back(word.get<std::string>());
  }
  if (command.argv.empty()) return Error{Code::kCorrupt, "a command has no argv", ""};
  command.cwd = get_string(value, "cwd");
  command.user = get_string(value, "user");
  for (const auto& [key, texts] : {std::pair{"env", &command.env}, std::pair{"secrets", &command.secrets}}) {
    const Json& given = get(value, key);
    if (!given.is_null() && !given.is_object())
      return Error{Code::kCorrupt, fmt::format("a command's {} is not an object", key), ""};
    for (const auto& [name, text] : given.items())
      if (text.is_string()) (*texts)[name] = text.get<std::string>();
  }
  command.timeout = Millis(get_int(value, "timeout_ms", command.timeout.count()));
  return command;
}

std::string driver_of(const CodeConfig& code) {
  if (code.layout == "in-place") return "checkout";
  return code.layout == "command" ? "deploy-command" : code.layout;
}
std::string driver_of(const ServiceConfig& service) { return service.kind; }
std::string driver_of(const DoorConfig& door) { return door.kind == "command" ? "door-command" : door.kind; }
std::string driver_of(const TrafficConfig& traffic) { return traffic.kind == "nginx" ? "nginx-traffic" : traffic.kind; }
std::string driver_of(const DatabaseConfig& database) { return database.kind; }
std::string driver_of(const CheckConfig& check) { return check.kind == "run" ? "run-check" : check.kind; }
std::string driver_of(const CommandConfig&) { return "command"; }

Json subject_of(const CodeConfig& code) {
  if (code.layout == "branch") return code.branch;
  if (code.layout == "coolify") {
    Json value = code.coolify;
    put(value, "path", code.path);
    put(value, "remote", get_string(code.branch, "remote"));
    return value;
  }
  if (code.layout == "kubernetes") return code.kubernetes;
  if (code.layout == "command") {
    Json value = code.deploy;
    value["path"] = code.path;
    put(value, "git", code.git);
    put(value, "user", code.user);
    return value;
  }
  if (code.layout == "compose") {
    Json value = code.compose;
    value["path"] = code.path;
    value["config"] = code.config;
    value["keep"] = code.keep;
    return value;
  }
  Json value = {{"path", code.path}, {"build", commands_to_json(code.build)}, {"config", code.config}};
  put(value, "git", code.git);
  put(value, "user", code.user);
  if (code.layout == "releases" || !code.keep_builds.empty()) value["keep"] = code.keep;
  for (const StaticConfig& each : code.statics) {
    value["static"].push_back({{"to", each.to}, {"from", each.from}, {"keep_ms", each.keep.count()}});
  }
  if (!code.keep_builds.empty()) value["keep_builds"] = code.keep_builds;
  put(value, "binary", code.binary);
  if (!code.ignore.empty()) value["ignore"] = code.ignore;
  return value;
}

Json subject_of(const ServiceConfig& service, const Site& site) {
  Json value = service.args;
  value["name"] = service.name;
  value["drain_ms"] = service.drain.count();
  if (service.port != 0) value["port"] = service.port;
  if (code_for(site, service) == CodeOnHosts::kAll && !code_is_elsewhere(*site.code) && site.code->layout != "compose")
    value["code"] = {{"layout", site.code->layout}, {"path", site.code->path}};
  return value;
}

Json subject_of(const DoorConfig& door, const std::string& public_url) {
  Json value = door.args;
  if (door.kind == "nginx") put(value, "public_url", public_url);
  return value;
}

Json subject_of(const TrafficConfig& traffic, const Site& site) {
  Json value = traffic.args;
  put(value, "public_url", site.public_url);
  if (site.door) value["door"] = true;
  return value;
}

Json subject_of(const DatabaseConfig& database) {
  Json value = database.args;
  if (database.backups && database.backups->restore) value["restore_script"] = to_json(*database.backups->restore);
  return value;
}

Json subject_of(const CheckConfig& check, const std::string& base) {
  Json value = check.args;
  value["name"] = check.name;
  if (value.contains("path")) {
    value["url"] = base + get_string(value, "path");
    value.erase("path");
  }
  return value;
}

Json subject_of(const CommandConfig& command) {
  Json value = {{"name", command.name},
                {"phase", name_of(command.phase)},
                {"run", to_json(command.run)},
                {"repeatable", command.repeatable},
                {"on_unknown", command.on_unknown == OnUnknown::kRerun ? "rerun" : "ask"}};
  if (command.undo) value["undo"] = to_json(*command.undo);
  if (command.probe) value["probe"] = to_json(*command.probe);
  return value;
}

Json to_json(const BackupsConfig& backups) {
  Json value = {
      {"dir", backups.dir}, {"keep_ms", backups.keep.count()}, {"verify", backups.by_restoring ? "restore" : "read"}};
  put(value, "match", backups.match);
  if (backups.every > Millis(0)) value["every_ms"] = backups.every.count();
  if (backups.from_minute >= 0) value["at"] = {backups.from_minute, backups.to_minute};
  if (backups.make) value["make"] = to_json(*backups.make);
  if (backups.restore) value["restore"] = to_json(*backups.restore);
  return value;
}

Json subject_of(const LeftoverConfig& leftover, const std::string& stage) {
  Json value = leftover.args;
  value["name"] = leftover.name;
  value["rule"] = leftover.rule;
  value["stage"] = stage;
  return value;
}

Json subject_of(const AutoDeployConfig& deploys) {
  Json value = deploys.args;
  value["name"] = deploys.name;
  value["kind"] = deploys.kind;
  return value;
}

Json subject_of(const SearchConfig& search) {
  Json value = {{"rebuild", to_json(search.rebuild)}, {"queries", search.queries}};
  if (search.built) value["built"] = to_json(*search.built);
  return value;
}

Json subject_of(const SignalConfig& signal, const std::string& base) {
  Json value = signal.args;
  if (value.contains("path")) {
    value["url"] = base + get_string(value, "path");
    value.erase("path");
  }
  return value;
}

bool is_asked_once(const SignalConfig& signal) {
  if (signal.kind == "prometheus" || signal.kind == "alertmanager") return true;
  return signal.hosts.empty() && signal.args.contains("url") &&
         get_string(signal.args, "url").find("{host}") == std::string::npos;
}

std::vector<std::string> hosts_of(const Site& site, const std::vector<std::string>& named) {
  if (!named.empty()) return named;
  std::vector<std::string> all;
  for (const HostConfig& host : hosts_of(site)) all.push_back(host.name);
  return all;
}

bool code_is_elsewhere(const CodeConfig& code) {
  static constexpr std::string_view kElsewhere[] = {"branch", "command", "coolify", "kubernetes"};
  return std::find(std::begin(kElsewhere), std::end(kElsewhere), code.layout) != std::end(kElsewhere);
}

bool has_branch_beside(const Site& site) {
  return site.code && !site.code->branch.empty() && site.code->layout != "branch";
}

CodeOnHosts code_for(const Site& site, const ServiceConfig& service) {
  if (!site.code) return CodeOnHosts::kNone;
  const std::vector<std::string> code = hosts_of(site, site.code->hosts), runs = hosts_of(site, service.hosts);
  const auto with = std::count_if(runs.begin(), runs.end(), [&](const std::string& host) {
    return std::find(code.begin(), code.end(), host) != code.end();
  });
  if (with == 0) return CodeOnHosts::kNone;
  return with == std::ssize(runs) ? CodeOnHosts::kAll : CodeOnHosts::kSome;
}

std::string base_url_for(const Site& site, const HostConfig& host) {
  return host.url.empty() ? site.base_url : host.url;
}

std::vector<HostConfig> hosts_of(const Site& site) {
  if (!site.hosts.empty()) return site.hosts;
  return {HostConfig{.name = "local"}};
}

namespace {

/// Shipped rules are told by their number: their file is in the program.
Json summary_of(const Policies& policies) {
  Json value = to_json(policies);
  for (size_t index = 0; index < policies.levels.size(); ++index) {
    Json& level = value["levels"][index];
    if (policies.levels[index].shipped) level["rules"] = level["rules"].size();
  }
  value.erase("features");
  return value;
}

}  // namespace

Json to_json(const Site& site) {
  Json value = {{"site", site.id.str()},         {"file", site.file},
                {"state", site.state},           {"base_url", site.base_url},
                {"public_url", site.public_url}, {"watch_first_ms", site.watch.first.count()},
                {"bake_ms", site.bake.count()},  {"on_failed_check", name_of(site.on_failed_check)},
                {"approvals", site.approvals},   {"jobs", site.jobs}};
  if (site.watch.heightened > Millis(0)) value["watch_heightened_ms"] = site.watch.heightened.count();
  if (site.watch.trouble_failed != 2 || site.watch.trouble_of != 5)
    value["watch_trouble"] = {site.watch.trouble_failed, site.watch.trouble_of};
  for (const FigureConfig& figure : site.watch.figures)
    value["watch_figures"].push_back(
        {{"name", figure.name}, {"count", to_json(figure.count)}, {"hosts", figure.hosts}});
  if (const auto& level = site.watch.log_level) {
    value["log_level"] = {{"raise", to_json(level->raise)}, {"put_back", to_json(level->put_back)}};
    if (level->probe) value["log_level"]["probe"] = to_json(*level->probe);
    if (!level->hosts.empty()) value["log_level"]["hosts"] = level->hosts;
  }
  Json& hosts = value["hosts"] = Json::array();
  for (const HostConfig& host : site.hosts) {
    hosts.push_back({{"name", host.name}});
    put(hosts.back(), "ssh", host.ssh);
    put(hosts.back(), "url", host.url);
    put(hosts.back(), "root", host.root);
  }
  const auto part = [](std::string driver, Json subject, const std::vector<std::string>& on) {
    Json told = {{"driver", std::move(driver)}, {"subject", std::move(subject)}};
    if (!on.empty()) told["hosts"] = on;
    return told;
  };
  if (site.code) value["code"] = part(driver_of(*site.code), subject_of(*site.code), site.code->hosts);
  if (has_branch_beside(site)) value["branch"] = part("branch", site.code->branch, {});
  Json& services = value["services"] = Json::array();
  for (const ServiceConfig& service : site.services)
    services.push_back(part(driver_of(service), subject_of(service, site), service.hosts));
  if (site.door) value["door"] = part(driver_of(*site.door), subject_of(*site.door, site.public_url), site.door->hosts);
  if (site.door && site.door->for_rows_alone) value["door"]["when"] = "database";
  if (site.traffic)
    value["traffic"] = part(driver_of(*site.traffic), subject_of(*site.traffic, site), site.traffic->hosts);
  if (site.database) {
    value["database"] = part(driver_of(*site.database), subject_of(*site.database), {});
    put(value["database"], "host", site.database->host);
    if (site.database->backups) value["database"]["backups"] = to_json(*site.database->backups);
  }
  if (!site.save.empty()) value["save"] = site.save;
  if (site.ci) {
    value["ci"] = {
        {"kind", site.ci->kind}, {"project", site.ci->project}, {"url", site.ci->url}, {"required", site.ci->required}};
    put(value["ci"], "token", site.ci->token);
  }
  for (const auto& [name, span] :
       {std::pair{"checkpoints", site.retention.checkpoints}, std::pair{"rescue", site.retention.rescue},
        std::pair{"evidence", site.retention.evidence}})
    if (span > Millis(0)) value["retention"][std::string(name) + "_ms"] = span.count();
  if (!site.policies.levels.empty() || !site.policies.automatic.empty()) value["deciding"] = summary_of(site.policies);
  Json& checks = value["checks"] = Json::array();
  for (const CheckConfig& check : site.checks) {
    checks.push_back(part(driver_of(check), subject_of(check, ""), check.hosts));
    checks.back()["attempts"] = check.patience.attempts;
    checks.back()["every_ms"] = check.patience.every.count();
  }
  Json& commands = value["commands"] = Json::array();
  for (const CommandConfig& command : site.commands)
    commands.push_back(part(driver_of(command), subject_of(command), command.hosts));
  for (const SignalConfig& signal : site.signals)
    value["signals"].push_back(
        {{"name", signal.name}, {"kind", signal.kind}, {"subject", subject_of(signal, "")}, {"hosts", signal.hosts}});
  for (const AutoDeployConfig& deploys : site.auto_deploys)
    value["auto_deploys"].push_back(part("auto-deploy", subject_of(deploys), deploys.hosts));
  if (site.search) value["search"] = part("search", subject_of(*site.search), site.search->hosts);
  for (const LeftoverConfig& leftover : site.leftovers)
    value["leftovers"].push_back(part("leftovers", subject_of(leftover, "rest"), leftover.hosts));
  return value;
}

}  // namespace backout
