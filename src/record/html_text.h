// Untrusted text in HTML: nothing in it can become markup, and nothing in it turns the direction of what stands around
// it. Pure.
#pragma once
#include <string>
#include <string_view>

namespace backout::record {

/// On one line; also good inside an attribute in double quotes. Control and bidirectional characters become U+FFFD.
std::string html(std::string_view text);
/// The same with its lines kept.
std::string html_lines(std::string_view text);

}  // namespace backout::record
