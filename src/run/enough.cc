#include "run/enough.h"

namespace backout::run {

Enough::Enough(std::stop_token run, Millis grace)
    : grace_(grace), with_the_run_(std::move(run), [this] { looks_.request_stop(); }) {}

void Enough::failed(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (!because_.empty()) return;
  because_ = what;
  timer_ = std::jthread([this](const std::stop_token& no_longer) {
    std::unique_lock waiting(mutex_);
    over_.wait_for(waiting, no_longer, grace_, [] { return false; });
    waiting.unlock();
    if (!no_longer.stop_requested()) looks_.request_stop();
  });
}

std::string Enough::because() const {
  const std::lock_guard lock(mutex_);
  return because_;
}

}  // namespace backout::run
