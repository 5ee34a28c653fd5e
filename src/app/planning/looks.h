// Looks: everything that says whether a release serves.
#pragma once
#include <vector>

#include "app/site/workspace.h"
#include "plan/compose.h"

namespace backout::app {

/// Everything that says whether `version` serves: the code that is current, the services, the checks. Offered without
/// looking first, so that a release which is not there is seen to be missing and not left out. What was recorded of the
/// release's code is given as Offering::saved.
Result<std::vector<plan::Offered>> looks_for(const Workspace& workspace, const Version& version);

}  // namespace backout::app
