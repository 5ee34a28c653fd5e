// Host: one machine on which a run acts, this one or another over the user's own ssh.
//
// Looking (`run`, `read`) is unguarded. Acting goes through `attempt`: the shim at the target (host/attempt.sh) refuses
// an old fencing token or another journal, takes the attempt's own lock for as long as the command lives, and writes
// the exit status atomically, so that a later process can find out what became of it (`inspect`). The protocol is
// documented in docs/formats/target.md. All calls may block up to the command's timeout and are thread-safe.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"

namespace backout::host {

struct HostTag;
using HostName = StrongId<HostTag>;  // as in backout.yaml; "local" is this machine
struct AttemptTag;
using AttemptId = StrongId<AttemptTag>;  // one try at a step on one host; [A-Za-z0-9._-]

/// What to run. argv, never a shell unless the user wrote one. Secrets only in `env` or `stdin_text`: both travel on
/// the shim's standard input and never touch a disk or an argv.
struct Command {
  std::vector<std::string> argv;
  std::string cwd;  // empty: the login directory (remote) or / (local)
  std::map<std::string, std::string> env;
  std::string user;  // empty: as we are. Else runuser (root) or sudo -n
  std::string stdin_text;
  Millis timeout{60'000};
  size_t output_limit = 1 << 20;  // per stream; the rest is drained and dropped
  bool truncated_ok = true;
};
Json to_json(const Command& command);  // without env values and stdin: fit for the journal
/// `sh -c script` as a Command, for scripts that drivers compose. Arguments reach it as "$1"...
Command shell(std::string script, std::vector<std::string> arguments = {});

struct CommandResult {
  int exit_status = 0;
  int signal = 0;
  bool timed_out = false;
  bool cancelled = false;
  bool truncated = false;
  std::string out, err;  // raw bytes
  Millis took{0};
  bool ok() const { return exit_status == 0 && signal == 0 && !timed_out && !cancelled; }
  std::string why_not_ok() const;  // one line, sanitised
};

/// Who is acting: which journal owns the site, and the lease's fencing token. Tokens only grow.
struct Guard {
  std::string site;     // "shop/production"
  std::string journal;  // journal id
  int64_t token = 0;
};

/// What became of an attempt, by looking at the target.
struct AttemptState {
  enum class Kind {
    kNeverStarted,  // the target has no trace of it, and with our token registered none can appear any more
    kRunning,       // its lock is held by a living command
    kFinished,      // `result` is what the shim wrote
    kLost,          // it was started, no longer lives, and left no status: only a probe can tell
  };
  Kind kind = Kind::kNeverStarted;
  CommandResult result;
  Millis running_for{0};
};

class Host {
 public:
  virtual ~Host() = default;
  virtual const HostName& name() const = 0;
  virtual bool is_local() const = 0;

  /// Looks: runs a command that changes nothing. Errors: kUnavailable when the host cannot be reached.
  virtual Result<CommandResult> run(const Command& command, std::stop_token stop = {}) = 0;
  /// kNotFound, kDenied, kUnavailable.
  virtual Result<std::string> read(const std::string& path) = 0;

  /// Makes the target refuse every older token and every other journal from now on.
  /// kRefused (with who owns it) when it is we who are old or foreign.
  virtual Result<void> claim(const Guard& guard) = 0;

  /// Acts. Blocks until the command ended, its timeout (then it is killed: `timed_out`), or `stop` (the command is left
  /// running: `cancelled`). kRefused: the guard said no and nothing was started. kUnavailable: the connection was lost;
  /// what became of it is not known. `on_output` gets standard output and error as they come, on the calling thread.
  virtual Result<CommandResult> attempt(const Guard& guard, const AttemptId& id, const Command& command,
                                        const std::function<void(std::string_view)>& on_output,
                                        std::stop_token stop) = 0;

  /// Looks at an attempt of an earlier process. REQUIRES: claim() with the current token was done.
  virtual Result<AttemptState> inspect(const Guard& guard, const AttemptId& id) = 0;
  /// Ends a running attempt's whole process group (TERM, after `grace` KILL). Returns when nothing of it lives.
  virtual Result<void> kill(const Guard& guard, const AttemptId& id, Millis grace) = 0;
  /// Removes attempt directories other than those in `keep`. Called when a run has ended.
  virtual Result<void> forget(const Guard& guard, const std::vector<AttemptId>& keep) = 0;
};

/// This machine. `root`: where the shim keeps its state (docs/formats/target.md); empty: $BACKOUT_TARGET, else
/// /var/lib/backout/target for root and $XDG_STATE_HOME/backout/target for others.
std::unique_ptr<Host> make_local_host(HostName name, std::string root = "");
/// Another machine by the user's own ssh: BatchMode, ConnectTimeout, keep-alive, one shared connection per host.
/// `destination` as for ssh(1). `root` empty: /var/lib/backout/target for root there, else
/// ~/.local/state/backout/target.
std::unique_ptr<Host> make_ssh_host(HostName name, std::string destination, std::string root = "",
                                    std::vector<std::string> ssh_options = {});

}  // namespace backout::host
