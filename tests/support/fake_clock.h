// FakeClock: boot time goes on only by waiting and passing; wall time goes along, and jumps when told to. Thread-safe.
#pragma once
#include <functional>
#include <mutex>

#include "base/clock.h"

namespace backout::fakes {

class FakeClock : public Clock {
 public:
  WallTime wall() override {
    const std::lock_guard lock(mutex_);
    return wall_;
  }
  BootTime boot() override {
    const std::lock_guard lock(mutex_);
    return boot_;
  }
  std::string boot_id() override { return "boot-1"; }
  bool wait(Millis span, std::stop_token stop) override {
    pass(span);
    if (on_wait) on_wait();
    return !stop.stop_requested();
  }
  /// Time goes by.
  void pass(Millis span) {
    const std::lock_guard lock(mutex_);
    wall_ += span;
    boot_ += span;
  }
  /// Somebody sets the wall clock.
  void jump(Millis span) {
    const std::lock_guard lock(mutex_);
    wall_ += span;
  }

  std::function<void()> on_wait;  // set before the clock is shared

 private:
  std::mutex mutex_;
  WallTime wall_ = wall_from_millis(1'772'374'931'000);  // 2026-03-01T14:22:11Z
  BootTime boot_{5'000'000};
};

}  // namespace backout::fakes
