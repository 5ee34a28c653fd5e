#include "drivers/services/steps.h"

#include "base/text.h"
#include "model/step_word.h"

namespace backout::drivers {
namespace {

Error invalid(std::string message) {
  return {Code::kInvalid, std::move(message), "see docs/configuration.md, services"};
}

Json args_for(const driver::Offering& offering, const Version& version) {
  Json args = offering.subject;
  args["version"] = version.str();
  return args;
}

Json found_down(const driver::Offering& offering) {
  Json down = Json::array();
  for (const std::string& host : offering.hosts) {
    const auto seen = offering.seen.find(host);
    if (seen != offering.seen.end() && seen->second.contains("running") && !get_bool(seen->second, "running"))
      down.push_back(host);
  }
  return down;
}

}  // namespace

Result<Service> service_from(const Json& args, std::string_view host) {
  if (!args.is_object()) return invalid("a service needs an object of settings");
  Service service;
  service.name = get_string(args, "name");
  if (service.name.empty()) return invalid("a service needs 'name'");
  service.drain = Millis(get_int(args, "drain_ms", service.drain.count()));
  service.startup = Millis(get_int(args, "startup_ms", service.startup.count()));
  if (service.drain.count() < 0 || service.startup.count() < 0)
    return invalid(service.name + ": a time must not be negative");
  const int64_t port = get_int(args, "port");
  if (port < 0 || port > 65535) return invalid(fmt::format("{}: there is no port {}", service.name, port));
  service.at.port = static_cast<int>(port);
  service.at.version = get_string(args, "version");
  if (const Json& code = get(args, "code"); code.is_object()) {
    service.at.code = {get_string(code, "layout"), get_string(code, "path")};
    if (!service.at.code.path.starts_with('/')) return invalid(service.name + ": code.path must be absolute");
    if (service.at.code.layout != "releases" && service.at.code.layout != "in-place")
      return invalid(service.name + ": code.layout is releases or in-place");
  }
  if (!host.empty()) service.at.after = get_int(get(args, "after"), host);
  for (const Json& down : get(args, "leave_down"))
    if (down.is_string() && !host.empty() && down.get<std::string>() == host) service.leave_down = true;
  return service;
}

Json log_lines(std::string_view text) {
  constexpr size_t kLines = 20;
  std::vector<std::string> lines = split(trimmed(text), '\n');
  std::erase_if(lines, [](const std::string& line) { return trimmed(line).empty(); });
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  Json kept = Json::array();
  for (const std::string& line : lines) kept.push_back(shortened(one_line(line), 300));
  return kept;
}

std::vector<driver::Verb> service_verbs() {
  return {{"stop", StepKind::kEffect, true, true},
          {"start", StepKind::kEffect, true, true},
          {"serves", StepKind::kLook, true, true}};
}

std::vector<Step> service_steps(const driver::Offering& offering, std::string_view driver, const Service& service) {
  if (offering.kind == RunKind::kCheckpoint) return {};
  const std::string name(driver);
  const auto every = Millis(250);
  const Patience startup{static_cast<int>(service.startup / every) + 1, every};
  Json put_back = args_for(offering, offering.from);
  if (Json down = found_down(offering); !down.empty()) put_back["leave_down"] = std::move(down);

  const Step stop{.id = StepId("stop-" + step_word(service.name)),
                  .phase = Phase::kClose,
                  .title = service.name + " stops",
                  .hosts = offering.hosts,
                  .action = {name, "stop", args_for(offering, offering.from)},
                  .undo = Action{name, "start", std::move(put_back)},
                  .repeatable = true,
                  .has_probe = true,
                  .timeout = service.drain + Millis(30'000),
                  .patience = {8, every}};
  const Step start{.id = StepId("start-" + step_word(service.name)),
                   .phase = Phase::kStart,
                   .title = service.name + " starts",
                   .hosts = offering.hosts,
                   .action = {name, "start", args_for(offering, offering.to)},
                   .undo = Action{name, "stop", args_for(offering, offering.to)},
                   .repeatable = true,
                   .has_probe = true,
                   .timeout = service.drain + service.startup + Millis(60'000),
                   .patience = startup};
  Step serves{.id = StepId("serves-" + step_word(service.name)),
              .phase = Phase::kCheck,
              .kind = StepKind::kLook,
              .title = offering.to.empty() ? service.name + " serves" : service.name + " serves " + offering.to.str(),
              .hosts = offering.hosts,
              .action = {name, "serves", args_for(offering, offering.to)},
              .repeatable = true,
              .has_probe = true,
              .timeout = Millis(30'000),
              .patience = startup};
  if (offering.kind != RunKind::kDeploy) return {stop, start, serves};
  for (const auto& [host, seen] : offering.seen)
    if (seen.contains("seen_at")) serves.action.args["after"][host] = seen["seen_at"];
  return {serves};
}

Result<std::vector<std::string>> argv_from(const Json& args, std::string_view key) {
  const Json& given = get(args, key);
  std::vector<std::string> argv;
  if (given.is_array())
    for (const Json& word : given)
      if (word.is_string()) argv.push_back(word.get<std::string>());
  if (argv.empty() || argv.size() != given.size()) return invalid(fmt::format("'{}' must be a list of words", key));
  if (argv.front().empty()) return invalid(fmt::format("'{}' names no program", key));
  return argv;
}

}  // namespace backout::drivers
