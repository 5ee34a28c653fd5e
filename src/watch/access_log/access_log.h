// "access_log": the access log of a web server as a signal. Votes by client and second, slowness against the old
// release, distinct clients. docs/signals-access-log.md is the page for users.
//
// Subject {access_log: path, format?: "combined" | "common" | "json" | a log_format or LogFormat string, client?,
// release?, status?, duration?, time?, routes?: [pattern], errors?: ["5xx", "499", "500-504"], ignore?: [route]}. With
// a format string `client`, `release`, `status`, `duration` and `time` name variables of it; with "json", keys.
//
// A second is told once it is over and kGrace more has passed. A line that comes still later is counted in the oldest
// second that is open, as the arm it belongs to. A look reads for about a second and says in figures.behind_bytes what
// is left.
#pragma once
#include <memory>
#include <vector>

#include "watch/source.h"

namespace backout::watch {

/// How long a second stays open for lines that come late (a buffered log, several workers).
inline constexpr std::chrono::seconds kGrace{2};
/// What was before the cutover is read this far back, for the old release's habits.
inline constexpr std::chrono::hours kHabits{1};

/// kInvalid: a subject that cannot be, with what is wrong and how to write it. `host` must outlive the source.
Result<std::unique_ptr<Source>> make_access_log(const Json& subject, host::Host& host);

}  // namespace backout::watch
