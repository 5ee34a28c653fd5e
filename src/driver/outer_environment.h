// For POSIX sh scripts of drivers that run a user's command: what the script sets for itself must not reach it.
#pragma once
#include <string_view>

namespace backout::driver {

/// Stands before everything else that a script sets. Then `become COMMAND...` turns a subshell into the command, in
/// exactly the environment that the script was started with: also where the script has a variable of the same name as
/// one of the user's. Only PWD is of the directory in which it stands now. Values stay inside the shell: no argv, no
/// file.
inline constexpr std::string_view kOuterEnvironment = R"sh(
backout_outer=$(export -p)
become() {
  set -- "$PWD" "$@"
  unset LC_ALL OLDPWD GIT_TERMINAL_PROMPT GIT_SSH_COMMAND
  eval "$backout_outer"
  PWD=$1
  shift
  exec "$@"
}
)sh";

}  // namespace backout::driver
