// systemd units and timers whose commands or directories lie in the project.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

constexpr Millis kDefaultDrain{10'000};

struct Unit {
  const FileFact* file;
  std::string name;
  std::vector<Section> sections;
  std::string get(std::string_view section, std::string_view key) const {
    std::string value;
    for (const Section& each : sections)
      if (each.name == section)
        if (const std::string said = each.get(key); !said.empty()) value = said;
    return value;
  }
};

/// Units with their drop-ins, by name.
std::vector<Unit> units_of(const Facts& facts) {
  std::vector<Unit> units;
  for (const FileFact& file : facts.systemd) {
    const std::string directory = base_name(parent_of(file.path));
    if (directory.ends_with(".d")) continue;
    Unit unit{&file, base_name(file.path), parse_ini(file.text)};
    if (std::any_of(units.begin(), units.end(), [&](const Unit& each) { return each.name == unit.name; })) continue;
    for (const FileFact& drop_in : facts.systemd)
      if (base_name(parent_of(drop_in.path)) == unit.name + ".d")
        for (Section& section : parse_ini(drop_in.text)) unit.sections.push_back(std::move(section));
    units.push_back(std::move(unit));
  }
  return units;
}

bool belongs(const Facts& facts, const Unit& unit) {
  return std::any_of(unit.sections.begin(), unit.sections.end(), [&](const Section& section) {
    return section.name == "Service" && std::any_of(section.keys.begin(), section.keys.end(), [&](const auto& key) {
             return (key.first.starts_with("Exec") || key.first == "WorkingDirectory") && mentions(facts, key.second);
           });
  });
}

/// "20", "1min 30s" and the like, as far as it is said simply.
Millis span_of(const std::string& text) {
  if (text.empty()) return Millis(0);
  if (text.find_first_not_of("0123456789") == std::string::npos) return parse_duration(text + "s").value_or(Millis(0));
  if (text.ends_with("min")) return parse_duration(text.substr(0, text.size() - 2)).value_or(Millis(0));
  return parse_duration(text).value_or(Millis(0));
}

void add_environment(const Facts& facts, const Unit& unit, Service& service, Draft& draft) {
  for (const Section& section : unit.sections) {
    if (section.name != "Service") continue;
    for (const std::string& assignments : section.all("Environment"))
      for (const std::string& word : words_of(assignments))
        if (const auto port = port_of_variable(word); port && service.port == 0)
          service.port = *port, service.port_where = unit.file->path + ": Environment";
    for (std::string path : section.all("EnvironmentFile")) {
      if (path.starts_with('-')) path.erase(0, 1);
      if (!path.starts_with('/') || path.find_first_of("*%?") != std::string::npos) continue;
      if (std::none_of(draft.config.begin(), draft.config.end(), [&](const Seen& seen) { return seen.value == path; }))
        draft.config.push_back({path, unit.file->path + ": EnvironmentFile"});
      for (const FileFact& file : facts.environment)
        if (const auto variables = parse_environment(file.text); file.path == path && service.port == 0)
          for (const auto& [name, value] : variables)
            if (const auto port = port_of_variable(name + "=" + value))
              service.port = *port, service.port_where = fmt::format("{}: {}", path, name);
    }
  }
}

/// The names under which a unit runs: itself, or the instances of a template that something wants.
std::vector<std::string> instances(const Facts& facts, const std::string& name) {
  const size_t at = name.find("@.");
  if (at == std::string::npos) return {name};
  std::set<std::string> found;
  for (const std::string& wanted : facts.wanted_units)
    if (wanted.starts_with(name.substr(0, at + 1)) && wanted.ends_with(name.substr(at + 1)) && wanted != name)
      found.insert(wanted);
  return {found.begin(), found.end()};
}

}  // namespace

void detect_systemd(const Facts& facts, Draft& draft) {
  const std::vector<Unit> units = units_of(facts);
  std::set<std::string> by_timer;
  for (const Unit& timer : units) {
    if (!timer.name.ends_with(".timer")) continue;
    std::string target = timer.get("Timer", "Unit");
    if (target.empty()) target = timer.name.substr(0, timer.name.size() - 6) + ".service";
    for (const Unit& unit : units)
      if (unit.name == target && belongs(facts, unit)) {
        by_timer.insert(target);
        draft.services.push_back(
            {.form = "timer", .head = timer.name, .role = Role::kTimer, .where = timer.file->path});
      }
  }
  for (const Unit& unit : units) {
    if (!unit.name.ends_with(".service") || by_timer.contains(unit.name) || !belongs(facts, unit)) continue;
    std::string command = unit.get("Service", "ExecStart");
    command.erase(0, command.find_first_not_of("-@:+!"));
    if (unit.get("Service", "Type") == "oneshot" && unit.get("Service", "RemainAfterExit") != "yes") {
      draft.remarks.push_back(fmt::format("{} runs once and ends: it is not a service to stop", unit.file->path));
      continue;
    }
    const bool in_project = mentions(facts, command);
    for (const std::string& name : instances(facts, unit.name)) {
      Service service{.form = "systemd",
                      .head = name,
                      .role = role_of(name, command),
                      .where = fmt::format("{}: {}", unit.file->path, in_project ? "ExecStart" : "WorkingDirectory")};
      const std::vector<std::string> words = words_of(command);
      if (service.role == Role::kWeb)
        if (const auto port = port_of(words)) service.port = *port, service.port_where = service.where;
      add_environment(facts, unit, service, draft);
      if (service.role != Role::kWeb) service.port = 0;
      for (const Unit& socket : units)
        if (socket.name == unit.name.substr(0, unit.name.size() - 8) + ".socket") {
          if (const auto port = port_in(socket.get("Socket", "ListenStream")); port && service.port == 0)
            service.port = *port, service.port_where = socket.file->path + ": ListenStream";
          draft.remarks.push_back(fmt::format("{} starts {} whenever somebody connects", socket.file->path, name));
        }
      if (const Millis drain = span_of(unit.get("Service", "TimeoutStopSec")); drain > kDefaultDrain)
        service.drain = drain;
      draft.services.push_back(std::move(service));
    }
  }
}

}  // namespace backout::init
