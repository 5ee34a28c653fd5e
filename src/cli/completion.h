// Completion: scripts for shells from the description of the command line. Pure.
//
// What differs from site to site is asked of `backout internal complete WHAT`, which reads backout.yaml and the journal
// that is there, and nothing else: never a host, and nothing is made.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace backout::cli {

/// What a word stands for, by the name that the help gives it.
struct Word {
  std::string takes;                 // "FILE", "DIR", "ENV", "V", "version" ...
  std::vector<std::string> choices;  // the only ones, when there are any
};

struct OptionWords {
  std::vector<std::string> names;  // "--version", "-f"
  std::string doc;
  bool has_value = false;
  Word value;
};

struct CommandWords {
  std::string name, doc;
  std::vector<OptionWords> options;
  std::vector<Word> positionals;
  std::vector<CommandWords> commands;
};

/// For bash, zsh or fish. kInvalid for another shell.
Result<std::string> completion_script(const CommandWords& program, const std::string& shell);

/// `backout completion SHELL`.
int completion(const CommandWords& program, const std::string& shell);

}  // namespace backout::cli
