// Failure: an error as the person at the terminal sees it, and the exit status that scripts see.
#pragma once
#include "base/error.h"

namespace backout::cli {

/// 1 failed, nothing changed · 2 usage or configuration · 3 refused or not possible. (4 and 5 come from runs:
/// run::RunEnd.)
int exit_status_of(const Error& error);
/// Prints "backout: what happened" and "next: what to do" on stderr; returns the exit status.
int fail(const Error& error);

}  // namespace backout::cli
