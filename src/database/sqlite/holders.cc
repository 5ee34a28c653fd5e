#include "database/sqlite/holders.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "os/file.h"

namespace backout::database {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

bool holds_any(DIR* descriptors, const std::vector<FileFacts>& files) {
  const int at = ::dirfd(descriptors);
  while (const dirent* entry = ::readdir(descriptors)) {
    struct stat st {};
    if (entry->d_name[0] == '.' || ::fstatat(at, entry->d_name, &st, 0) != 0) continue;
    for (const auto& file : files)
      if (file.device == st.st_dev && file.inode == st.st_ino) return true;
  }
  return false;
}

std::string command_of(pid_t pid) {
  const auto name = os::read_file(fmt::format("/proc/{}/comm", pid), 4096);
  return name ? one_line(trimmed(*name)) : "";
}

}  // namespace

Holders holders_of(const std::vector<FileFacts>& files) {
  Holders out;
  const Directory processes(::opendir("/proc"));
  if (!processes) return Holders{{}, false};
  while (const dirent* entry = ::readdir(processes.get())) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 0 || pid == ::getpid()) continue;
    const Directory descriptors(::opendir(fmt::format("/proc/{}/fd", pid).c_str()));
    if (!descriptors) {
      if (errno != ENOENT && errno != ESRCH) out.complete = false;
    } else if (holds_any(descriptors.get(), files)) {
      out.list.push_back({pid, command_of(pid)});
    }
  }
  return out;
}

Result<Holders> holders_of(const std::string& database) {
  std::vector<FileFacts> files{TRY(facts_of(database))};
  for (const char* suffix : {"-wal", "-shm", "-journal"})
    if (const auto facts = facts_of(database + suffix)) files.push_back(*facts);
  return holders_of(files);
}

std::string for_people(const Holders& holders) {
  std::vector<std::string> names;
  for (const auto& holder : holders.list) names.push_back(fmt::format("{} (pid {})", holder.command, holder.pid));
  if (!holders.complete) names.emplace_back("perhaps processes of other users");
  return names.empty() ? "nobody" : join(names, ", ");
}

Json to_json(const Holders& holders) {
  Json list = Json::array();
  for (const auto& holder : holders.list) list.push_back({{"pid", holder.pid}, {"command", holder.command}});
  return {{"list", list}, {"complete", holders.complete}};
}

}  // namespace backout::database
