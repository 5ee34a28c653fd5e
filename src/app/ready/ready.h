// Ready: looks at everything that a rollback of this site would rest on. Changes nothing on the site; --prove makes and
// removes scratch files. Each kind of look stands in a file of its own beside this one, each driver's beside the
// driver.
#pragma once
#include "app/ready/answer.h"
#include "app/site/workspace.h"
#include "driver/readiness.h"

namespace backout::app {

/// Errors are those of usage and configuration alone: whatever else is wrong is a finding.
Result<ReadyAnswer> whether_ready(const Where& where, driver::Depth depth, std::stop_token stop);

}  // namespace backout::app
