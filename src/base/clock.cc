#include "base/clock.h"

#include <fmt/format.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

namespace backout {
namespace {

class SystemClock : public Clock {
 public:
  WallTime wall() override { return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()); }
  BootTime boot() override {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return Millis(now.tv_sec * 1000 + now.tv_nsec / 1000000);
  }
  std::string boot_id() override {
    static const std::string id = [] {
      std::string text;
      std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, text);
      return text;
    }();
    return id;
  }
  bool wait(Millis span, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    return !wake.wait_for(lock, stop, span, [&] { return stop.stop_requested(); });
  }
};

struct Parts {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Millis> time;
};
Parts parts_of(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<Millis>(time - day)};
}

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

std::string to_iso(WallTime time) {
  const auto [date, clock] = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::string to_hms(WallTime time) {
  const auto [date, clock] = parts_of(time);
  return fmt::format("{:02}:{:02}:{:02}", clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

WallTime wall_from_millis(int64_t since_epoch) { return WallTime(Millis(since_epoch)); }
int64_t to_millis(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace backout
