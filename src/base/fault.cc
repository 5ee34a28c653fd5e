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
  static std::map<std::string, int, std::less<>> passed;
  const std::lock_guard lock(mutex);
  int& count = passed[std::string(point)];
  if (moment.empty() || moment == "before") ++count;
  const std::string here =
      moment.empty() ? fmt::format("{}:{}", point, count) : fmt::format("{}:{}:{}", point, count, moment);
  if (here == asked) std::raise(SIGKILL);
}

bool sabotaged(std::string_view safety) {
  static const char* const asked = std::getenv("BACKOUT_SABOTAGE");
  return asked != nullptr && safety == asked;
}

}  // namespace backout::fault
#endif
