// Untrusted text in Markdown: nothing in it can become markup, a link, HTML or a table cell. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace backout::record {

/// On one line, every character that Markdown or HTML could take for its own escaped.
std::string escaped(std::string_view text);
/// An indented code block: each line four spaces in, so that no line can end it. Empty for blank text.
std::string code_block(std::string_view text);
/// An argv as one would type it: words quoted where a shell needs it.
std::string typed(const std::vector<std::string>& argv);

}  // namespace backout::record
