// Commands: which lines are commands of a shell, and which lines of a block make one.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "import/item.h"

namespace backout::import {

/// Would a person who reads the line outside of any block of code take it for a command? "make sure that ..." is none.
bool looks_like_command(std::string_view line);
/// NAME=value, alone or with export.
bool is_assignment(std::string_view line);

/// The commands, comments and session lines of a block, as items with kind, lines, text, comment and expected.
/// Continuation lines, here-documents, loops and the input of a session (psql, a Python shell) belong to one command.
/// `language` is the block's.
std::vector<Item> commands_of(const std::vector<Line>& lines, const std::string& language);

/// "# Should return 200 OK": what a comment below a command says of its result.
bool is_expectation(std::string_view comment);

/// The words of a command as a shell would take them, for recognising it; at most `limit`. Quotes are taken off.
std::vector<std::string> shell_words(std::string_view command, size_t limit = 60);

}  // namespace backout::import
