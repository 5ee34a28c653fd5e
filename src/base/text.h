// Text: pure functions on strings. Untrusted text is data: sanitise before it is stored, printed or compared.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace backout {

/// Valid UTF-8 without control characters except newline and tab: each bad byte becomes U+FFFD, escape sequences lose
/// their ESC.
std::string sanitised(std::string_view raw);
/// sanitised() on one line: newlines and tabs become spaces.
std::string one_line(std::string_view raw);

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trimmed(std::string_view text);
/// `text` with every occurrence of `what` replaced.
std::string replaced(std::string text, std::string_view what, std::string_view with);
/// At most `limit` bytes, cut at a character, "..." appended when cut.
std::string shortened(std::string_view text, size_t limit);

/// One word for a POSIX shell: 'it'\''s'. Always quoted, so that any byte but NUL is data.
std::string shell_quoted(std::string_view text);

/// The candidate nearest to `word` in edit distance, if near enough to be a slip (at most 1/3 of its length, at least
/// 1).
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "30s", "5m", "250ms", "24h", "7d"; a bare number is refused. Empty when not a duration.
std::optional<Millis> parse_duration(std::string_view text);
/// For people: "0.2 s", "48 s", "3 min 12 s", "2 h 5 min", "6 days".
std::string for_people(Millis span);
/// "2.1 GB", "312 kB" (powers of 1000).
std::string bytes_for_people(uint64_t bytes);
/// "1 row", "37 rows": the noun gets an s unless count is 1.
std::string counted(int64_t count, std::string_view noun);

}  // namespace backout
