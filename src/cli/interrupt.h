// Interrupt: the first Ctrl-C, TERM or HUP becomes a stop request, the second ends the process. One per process.
// Handlers, not a blocked mask: a mask would be inherited by every command that is started.
#pragma once
#include <stop_token>
#include <thread>

namespace backout::cli {

class Interrupt {
 public:
  explicit Interrupt(std::stop_source stop);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace backout::cli
