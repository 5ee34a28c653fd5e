// Testimony: what a person says of the release that serves: that something is wrong, or a fact that no signal can tell.
// Each is one append, and counts for as long as that release serves.
#pragma once
#include <string>

#include "app/site/workspace.h"

namespace backout::app {

struct ProblemReport {
  std::string text;     // at most 2000 bytes are kept
  bool severe = false;  // nobody can work
};
/// kInvalid: nothing was said.
Result<void> report_problem(const Workspace& workspace, const ProblemReport& report);

/// Whether `name` is a fact and `value` one of its values is decide's to check (decide/facts.h).
Result<void> state_fact(const Workspace& workspace, const std::string& name, const std::string& value);

}  // namespace backout::app
