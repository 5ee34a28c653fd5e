// Grid: walks every combination of facts that a policy tells apart, and finds what is wrong with its rules. Pure.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/rule.h"

namespace backout::decide {

enum class LintKind {
  kGap,           // no rule says what to do
  kConflict,      // two rules say different things, and which one wins
  kDead,          // a rule that never changes anything
  kWeaker,        // worse facts, weaker action
  kNotCollected,  // a rule asks for a fact that nobody collects
  kTooLate,       // a threshold that is not reached while the release is watched
};
std::string_view name_of(LintKind kind);

struct LintFinding {
  LintKind kind;
  std::string policy;
  std::string file;
  int line = 0, column = 0;
  std::string message;
  std::string next;
  int64_t cells = 0;     // of the grid, that it is about
  bool shipped = false;  // only about rules that come with backout
};

struct LintInput {
  Policies policies;
  std::optional<std::set<FactId>> collected;  // by the site's signals, checks and journal; nothing: not looked at
  Millis watched{0};                          // how long a release is followed; 0: not looked at
};

struct Linted {
  std::vector<LintFinding> findings;  // by policy, then by line
  int64_t cells = 0;                  // walked
};
/// Each policy alone, then all of them together.
Linted lint_policies(const LintInput& input);

}  // namespace backout::decide
