// Going out again: what should be so before a release that was rolled back from serves once more.
#pragma once
#include <vector>

#include "app/site/workspace.h"
#include "model/condition.h"

namespace backout::app {

/// From the newest rollback that left `version`; empty when there was none.
Result<std::vector<Condition>> conditions_for(const Workspace& workspace, const Version& version);

}  // namespace backout::app
