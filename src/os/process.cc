#include "os/process.h"

#include <poll.h>
#include <signal.h>

#include <array>
#include <cerrno>

#include "base/text.h"
#include "os/child.h"
#include "os/pipe_signal.h"
#include "os/wakeup.h"

namespace backout::os {
namespace {

constexpr Millis kTermToKill{2000};
constexpr Millis kAfterKill{5000};  // a process in an uninterruptible call ends later; then it is reaped later
constexpr Millis kAfterEnd{50};     // for output of others that still hold the pipes, such as a daemon left behind
constexpr Millis kWithoutPidfd{10};

/// Feeds one child, keeps its output and notices its end.
class Conversation {
 public:
  Conversation(const ProcessSpec& spec, Child& child, const Wakeup& wakeup)
      : spec_(spec), child_(child), wakeup_(wakeup) {
    set_nonblocking(child_.in());
    set_nonblocking(child_.out());
    set_nonblocking(child_.err());
    if (spec_.stdin_text.empty()) child_.in().close();
  }

  enum class Until { kEnded, kDeadline, kStopped };
  /// Moves bytes until the child has ended, `deadline` or, when `heed_stop`, a stop.
  Until run(BootTime deadline, bool heed_stop) {
    for (;;) {
      if (child_.try_wait()) return Until::kEnded;
      const Millis left = deadline - system_clock().boot();
      if (left <= Millis(0)) return Until::kDeadline;
      turn(child_.ended().is_open() ? left : std::min(left, kWithoutPidfd), heed_stop, true);
      if (heed_stop && stopped_) return Until::kStopped;
    }
  }

  /// What is still in the pipes once the child has ended.
  void drain() {
    child_.in().close();
    const BootTime deadline = system_clock().boot() + kAfterEnd;
    while (child_.out().is_open() || child_.err().is_open()) {
      const Millis left = deadline - system_clock().boot();
      if (left <= Millis(0)) return;
      turn(left, false, false);
    }
  }

  std::string out, err;
  bool truncated = false;

 private:
  /// `heed_end`: the end of the child counts, also one that came since the caller last asked. Asking again here would
  /// lose it: with the pipes closed nothing would be left to wake us.
  void turn(Millis limit, bool heed_stop, bool heed_end) {
    std::array<pollfd, 5> watched{{{child_.out().get(), POLLIN, 0},
                                   {child_.err().get(), POLLIN, 0},
                                   {child_.in().get(), POLLOUT, 0},
                                   {heed_end ? child_.ended().get() : -1, POLLIN, 0},
                                   {heed_stop ? wakeup_.descriptor().get() : -1, POLLIN, 0}}};
    const auto nap = static_cast<int>(std::min(limit, Millis(60'000)).count());
    if (poll(watched.data(), watched.size(), nap) <= 0) return;
    if (watched[0].revents != 0) take(child_.out(), out, spec_.on_stdout);
    if (watched[1].revents != 0) take(child_.err(), err, {});
    if (watched[2].revents != 0) give();
    if (watched[4].revents != 0) stopped_ = true;
  }

  void take(Descriptor& from, std::string& kept, const std::function<void(std::string_view)>& listener) {
    std::array<char, 65536> buffer;
    const ssize_t got = read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return from.close();
    const std::string_view chunk(buffer.data(), static_cast<size_t>(got));
    const size_t room = spec_.output_limit - std::min(spec_.output_limit, kept.size());
    kept += chunk.substr(0, room);
    if (chunk.size() > room) truncated = true;
    if (listener) listener(chunk);
  }

  void give() {
    const std::string_view rest = std::string_view(spec_.stdin_text).substr(given_);
    const ssize_t wrote = write(child_.in().get(), rest.data(), rest.size());
    if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (wrote > 0) given_ += static_cast<size_t>(wrote);
    if (wrote < 0 || given_ == spec_.stdin_text.size()) child_.in().close();
  }

  const ProcessSpec& spec_;
  Child& child_;
  const Wakeup& wakeup_;
  size_t given_ = 0;
  bool stopped_ = false;
};

/// TERM, and KILL when something of the group still lives 2 s later. Its output is read meanwhile.
void end_group(Child& child, Conversation& conversation) {
  child.signal_group(SIGTERM);
  child.signal_group(SIGCONT);
  const BootTime deadline = system_clock().boot() + kTermToKill;
  conversation.run(deadline, false);
  while (child.group_lives() && system_clock().boot() < deadline) system_clock().wait(Millis(10), {});
  if (!child.try_wait() || child.group_lives()) child.signal_group(SIGKILL);
  conversation.run(system_clock().boot() + kAfterKill, false);
}

}  // namespace

std::string ProcessResult::why_not_ok() const {
  if (cancelled) return "stopped before it ended";
  if (timed_out) return "no answer within " + for_people(took);
  std::string why =
      signal != 0 ? fmt::format("ended by signal {}", signal) : fmt::format("exit status {}", exit_status);
  const std::string_view text = trimmed(err);
  const std::string last = one_line(text.substr(text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1));
  if (!last.empty()) why += ": " + shortened(last, 300);
  return why;
}

Result<ProcessResult> run_process(const ProcessSpec& spec, std::stop_token stop) {
  const BootTime started = system_clock().boot();
  const PipeSignalBlocked blocked;
  Child child = TRY(spawn_child({spec.argv, spec.cwd, spec.env, spec.own_session}));
  const Wakeup wakeup(std::move(stop));
  Conversation conversation(spec, child, wakeup);

  ProcessResult result;
  const Conversation::Until until = conversation.run(started + spec.timeout, true);
  result.timed_out = until == Conversation::Until::kDeadline;
  result.cancelled = until == Conversation::Until::kStopped;
  if (until != Conversation::Until::kEnded) end_group(child, conversation);
  conversation.drain();

  if (const auto ending = child.try_wait()) {
    result.exit_status = ending->exit_status;
    result.signal = ending->signal;
  }
  result.truncated = conversation.truncated;
  result.out = std::move(conversation.out);
  result.err = std::move(conversation.err);
  result.took = system_clock().boot() - started;
  return result;
}

}  // namespace backout::os
