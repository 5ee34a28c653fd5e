#include "cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace backout::cli {
namespace {

int g_pipe[2] = {-1, -1};

extern "C" void on_signal(int) {
  const char byte = 0;
  // A full pipe means that the stop was asked for already.
  [[maybe_unused]] const ssize_t written = write(g_pipe[1], &byte, 1);
}

bool is_ignored(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

Interrupt::Interrupt(std::stop_source stop) {
  std::signal(SIGPIPE, SIG_IGN);
  if (pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return;  // then a signal ends the process, and `resume` carries on
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  if (!is_ignored(SIGHUP)) sigaction(SIGHUP, &action, nullptr);
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  thread_ = std::jthread([stop](std::stop_token done) mutable {
    while (!done.stop_requested()) {
      pollfd waiting{g_pipe[0], POLLIN, 0};
      if (poll(&waiting, 1, 100) <= 0) continue;
      std::fprintf(stderr, "backout: stopping (once more to stop at once)\n");
      stop.request_stop();
      return;
    }
  });
}

Interrupt::~Interrupt() = default;

}  // namespace backout::cli
