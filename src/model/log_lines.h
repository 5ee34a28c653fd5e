// Lines of a log: what kind of line each is, how grave, and what a stretch of a log says about the release that wrote
// it. Pure; any bytes may come.
//
// A kind is a line with its variable parts masked (numbers, times, addresses, quoted values): the same event of another
// user or hour is the same kind. Only kinds are ever shown or kept, because lines may hold personal data.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/pattern.h"

namespace backout {

enum class Gravity { kPlain, kWarning, kError };

/// At most 240 bytes; empty for a line that has no kind (blank, or going on from the line before).
std::string masked(std::string_view line);
/// What is kept of a kind: 12 hex digits.
std::string id_of_kind(std::string_view kind);
Gravity gravity_of(std::string_view line);
/// The time that a line gives itself near its beginning; `zone`: minutes east of UTC for one that names no zone.
std::optional<WallTime> time_of(std::string_view line, int zone);
/// The part from the first line that is not older than `since` by its own time; lines without a time go with the one
/// before. Everything when no line has a time.
std::string_view lines_since(std::string_view text, WallTime since, int zone);

struct LogRules {
  std::vector<Pattern> deny, allow;
  std::optional<std::set<std::string>> known;  // ids of kinds seen under the old release; none: nothing is known
};

struct Found {
  std::string what;  // "HTTP 500", "a kind of error never seen before"
  std::string kind;  // of the first such line
  int64_t count = 0;
};

struct LogFindings {
  int64_t lines = 0, requests = 0, errors = 0, excused = 0;
  std::vector<Found> bad;          // what must not be there
  std::vector<Found> new_kinds;    // of no error severity, or with nothing to compare with
  int64_t new_kinds_count = 0;     // all of them; the list has the first ones
  std::vector<std::string> kinds;  // ids, in order of first appearance; the last 2000 at most
};

LogFindings findings_in(std::string_view text, const LogRules& rules);

}  // namespace backout
