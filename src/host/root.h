// Root: where the shim keeps its state at a target when the configuration does not say. One rule, for whoever acts
// there and for whoever looks whether that will be possible.
#pragma once
#include <string>
#include <string_view>

namespace backout::host {

/// On this machine: $BACKOUT_TARGET, else /var/lib/backout/target for root and $XDG_STATE_HOME/backout/target for
/// others.
std::string default_root();

/// On another machine: sets bo_root, unless it is set. For sh.
inline constexpr std::string_view kFindRoot = R"sh(
if [ -z "$bo_root" ]; then
  if [ "$(id -u)" = 0 ]; then bo_root=/var/lib/backout/target; else bo_root=$HOME/.local/state/backout/target; fi
fi
)sh";

}  // namespace backout::host
