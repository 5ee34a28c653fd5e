#include "os/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "os/descriptor.h"
#include "os/file.h"

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

int64_t millis_of_ticks(uint64_t ticks) {
  static const auto per_second = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return static_cast<int64_t>(ticks * 1000 / per_second);
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const std::string tasks = fmt::format("/proc/{}/task", pid);
  const auto threads = list_directory(tasks);
  if (!threads) return children;
  for (const std::string& thread : *threads) {
    const auto said = read_file(fmt::format("{}/{}/children", tasks, thread));
    std::istringstream words(said ? *said : "");
    for (pid_t child = 0; words >> child;) children.push_back(child);
  }
  return children;
}

std::string title_of(pid_t pid) {
  const Descriptor file(open(fmt::format("/proc/{}/cmdline", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return "";
  char text[4096];
  const ssize_t size = read(file.get(), text, sizeof text);
  if (size <= 0) return "";
  const std::string_view words(text, static_cast<size_t>(size));
  return std::string(words.substr(0, words.find('\0')));
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
