// Rows: what users wrote since the checkpoint, counted while a plan is made. Reads only, and only for the forecast and
// for what a person must decide first; prepare counts again.
#pragma once
#include "app/site/workspace.h"
#include "model/plan.h"

namespace backout::app {

/// The evidence of the driver's count (docs/formats/sqlite-backup.md, postgresql-rescue.md), or an empty object:
/// nothing would be restored. `limit`: where not all can be counted in that time, the rest is estimated. What could
/// not be counted is told in "failed", and is no reason not to plan.
Json counted_now(const Workspace& workspace, const std::vector<Step>& database_steps, const Json& saved, Millis limit);

void take_count(const Json& counted, Forecast& forecast);

/// A column that the migration rewrote and that the configuration says nothing about: a refusal.
void refuse_undecided(const Json& counted, const std::string& database, Contract& contract);

}  // namespace backout::app
