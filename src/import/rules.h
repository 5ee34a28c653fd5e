// Rules: rows and sentences of a runbook that say when to go back, as rules of backout.yaml (docs/decide.md). What does
// not fit a known fact is no rule: it stands in the draft as a comment. Pure.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "import/item.h"

namespace backout::import {

struct RuleDraft {
  std::vector<std::pair<std::string, std::string>> when;  // fact, what it must be
  std::string action;                                     // roll-back, needs-approval, fix-forward, monitor
  std::string within;                                     // "15m"; empty: not said
  std::vector<std::string> by;                            // roles
  bool nobody = false;                                    // approval is not needed
  int line = 0;
  std::string says;
};

/// A row of a decision table.
std::optional<RuleDraft> rule_of_row(const Item& row);
/// A symptom in a list, below `title` and `intro` ("Roll back immediately if:") and above `action` ("Action: ...").
/// One rule for each thing that it names.
std::vector<RuleDraft> rules_of_symptom(const Item& item, const std::string& title, const std::string& action);

/// "DevOps Lead" -> "devops-lead".
std::string role_of_words(std::string_view words);
/// "< 15 min", "1-2 hours", "Immediate (< 15 min)": the longest time named, as "15m"; "0s" for immediately.
std::string within_of(std::string_view words);

}  // namespace backout::import
