// The verbs of the tool by name: arguments in, evidence out. The list is the documentation's; see tool.h.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "database/sqlite/files.h"

namespace backout::database {

std::vector<std::string> verb_names();
/// kInvalid for an unknown verb or a missing argument.
Result<Json> run_verb(const std::string& verb, const Json& args, const Progress& progress);

/// Is it done? Looks at the files themselves. {"sight": "holds" | "does-not-hold", "why", "evidence"}.
Result<Json> look_at(const std::string& verb, const Json& args);

}  // namespace backout::database
