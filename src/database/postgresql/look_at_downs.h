// look_at_downs: which migrations came with the release that is taken back, what undoing each would do and take away,
// and whether that is better than a restore. Looks only: the tool's sessions are read-only.
#pragma once
#include "base/json.h"
#include "database/postgresql/connection.h"
#include "schema/compare.h"
#include "schema/postgresql/catalog.h"

namespace backout::postgresql {

struct DownsSight {
  const Json& migrations;  // see MigrationCalls::of
  const Json& against;     // the checkpoint's part
  const Json& tables;      // carry or leave, as configured
  const schema::postgresql::Catalog& wanted;
  const schema::postgresql::Catalog& now;
  const schema::Comparison& comparison;
};

/// {"possible": false, "why_not", "way_out"}, or {"possible": true, "wins", "why", "noted", "downs": [Down], "words",
/// "losses"}. `wins`: nothing that was written is lost that a restore would keep.
Json look_at_downs(const DownsSight& sight, Connection& live);

}  // namespace backout::postgresql
