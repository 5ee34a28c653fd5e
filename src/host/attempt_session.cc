#include "host/attempt_session.h"

#include <poll.h>
#include <signal.h>

#include <array>

#include "base/fault.h"
#include "base/text.h"
#include "host/own_site.h"
#include "os/file.h"
#include "os/pipe_signal.h"

namespace backout::host {
namespace {

constexpr Millis kTermToKill{2000};
constexpr Millis kKillCall{30'000};   // the call that ends a late command, its connection included
constexpr Millis kAfterKill{10'000};  // from its end to its status
constexpr Millis kBetweenLooks{50};   // at output that may have grown
constexpr Millis kFirstLooks{5};

}  // namespace

AttemptSession::AttemptSession(Transport& transport, Asker asker, AttemptId id, const Command& command,
                               const Listener& listener, std::stop_token stop)
    : transport_(transport),
      asker_(std::move(asker)),
      id_(std::move(id)),
      command_(command),
      listener_(listener),
      stop_(stop),
      wakeup_(std::move(stop)),
      order_(new_nonce()),
      answer_(
          order_.nonce(), [this](std::string_view word, std::string_view rest) { on_line(word, rest); },
          [this](bool is_error, std::string_view bytes) {
            (is_error ? err_ : out_).add(bytes, command_.output_limit);
            if (listener_) listener_(bytes);
          }),
      directory_(asker_.root + "/sites/" + escaped_site(asker_.guard.site) + "/attempts/" + id_.str()) {}

void AttemptSession::on_line(std::string_view word, std::string_view rest) {
  if (word == "refused") refused_ = rest;
  if (word == "status") status_ = rest;
  if (word == "cut") out_.truncated = true;
  if (word == "started") {
    started_ = true;
    running_since_ = system_clock().boot();
    if (transport_.in_reach()) files_.emplace(directory_, command_.output_limit);
  }
  if (word == "running") {
    running_since_ = system_clock().boot();
    pass_during();
  }
}

void AttemptSession::pass_during() {
  if (!std::exchange(during_passed_, true)) fault::pass("command", "during");
}

void AttemptSession::turn(os::Child& child, Millis limit) {
  std::array<pollfd, 4> watched{{{child.out().get(), POLLIN, 0},
                                 {child.err().get(), POLLIN, 0},
                                 {child.in().get(), POLLOUT, 0},
                                 {wakeup_.descriptor().get(), POLLIN, 0}}};
  poll(watched.data(), watched.size(), static_cast<int>(std::min(limit, Millis(60'000)).count()));
  const auto take = [](os::Descriptor& from, const std::function<void(std::string_view)>& use) {
    std::array<char, 65536> buffer;
    const ssize_t got = read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return from.close();
    use(std::string_view(buffer.data(), static_cast<size_t>(got)));
  };
  if (watched[1].revents != 0) take(child.err(), [&](std::string_view bytes) { carrier_err_.add(bytes, 1 << 14); });
  if (watched[2].revents != 0) {
    const std::string_view rest = std::string_view(order_text_).substr(sent_);
    const ssize_t wrote = write(child.in().get(), rest.data(), rest.size());
    if (wrote > 0) sent_ += static_cast<size_t>(wrote);
    if (sent_ == order_text_.size() || (wrote < 0 && errno != EAGAIN && errno != EINTR)) child.in().close();
  }
  if (files_) files_->read_new(listener_);
  if (watched[0].revents != 0) take(child.out(), [&](std::string_view bytes) { answer_.feed(bytes); });
}

AttemptSession::Why AttemptSession::follow(os::Child& child, BootTime deadline) {
  Millis look = kFirstLooks;
  while (child.out().is_open()) {
    if (stop_.stop_requested()) return Why::kStopped;
    Millis left = deadline - system_clock().boot();
    if (left <= Millis(0)) return Why::kDeadline;
    if (files_) {  // the end of the command is told; only its output has to be looked for
      left = std::min(left, look);
      look = std::min(look * 2, kBetweenLooks);
    }
    turn(child, left);
  }
  return Why::kLineClosed;
}

Result<void> AttemptSession::end_late_command() {
  Order order(new_nonce());
  order.set("root", asker_.root).add(asker_.guard).set("mark", 1).set("grace", kTermToKill.count());
  (void)TRY(ask(transport_, asker_, {"kill", id_.str()}, order, kKillCall, 0));
  return {};
}

CommandResult AttemptSession::kept_output(Output output) {
  if (files_) {
    if (output == Output::kComplete) files_->settle(listener_);
    out_ = std::move(files_->out);
    err_ = std::move(files_->err);
  }
  CommandResult result;
  result.truncated = out_.truncated || err_.truncated;
  result.out = std::move(out_.bytes);
  result.err = std::move(err_.bytes);
  return result;
}

Result<CommandResult> AttemptSession::conclude(os::Child& child) {
  const BootTime ended = system_clock().boot();
  if (!refused_.empty()) return refusal(asker_, refused_);
  if (started_) pass_during();
  if (files_)
    if (auto status = os::read_file(directory_ + "/status")) status_ = *status;
  CommandResult result = kept_output(Output::kComplete);
  if (status_.empty()) {
    os::ProcessResult end;
    if (const auto ending = child.wait(Millis(2000))) {
      end.exit_status = ending->exit_status;
      end.signal = ending->signal;
    }
    end.err = carrier_err_.bytes;
    const Error error = transport_.silence(end);
    if (!started_) return error;
    return Error{
        Code::kUnavailable,
        asker_.host + ": lost sight of the command after " + for_people(ended - running_since_) + ": " + error.message,
        "backout resume looks what became of it"};
  }
  TRY_VOID(read_status(status_, result).with_context(asker_.host));
  result.took = ended - running_since_;
  return result;
}

Result<os::Child> AttemptSession::spawn() {
  order_text_ = order_.text();
  const os::ProcessSpec spec = transport_.shim({transport_.in_reach() ? "start" : "attempt", id_.str()});
  os::Child child = TRY(os::spawn_child({spec.argv, spec.cwd, spec.env, spec.own_session}));
  os::set_nonblocking(child.in());
  return child;
}

/// The shim holds both locks from its first moment on, and its whole order lies before it: while it has the locks it
/// waits for nobody. Our descriptors of them are copies, which end here.
Result<os::Child> AttemptSession::spawn_with_locks() {
  order_.set("made", 1);
  const os::Descriptor order = TRY(os::in_memory(order_.text()));
  const os::ProcessSpec spec = transport_.shim({"start", id_.str()});
  const OwnSite::Begun begun = TRY(OwnSite(asker_).begin(id_));
  return os::spawn_child({spec.argv,
                          spec.cwd,
                          spec.env,
                          spec.own_session,
                          {{8, begun.attempt_lock.get()}, {9, begun.site_lock.get()}},
                          order.get()});
}

Result<CommandResult> AttemptSession::run() {
  CommandResult interrupted;
  interrupted.cancelled = true;
  if (stop_.stop_requested()) return interrupted;
  order_.set("root", asker_.root).add(asker_.guard);
  TRY_VOID(order_.add(command_));

  fault::pass("command", "before");
  const os::PipeSignalBlocked blocked;
  // Who another user is, is asked of the system's directory, which may hang: not while the site is locked.
  os::Child child = TRY(transport_.in_reach() && command_.user.empty() ? spawn_with_locks() : spawn());
  os::set_nonblocking(child.out());
  os::set_nonblocking(child.err());

  const BootTime began = system_clock().boot();
  Why why = follow(child, began + command_.timeout);
  if (why == Why::kDeadline) {
    if (auto ended = end_late_command(); !ended)
      return std::move(ended.error()).with_context("ending the command after its timeout");
    why = follow(child, system_clock().boot() + kAfterKill);
    if (why == Why::kDeadline) {  // the command is ended, but the shim does not come to say so
      CommandResult late = kept_output(Output::kComplete);
      late.timed_out = true;
      late.took = system_clock().boot() - began;
      fault::pass("command", "after");
      return late;
    }
  }
  if (why == Why::kStopped) {
    if (!transport_.in_reach()) {  // the carrier only; the command stays
      child.signal_group(SIGKILL);
      child.wait(Millis(1000));
    }
    if (started_) pass_during();
    CommandResult left = kept_output(Output::kSoFar);
    left.cancelled = true;
    left.took = system_clock().boot() - began;
    return left;
  }
  Result<CommandResult> result = conclude(child);
  fault::pass("command", "after");
  return result;
}

}  // namespace backout::host
