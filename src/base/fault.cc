#include "base/fault.h"

#ifdef BACKOUT_FAULTS
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

namespace backout::fault {

void pass(std::string_view point, std::string_view moment) {
  static const char* const asked = std::getenv("BACKOUT_KILL");
  if (asked == nullptr) return;
  static std::mutex mutex;
  static std::map<std::string, int> passed;
  const std::lock_guard lock(mutex);
  const std::string kind = fmt::format("{}:{}", point, moment);
  const std::string here = fmt::format("{}:{}:{}", point, ++passed[kind], moment);
  if (here == asked) std::raise(SIGKILL);
}

bool sabotaged(std::string_view safety) {
  static const char* const asked = std::getenv("BACKOUT_SABOTAGE");
  return asked != nullptr && safety == asked;
}

}  // namespace backout::fault
#endif
