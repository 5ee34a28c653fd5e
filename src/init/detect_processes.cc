// What is left when no manager of services is seen: a Procfile, and processes that run from the project.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

Service* web_without_port(Draft& draft) {
  for (Service& service : draft.services)
    if (service.role == Role::kWeb && service.port == 0) return &service;
  return nullptr;
}

std::set<int> listening(const Facts& facts) {
  std::set<int> ports;
  for (const ProcessFacts& process : facts.processes) ports.insert(process.ports.begin(), process.ports.end());
  return ports;
}

/// What a process that is kept by hand leaves: a file with its pid, a log.
void add_traces(const Facts& facts, Service& service) {
  for (const ProcessFacts& process : facts.processes) {
    const bool is_it = service.start.size() == 1 ? !process.argv.empty() && words_of(service.start[0]) == process.argv
                                                 : service.start == process.argv;
    if (!is_it) continue;
    for (const FileFact& file : facts.pidfiles)
      if (trimmed(file.text.substr(0, file.text.find('\n'))) == std::to_string(process.pid))
        service.more.emplace_back("pidfile", file.path);
    if (!process.output.empty()) service.more.emplace_back("log", process.output);
    if (service.port == 0 && process.ports.size() == 1)
      service.port = process.ports.front(), service.port_where = "it listens there";
    return;
  }
}

}  // namespace

void detect_procfile(const Facts& facts, Draft& draft) {
  const std::string* text = project_text(facts, "Procfile");
  if (text == nullptr || draft.first(Role::kWeb) != nullptr) return;
  for (const std::string_view line : lines_of(*text)) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || trimmed(line).starts_with('#')) continue;
    const std::string name = as_name(trimmed(line.substr(0, colon)));
    const std::string command(trimmed(line.substr(colon + 1)));
    if (name.empty() || command.empty() || name == "release") continue;
    const std::vector<std::string> words = words_of(command);
    if (holds_secret(words)) {
      draft.remarks.push_back(
          fmt::format("Procfile: '{}' has a secret on its command line, so it is not copied", name));
      continue;
    }
    Service service{.form = "process",
                    .head = name,
                    .role = name == "web" ? Role::kWeb : role_of(name, command),
                    .where = "Procfile",
                    .start = {command}};
    if (service.role == Role::kWeb)
      if (const auto port = port_of(words)) service.port = *port, service.port_where = "Procfile";
    add_traces(facts, service);
    draft.services.push_back(std::move(service));
  }
}

void detect_processes(const Facts& facts, Draft& draft) {
  const std::set<int> ports = listening(facts);
  if (Service* web = web_without_port(draft); web != nullptr && ports.size() == 1) {
    web->port = *ports.begin();
    web->port_where = "a process of the project listens there";
  }
  if (draft.first(Role::kWeb) != nullptr) return;
  for (const ProcessFacts& process : facts.processes) {
    if (process.ports.empty() || process.argv.empty()) continue;
    const bool child = std::any_of(facts.processes.begin(), facts.processes.end(), [&](const ProcessFacts& other) {
      return other.pid == process.parent && other.ports == process.ports;
    });
    if (child) continue;
    if (holds_secret(process.argv)) {
      draft.remarks.push_back(
          fmt::format("process {} listens on port {} and has a secret on its command line, so that is not copied",
                      process.pid, process.ports.front()));
      continue;
    }
    Service service{.form = "process",
                    .head = "web",
                    .where = fmt::format("process {}, which no manager of services is known to run", process.pid),
                    .start = process.argv,
                    .port = process.ports.front(),
                    .port_where = "it listens there"};
    if (!process.user.empty() && process.user != "root") service.more.emplace_back("user", process.user);
    add_traces(facts, service);
    draft.services.push_back(std::move(service));
    return;
  }
}

}  // namespace backout::init
