// The swap as verbs of the tool: closed, looked at, carried again where needed, renamed, dressed.
#pragma once
#include "base/json.h"
#include "driver/tool.h"

namespace backout::postgresql {

/// Arguments: server, maintenance, database, incoming, keep, marker, rescue (arguments of that verb; with step_down, of
/// which the same holds, only its record counts), catalog (a file that becomes the replaced database's catalogue).
/// Evidence as of swap(), and that of a rescue when rows were carried again.
Result<Json> run_swap(const Json& args, const driver::Progress& progress);
/// Arguments: server, maintenance, database, keep, aside, marker.
Result<Json> run_swap_back(const Json& args, const driver::Progress& progress);
Result<Json> look_at_swap_verb(const Json& args, bool swapped);

}  // namespace backout::postgresql
