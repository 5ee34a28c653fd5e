// What a step saw, from its evidence: rows found, rows carried, conflicts, what was left behind.
#pragma once
#include "record/report.h"

namespace backout::record {

/// Evidence of a step of the sqlite driver: {"rows": {table: {"insert", "update", "delete"}}, "carried": {table:
/// counts}, "conflicts": [the first ones], "conflict_count", "conflicts_file", "residue": {table: counts},
/// "not_carried": [sentences], "left": {table: counts}, "archived": {"file"}}. Each member may be absent; one that is
/// there replaces what an earlier step said, because the later step saw more.
void take_evidence(const Json& evidence, Report& report);

/// Evidence of a step of any driver: {"left_behind": [sentences]}, each once.
void take_left_behind(const Json& evidence, std::vector<std::string>& sentences);

/// Evidence of putting a step back: {"not_carried": [sentences]}, what was written meanwhile and stays elsewhere.
void take_not_carried(const Json& evidence, std::vector<std::string>& sentences);

}  // namespace backout::record
