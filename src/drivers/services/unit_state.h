// UnitState: what systemd says of a unit, read from the fields of `systemctl show`. Pure; it is what systemd claims,
// and serves.h judges what is so.
#pragma once
#include <optional>
#include <string>

#include "drivers/services/look.h"

namespace backout::drivers {

struct UnitState {
  std::string load, active, sub, result, invocation;
  int64_t main_pid = 0;
  int64_t restarts = 0;  // by systemd itself, since it was last started by hand
  bool needs_reload = false;
  int64_t job = 0;  // a start or stop that is queued or under way; 0: none
  /// systemd has given it up: between two restarts of its own it would be "activating (auto-restart)".
  bool is_given_up() const { return active == "failed" && sub == "failed" && job == 0; }
  /// A start is under way or waits for its turn; not one that fell and is restarted in a circle.
  bool is_starting() const {
    if (active == "activating") return sub != "auto-restart";
    return active == "reloading" || ((active == "inactive" || active == "failed") && job != 0);
  }
};
UnitState unit_state(const Look& look);

/// Why systemd itself says that the unit is not up; empty when it claims that it is.
std::optional<std::string> why_not_active(const std::string& name, const UnitState& state);
/// Why it is not down by systemd's word.
std::optional<std::string> why_not_inactive(const std::string& name, const UnitState& state);

}  // namespace backout::drivers
