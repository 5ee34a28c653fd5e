// Processes that run from the project, and the ports on which they listen, by /proc.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/text.h"
#include "init/gather_parts.h"
#include "init/words.h"

namespace backout::init {
namespace {

constexpr size_t kMostProcesses = 20'000, kMostDescriptors = 4096;

/// Inode of a listening socket -> its port.
std::map<std::string, int> listening_sockets(Eyes& eyes) {
  std::map<std::string, int> ports;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto text = [&]() -> std::string {
      std::string content;  // /proc files have no size, so they are read as they come
      const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(eyes.at(table).c_str(), "re"), std::fclose);
      char part[4096];
      for (size_t count = 0;
           file && (count = std::fread(part, 1, sizeof part, file.get())) > 0 && content.size() < (8U << 20);)
        content.append(part, count);
      return content;
    }();
    for (const std::string_view line : lines_of(text)) {
      const std::vector<std::string> words = words_of(line);
      if (words.size() < 10 || words[3] != "0A") continue;  // 0A: LISTEN
      const size_t colon = words[1].rfind(':');
      int port = 0;
      if (colon != std::string::npos)
        std::from_chars(words[1].data() + colon + 1, words[1].data() + words[1].size(), port, 16);
      if (port > 0) ports[words[9]] = port;
    }
  }
  return ports;
}

std::string content_of(const std::string& path) {
  std::string content;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  char part[4096];
  for (size_t count = 0; file && (count = std::fread(part, 1, sizeof part, file.get())) > 0 && content.size() < 65'536;)
    content.append(part, count);
  return content;
}

}  // namespace

void gather_processes(Eyes& eyes, Facts& facts) {
  const std::map<std::string, int> sockets = listening_sockets(eyes);
  const std::string proc = eyes.at("/proc");
  size_t looked = 0;
  bool forbidden = false;
  for (const std::string& name : eyes.is_directory(proc) ? eyes.names(proc) : std::vector<std::string>()) {
    if (name.find_first_not_of("0123456789") != std::string::npos || ++looked > kMostProcesses) continue;
    const std::string here = proc + "/" + name;
    ProcessFacts process;
    std::from_chars(name.data(), name.data() + name.size(), process.pid);
    const std::string command = content_of(here + "/cmdline");
    for (const std::string& word : split(command, '\0'))
      if (!word.empty()) process.argv.push_back(word);
    if (process.argv.empty()) continue;
    process.cwd = Eyes::link(here + "/cwd");
    const bool belongs = mentions(facts, process.cwd) || mentions(facts, Eyes::link(here + "/exe")) ||
                         std::any_of(process.argv.begin(), process.argv.end(), [&](const std::string& word) {
                           return word.size() < 4096 && mentions(facts, word);
                         });
    if (!belongs) continue;
    const std::string stat = content_of(here + "/stat");
    if (const size_t end = stat.rfind(')'); end != std::string::npos) {
      const std::vector<std::string> fields = words_of(std::string_view(stat).substr(end + 1));
      if (fields.size() > 1) std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), process.parent);
    }
    const std::string output = Eyes::link(here + "/fd/1");
    if (output.starts_with('/') && output.ends_with(".log")) process.output = output;
    std::set<int> ports;
    size_t descriptors = 0;
    for (const std::string& descriptor : eyes.names(here + "/fd")) {
      if (++descriptors > kMostDescriptors) break;
      const std::string target = Eyes::link(here + "/fd/" + descriptor);
      if (!target.starts_with("socket:[")) continue;
      if (const auto socket = sockets.find(target.substr(8, target.size() - 9)); socket != sockets.end())
        ports.insert(socket->second);
    }
    forbidden = forbidden || (descriptors == 0 && process.cwd.empty());
    process.ports.assign(ports.begin(), ports.end());
    facts.processes.push_back(std::move(process));
  }
  std::erase_if(eyes.unread, [](const std::string& path) { return path.starts_with("/proc/"); });
  if (forbidden) eyes.unread.emplace_back("/proc: ports of other users' processes: permission denied");
}

}  // namespace backout::init
