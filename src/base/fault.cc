#include "base/fault.h"

#ifdef BACKOUT_FAULTS
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <string>

namespace backout::fault {

void pass(std::string_view point, std::string_view moment) {
  const char* const asked = std::getenv("BACKOUT_KILL");
  const char* const told = std::getenv("BACKOUT_POINTS");
  if (asked == nullptr && told == nullptr) return;
  static std::mutex mutex;
  static std::map<std::string, int> passed;
  const std::lock_guard lock(mutex);
  const std::string kind = fmt::format("{}:{}", point, moment);
  const std::string here = fmt::format("{}:{}:{}", point, ++passed[kind], moment);
  if (told != nullptr) std::ofstream(told, std::ios::app) << here << '\n';
  if (asked == nullptr || here != asked) return;
  const char* const whom = std::getenv("BACKOUT_KILL_PID");
  ::kill(whom == nullptr ? ::getpid() : static_cast<pid_t>(std::strtol(whom, nullptr, 10)), SIGKILL);
}

bool sabotaged(std::string_view safety) {
  static const char* const asked = std::getenv("BACKOUT_SABOTAGE");
  return asked != nullptr && safety == asked;
}

}  // namespace backout::fault
#endif
