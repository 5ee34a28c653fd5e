// Interrupt: what may end an acting command from outside. A signal is for all that there are; they end in the reverse
// order of their beginning.
//
// The first Ctrl-C or TERM becomes a stop request, the second ends the process. A terminal that hangs up is a stop
// request too, and never more: it may say so several times (the kernel, then the shell). Under nohup it is nothing.
// A reader of our output who goes away changes nothing: writes fail, the run goes on and has its own exit status.
//
// Handlers, not a blocked mask: a mask would be inherited by every command that is started. What is ignored here is at
// its default again in every child (os/child.h).
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
  static void on_signal(int signal);

  Interrupt* outer_;
  int pipe_[2] = {-1, -1};
  std::jthread thread_;  // after what it uses
};

}  // namespace backout::cli
