#include "os/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "os/descriptor.h"

namespace backout::os {

std::optional<ProcessFacts> facts_of(pid_t pid) {
  const Descriptor file(open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  char text[1024];
  const ssize_t size = read(file.get(), text, sizeof text - 1);
  if (size <= 0) return std::nullopt;
  // The second field is the program's name in parentheses and may hold anything; the last ')' ends it.
  const std::string_view line(text, static_cast<size_t>(size));
  const size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  ProcessFacts facts;
  unsigned long long start = 0;  // NOLINT: sscanf's own type
  const std::string rest(line.substr(name_end + 1));
  const int got =
      std::sscanf(rest.c_str(), " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                  &facts.state, &facts.parent, &facts.group, &facts.session, &start);
  if (got != 5) return std::nullopt;
  facts.start_time = start;
  return facts;
}

bool process_group_lives(pid_t group) {
  DIR* const directory = opendir("/proc");
  if (directory == nullptr) return false;
  bool found = false;
  while (const dirent* entry = readdir(directory)) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 0) continue;
    const auto facts = facts_of(pid);
    if (facts && facts->group == group && facts->lives()) {
      found = true;
      break;
    }
  }
  closedir(directory);
  return found;
}

bool is_root() { return ::geteuid() == 0; }

pid_t own_pid() { return ::getpid(); }

}  // namespace backout::os
