// Settling: what the journal is told at the end of a run, as steps of its plan.
#pragma once
#include <string>
#include <vector>

#include "model/event.h"
#include "model/plan.h"
#include "model/release.h"

namespace backout::app {

/// A step that puts one event into the journal.
Step record_step(const std::string& id, Phase phase, EventType type, Json body, std::string title,
                 std::vector<StepId> needs = {});

/// Who serves now, what became of `from`, and what is kept of its database.
std::vector<Step> settle_records(const Contract& contract, const Release& from, const Release& to,
                                 const std::vector<Step>& database_steps);

}  // namespace backout::app
