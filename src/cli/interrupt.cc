#include "cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

namespace backout::cli {
namespace {

// What a handler writes to: the pipes of all Interrupts there are, the newest first.
std::atomic<Interrupt*> g_newest = nullptr;

constexpr char kSignal = 's', kToldAlready = 't', kEnd = 'e';

bool is_ignored(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

void Interrupt::on_signal(int) {
  const char* word = &kSignal;
  for (const Interrupt* each = g_newest.load(); each != nullptr; each = each->outer_) {
    // A full pipe means that the stop was asked for already.
    [[maybe_unused]] const ssize_t written = write(each->pipe_[1], word, 1);
    word = &kToldAlready;
  }
}

Interrupt::Interrupt(std::stop_source stop) : outer_(g_newest.load()) {
  std::signal(SIGPIPE, SIG_IGN);
  if (pipe2(pipe_, O_CLOEXEC) != 0) return;  // then a signal ends the process, and `resume` carries on
  fcntl(pipe_[1], F_SETFL, O_NONBLOCK);
  g_newest = this;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  if (!is_ignored(SIGHUP)) sigaction(SIGHUP, &action, nullptr);
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  thread_ = std::jthread([stop, from = pipe_[0]]() mutable {
    char byte = kEnd;
    while (read(from, &byte, 1) < 0) {
    }
    if (byte == kEnd) return;
    if (byte == kSignal) std::fprintf(stderr, "backout: stopping (once more to stop at once)\n");
    stop.request_stop();
  });
}

Interrupt::~Interrupt() {
  if (!thread_.joinable()) return;
  g_newest = outer_;
  [[maybe_unused]] const ssize_t written = write(pipe_[1], &kEnd, 1);
  thread_.join();
  // The pipe stays open: a handler that began before may still write to it, and must not meet another file.
}

}  // namespace backout::cli
