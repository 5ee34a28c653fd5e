// Kill points and saboteurs for the crash matrix. Compiled to nothing unless BACKOUT_FAULTS is set (never in a
// release).
//
// BACKOUT_KILL="append:17:before|after" (its COMMIT), "command:5:before|during|after", "sql:3:before|during|after"
// (what a PostgreSQL server is told) or "side:2:before|after" (a step of a cluster restored beside) makes the process
// end itself by SIGKILL when that point is passed for the given time (counted from 1 in this process); with
// BACKOUT_KILL_PID that process is ended instead. BACKOUT_SABOTAGE="fsync" or "intent" leaves out that one safety, so
// that the matrix can prove that it notices. BACKOUT_POINTS=FILE writes down every point that is passed, a line each.
#pragma once
#include <string_view>

namespace backout::fault {

#ifdef BACKOUT_FAULTS
/// Counts this passing of `point` ("append", "command", "sql", "side") at this `moment` (before or after for appends;
/// before, during or after for the others), then kills the process if it is the one asked for. Each moment counts for
/// itself: of commands that run side by side the first to end need not be the first that began.
void pass(std::string_view point, std::string_view moment);
bool sabotaged(std::string_view safety);
#else
inline void pass(std::string_view, std::string_view) {}
inline bool sabotaged(std::string_view) { return false; }
#endif

}  // namespace backout::fault
