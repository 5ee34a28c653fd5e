// Look: what runs on a target right now, by one POSIX sh script and a pure parser of what it prints.
//
// The script changes nothing, needs sh, awk, ls, cat, stat, date (and systemctl for units), and works over ssh as it
// does here. It prints one fact a line; the parser takes the lines it knows and believes nothing before the last line,
// "end", was seen. Times are compared in one scale: microseconds of the target's own wall clock. A process's start is
// known to about 10 ms (its clock ticks), so comparisons allow kStartGrain.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "host/host.h"

namespace backout::drivers {

inline constexpr int64_t kStartGrain = 20'000;  // microseconds

/// Where the code lies that a service runs: the driver's part of the configuration, `code`.
struct CodeAt {
  std::string layout;  // "releases" | "in-place"; empty: not looked at
  std::string path;
};

struct LookAt {
  std::string pidfile;             // of a plain process, or
  std::string unit;                // of systemd, or
  std::vector<int64_t> pids;       // main processes that somebody else has told us of, and
  std::vector<std::string> marks;  // NAME=VALUE: whoever has all of these in its environment belongs to the service too
  int port = 0;                    // 0: not looked at
  CodeAt code;
  std::string version;  // the release that should run; empty: any
  std::string user;     // who may look where we may not
  int64_t after = 0;    // what runs the code must have started later than this, microseconds; 0: not asked
};

struct ProcessSeen {
  int64_t pid = 0, parent = 0, group = 0, session = 0;
  char state = '?';
  int64_t started_ticks = 0;
  bool alive() const { return state != 'Z' && state != 'X'; }
};

struct ProcessDetail {
  std::string name, cwd, exe;          // empty: we may not see it
  std::vector<std::string> arguments;  // only those that name the code's path
};

struct Listener {
  std::string address;        // hexadecimal, as the kernel prints it
  std::set<int64_t> holders;  // processes that have the socket open; empty: none that we may see
  bool everywhere() const { return address.find_first_not_of('0') == std::string::npos; }
};

struct PidfileSeen {
  int64_t pid = 0;
  std::optional<int64_t> started_ticks;  // written by us; a pidfile of another program has none
  std::string boot;
  bool stopping = false;  // a stop has told it to end, and has not seen it end
  int64_t written = 0;    // microseconds
};

struct CodeSeen {
  std::string root;      // CodeAt::path without symlinks
  std::string target;    // root/releases/<version> without symlinks; empty: does not exist, or any version
  std::string current;   // what `current` leads to
  int64_t switched = 0;  // when `current` (or .git/HEAD) was last replaced, microseconds; 0: there is none
};

struct Look {
  int64_t now = 0, uptime = 0, ticks_per_second = 100;  // microseconds
  std::string boot;
  std::map<int64_t, ProcessSeen> processes;
  std::map<int64_t, ProcessDetail> details;  // of the main process and of whoever holds the port
  std::vector<Listener> listeners;           // on the port
  std::optional<PidfileSeen> pidfile;
  std::string unreadable;                   // the pidfile, when it is there and we may not read it
  std::map<std::string, std::string> unit;  // systemctl show
  std::string unit_error;                   // why systemctl did not answer
  std::set<int64_t> cgroup;                 // living processes in the unit's control group
  std::set<int64_t> marked;                 // living processes with LookAt::marks
  CodeSeen code;

  /// The process, if it lives.
  const ProcessSeen* living(int64_t pid) const;
  /// When it started, microseconds of wall time.
  int64_t started(const ProcessSeen& process) const;
  /// The process that the pidfile names, if it lives and is the one that was meant: its recorded start is the same, or,
  /// in a pidfile without one, it started before the file was written or holds the port.
  const ProcessSeen* named_by_pidfile() const;
  bool holds_the_port(int64_t pid) const;
  /// Living processes that belong to `root`: it, its descendants, and all of its session or group if it leads one. A
  /// leader that has died still owns its session: the kernel gives its number to nobody while members live.
  std::set<int64_t> family(int64_t root) const;
};

/// Pure. kCorrupt when the output is cut short.
Result<Look> parse_look(std::string_view output);

/// What is run; pure, for those who want to see it.
host::Command look_command(const LookAt& at);
Result<Look> look(const LookAt& at, host::Host& host, std::stop_token stop);

}  // namespace backout::drivers
