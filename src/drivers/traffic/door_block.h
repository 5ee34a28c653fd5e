// The two contents of the file that nginx includes inside a server{} block: open (comments only) and closed. Pure.
//
// Closed: every request of that server is answered 503 by nginx itself, whatever its path and method, with the header
// "X-Backout-Door: closed" (so that a 503 of the application is never taken for it), "Retry-After" and "no-store"; the
// body is the page, or one sentence. docs/door.md says how it works and what to write into nginx.conf.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace backout::drivers {

inline constexpr std::string_view kDoorHeader = "x-backout-door";  // as os::http gives names: lowercase
inline constexpr std::string_view kDoorClosed = "closed";

std::string open_block();
/// `page`: absolute path of an HTML file that nginx's workers may read; empty: one sentence. kInvalid for a path that
/// would mean something else inside nginx.conf.
Result<std::string> closed_block(std::string_view page);
bool is_closed_block(std::string_view content);

}  // namespace backout::drivers
