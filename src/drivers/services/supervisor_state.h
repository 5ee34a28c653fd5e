// What `supervisorctl status` and supervisord's own log say of one program. Pure.
#pragma once
#include <optional>
#include <string>

#include "drivers/services/managed.h"

namespace backout::drivers {

/// "group:program", "group:*" or "program" as in backout.yaml. A bare name is the program, or the whole group of that
/// name (numprocs makes one).
struct SupervisorProgram {
  std::string text;
  /// Is the program of a status line ("worker:worker_00", "web") meant?
  bool means(std::string_view shown) const;
  /// What to tell supervisorctl, when `shown` are the names that status prints.
  std::string spec(const std::vector<std::string>& shown) const;
  /// The environment that supervisord gives to every process of it.
  std::vector<std::string> marks(const std::vector<std::string>& shown, const std::string& server_url) const;
};

/// Instances of `program`. kUnavailable when the output is no status but an error of the connection.
Result<std::vector<Instance>> parse_supervisor_status(std::string_view output, const SupervisorProgram& program);

/// How often supervisord started a process of that name again by itself, by the lines of its log that are younger than
/// `window` and than `after`: both and `now` in its own local time, "2026-11-21 14:50:57,442".
int64_t supervisor_restarts(std::string_view log, std::string_view name, std::string_view now, Millis window,
                            std::string_view after);

}  // namespace backout::drivers
