#include "app/history/runs.h"

#include "run/ledger.h"

namespace backout::app {

Result<Told> told(const Workspace& workspace, const journal::RunRow& row) {
  const SiteId& site = workspace.site().id;
  auto plan = TRY(workspace.journal().plan(site, row.plan));
  if (!plan)
    return Error{Code::kCorrupt, fmt::format("the plan {} of {} is not in the journal", row.plan, row.id),
                 "backout audit verify"};
  run::RunState state = run::fold(TRY(workspace.journal().read(site, 0, row.id)), row.id, *plan);
  return Told{std::move(*plan), std::move(state)};
}

Error is_unfinished(const journal::RunRow& row, const Told& told) {
  return {Code::kRefused,
          fmt::format("{} ({} {} -> {}) is unfinished: {}", row.id, name_of(row.kind), row.from.str(), row.to.str(),
                      row.why),
          run::next_steps(run::ways_out(told.state, told.plan))};
}

Result<std::optional<journal::RunRow>> unfinished(const Workspace& workspace) {
  for (journal::RunRow& row : TRY(workspace.journal().runs(workspace.site().id, 5)))
    if (row.open()) return std::optional(std::move(row));
  return std::optional<journal::RunRow>();
}

Result<std::optional<RunId>> run_named(journal::Journal& journal, const SiteId& site, const std::string& name) {
  std::optional<RunId> found;
  for (const journal::RunRow& row : TRY(journal.runs(site, 1000)))
    if (row.id.str() == name || row.incident.str() == name) found = row.id;
  if (found || !name.starts_with("INC-")) return found;
  for (const Event& event : TRY(journal.read(site)))
    if (event.type == EventType::kIncidentOpened && get_string(event.body, "incident") == name) found = event.run;
  return found;
}

}  // namespace backout::app
