// supervisor's programs whose commands or directories lie in the project.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

constexpr int kDefaultStopWait = 10;

/// "a,b=c" of supervisor's `environment`.
std::optional<int> port_of_environment(const std::string& assignments) {
  for (const std::string& part : split(assignments, ',')) {
    const std::string_view word = trimmed(part);
    const std::vector<std::string> plain = words_of(word);
    if (const auto port = plain.empty() ? std::nullopt : port_of_variable(plain.front())) return port;
  }
  return std::nullopt;
}

/// The main configuration that programs of this host belong to: what supervisorctl must be told, if anything.
std::string own_configuration(const Facts& facts) {
  for (const FileFact& file : facts.supervisor) {
    const bool usual = file.path == "/etc/supervisor/supervisord.conf" || file.path == "/etc/supervisord.conf" ||
                       file.path == "/etc/supervisor.conf";
    if (!usual && find_section(parse_ini(file.text), "supervisord") != nullptr && mentions(facts, file.path))
      return file.path;
  }
  return "";
}

}  // namespace

void detect_supervisor(const Facts& facts, Draft& draft) {
  const std::string configuration = own_configuration(facts);
  for (const FileFact& file : facts.supervisor) {
    const std::vector<Section> sections = parse_ini(file.text);
    const std::string here = parent_of(file.path);
    for (const Section& section : sections) {
      if (!section.name.starts_with("program:")) continue;
      const std::string program = section.name.substr(8);
      const std::string command = replaced(section.get("command"), "%(here)s", here);
      const std::string directory = replaced(section.get("directory"), "%(here)s", here);
      if (!mentions(facts, command) && !mentions(facts, directory)) continue;
      Service service{.form = "supervisor", .head = program, .role = role_of(program, command)};
      for (const Section& group : sections)
        if (group.name.starts_with("group:"))
          for (const std::string& member : split(group.get("programs"), ','))
            if (trimmed(member) == program) service.head = fmt::format("{}:{}", group.name.substr(6), program);
      service.where =
          fmt::format("{}: [{}] {}", file.path, section.name, mentions(facts, command) ? "command" : "directory");
      if (!configuration.empty()) service.more.emplace_back("config", configuration);
      if (service.role == Role::kWeb) {
        if (const auto port = port_of(words_of(command)))
          service.port = *port, service.port_where = service.where;
        else if (const auto said = port_of_environment(section.get("environment")))
          service.port = *said, service.port_where = fmt::format("{}: environment", file.path);
      }
      const std::string wait = section.get("stopwaitsecs");
      if (const auto span = parse_duration(wait + "s");
          !wait.empty() && span && *span > Millis(kDefaultStopWait * 1000))
        service.drain = *span;
      draft.services.push_back(std::move(service));
    }
  }
}

}  // namespace backout::init
