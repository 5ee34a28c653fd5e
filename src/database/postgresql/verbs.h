// The verbs of the tool by name: arguments in, evidence out. docs/formats/postgresql-backup.md lists them.
#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "base/json.h"
#include "driver/tool.h"

namespace backout::postgresql {

/// kInvalid for an unknown verb or a missing argument.
Result<Json> run_verb(const std::string& verb, const Json& args, const driver::Progress& progress);

/// Is it done? Looks at the databases themselves. {"sight": "holds" | "does-not-hold", "why", "evidence"}.
Result<Json> look_at(const std::string& verb, const Json& args);

/// `backout internal postgresql VERB`, a process of its own (driver/tool.h).
int run_postgresql_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace backout::postgresql
