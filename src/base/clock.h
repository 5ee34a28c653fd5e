// Clock: wall time for people, boot time for durations, and waiting that a stop request ends.
//
// Wall time may jump; every duration and every lease is measured in boot time (CLOCK_BOOTTIME: it counts suspend and is
// not settable), which means something only together with the boot id of the machine. Thread-safe.
#pragma once
#include <chrono>
#include <stop_token>
#include <string>

namespace backout {

using Millis = std::chrono::milliseconds;
/// Wall-clock time, milliseconds since 1970-01-01 UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Millis>;
/// Milliseconds since this machine booted.
using BootTime = Millis;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() = 0;
  virtual BootTime boot() = 0;
  /// Names this boot of this machine; durations between different boot ids are wall differences.
  virtual std::string boot_id() = 0;
  /// Sleeps for `span` of boot time. False if stopped first.
  virtual bool wait(Millis span, std::stop_token stop) = 0;
};

/// The machine's clock. Lives for the whole program.
Clock& system_clock();

/// "2026-03-01T14:02:11.123Z"; and "14:02:11" in UTC.
std::string to_iso(WallTime time);
std::string to_hms(WallTime time);
WallTime wall_from_millis(int64_t since_epoch);
int64_t to_millis(WallTime time);

}  // namespace backout
