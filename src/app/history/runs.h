// Runs: what the journal knows of the runs of a site, and what can be done with one that is unfinished.
#pragma once
#include <optional>
#include <string>

#include "app/site/workspace.h"
#include "run/ways.h"

namespace backout::app {

/// The unfinished run of the site, if there is one.
Result<std::optional<journal::RunRow>> unfinished(const Workspace& workspace);

/// The run that a person means by its own number, by its incident's, or by that of an incident which was opened beside
/// it.
Result<std::optional<RunId>> run_named(journal::Journal& journal, const SiteId& site, const std::string& name);

/// A run as its journal has it: for whoever says what can be done with it.
struct Told {
  Plan plan;
  run::RunState state;
};
Result<Told> told(const Workspace& workspace, const journal::RunRow& row);
/// kRefused, naming what can be done with it.
Error is_unfinished(const journal::RunRow& row, const Told& told);

}  // namespace backout::app
