// A child process on this machine: argv (never a shell), bounded in time and output, ended as a whole process group.
//
// For looking and for carrying (ssh, git, sqlite3 ...). Effects of a run never use this directly: they go through
// host::Host::attempt, which survives the death of this program. Thread-safe.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace backout::os {

struct ProcessSpec {
  std::vector<std::string> argv;                          // argv[0] is looked up on PATH
  std::string cwd;                                        // empty: ours
  std::map<std::string, std::string> env;                 // added to ours
  std::string stdin_text;                                 // written to its standard input, then closed
  Millis timeout{60'000};                                 // then TERM, after 2 s KILL, to the whole group
  size_t output_limit = 1 << 20;                          // bytes kept per stream; the rest is read and dropped
  bool own_session = false;                               // setsid: a Ctrl-C at the terminal does not reach it
  std::function<void(std::string_view chunk)> on_stdout;  // raw bytes as they come; called on the calling thread
};

struct ProcessResult {
  int exit_status = 0;  // meaningful when signal == 0 and neither flag is set
  int signal = 0;       // the signal that ended it, or 0
  bool timed_out = false;
  bool cancelled = false;  // `stop` was requested
  bool truncated = false;  // output_limit was reached
  std::string out, err;    // raw bytes, not sanitised
  Millis took{0};
  bool ok() const { return exit_status == 0 && signal == 0 && !timed_out && !cancelled; }
  /// "exit status 3: last line of stderr", "ended by signal 9", "no answer within 10 s". One line, sanitised.
  std::string why_not_ok() const;
};

/// Errors: kNotFound when the program does not exist, kDenied when it may not be run. Everything else is in the result.
Result<ProcessResult> run_process(const ProcessSpec& spec, std::stop_token stop = {});

}  // namespace backout::os
