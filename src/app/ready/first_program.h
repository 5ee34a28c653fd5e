// FirstProgram: the program that a shell string begins with, as far as that shows without being a shell. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace backout::app::ready {

struct FirstProgram {
  std::vector<std::string> words;  // the program and its plain arguments; none: it cannot be said
  std::string cwd;                 // where it starts: as given, or where a leading cd goes
};

/// Settings of variables, cd, set and words such as exec are gone past; whatever would take a shell to read ends it.
FirstProgram first_program(std::string_view script, const std::string& cwd);

/// Nothing in it that a shell would change.
bool is_plain_word(std::string_view word);

}  // namespace backout::app::ready
