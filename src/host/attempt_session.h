// AttemptSession: starts one attempt at a target and follows it to its end, its timeout, a stop, or a lost connection.
//
// The life line is the shim's standard output: the shim says "started" once the attempt is on record, "running" once
// the command's process is known, and closes it when the status is in place. On this machine output and status are read
// from the attempt's files; from another one they come along the life line. Used once, by one thread.
#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "host/exchange.h"
#include "host/output_files.h"
#include "os/child.h"
#include "os/wakeup.h"

namespace backout::host {

class AttemptSession {
 public:
  using Listener = std::function<void(std::string_view)>;
  AttemptSession(Transport& transport, Asker asker, AttemptId id, const Command& command, const Listener& listener,
                 std::stop_token stop);
  /// As Host::attempt.
  Result<CommandResult> run();

 private:
  Result<os::Child> spawn();
  Result<os::Child> spawn_with_locks();
  enum class Why { kLineClosed, kStopped, kDeadline };
  Why follow(os::Child& child, BootTime deadline);
  void turn(os::Child& child, Millis limit);
  void on_line(std::string_view word, std::string_view rest);
  Result<void> end_late_command();
  Result<CommandResult> conclude(os::Child& child);
  enum class Output { kComplete, kSoFar };
  CommandResult kept_output(Output output);
  void pass_during();

  Transport& transport_;
  const Asker asker_;
  const AttemptId id_;
  const Command& command_;
  const Listener& listener_;
  const std::stop_token stop_;
  os::Wakeup wakeup_;

  Order order_;
  std::string order_text_;
  size_t sent_ = 0;
  Answer answer_;
  std::string directory_;             // of the attempt; only used when in reach
  std::optional<OutputFiles> files_;  // this machine, from "started" on
  Kept out_, err_, carrier_err_;      // another machine; what the carrying program says on its standard error
  std::string refused_, status_;
  bool started_ = false, during_passed_ = false;
  BootTime running_since_{0};
};

}  // namespace backout::host
