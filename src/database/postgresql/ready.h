// Ready: what a way back needs of the server, long before: the role's rights, the dump and its proof, nothing in the
// way.
#pragma once
#include "driver/driver.h"

namespace backout::postgresql {

/// `backout internal postgresql ready`: looks at a checkpoint's dump, or at the kept database, and at what would stop a
/// swap. Arguments: server, maintenance, database, backup, manifest, manifest_sha256, template, prove?. {"there",
/// "taken_at", "size", "bytes": "same" | "size-alone" | what is wrong, "proved", "in_the_way"?: why, "next"?, "dump"?,
/// "restore"?: what is wrong with the programs}.
Result<Json> look_at_readiness(const Json& args);

/// Pure. `seen`: what observe() returned; `looked`: what look_at_readiness said, or why it could not.
driver::Readiness readiness_of(const driver::Offering& offering, const Json& seen, const Result<Json>& looked);

}  // namespace backout::postgresql
