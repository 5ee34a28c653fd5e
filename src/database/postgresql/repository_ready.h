// Can pgBackRest bring the checkpoint's moment back? A look, and what `ready` says of it.
#pragma once
#include <vector>

#include "base/json.h"
#include "database/postgresql/connection.h"
#include "driver/readiness.h"

namespace backout::postgresql {

/// {"label", "stopped_at", ...}, or {"message", "next"}; null where no stanza is named. Changes nothing.
Json look_at_repository(const Json& args, Connection& maintenance);

/// `needed`: the way back cannot do without it.
void judge_repository(const Json& looked, bool needed, std::vector<Finding>& findings);

}  // namespace backout::postgresql
