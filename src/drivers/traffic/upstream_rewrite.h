// How the file that an upstream of nginx includes is changed: which of the pools' servers serve, and with what weight.
// Everything else in it stays as somebody wrote it: other directives, comments, and the parameters of each server. What
// gets no traffic is put behind a mark of ours, as a comment, and comes back as it was. Pure, but for the sh function.
#pragma once
#include <string>
#include <string_view>

#include "drivers/traffic/pools.h"

namespace backout::drivers {

/// sh: `rewrite SPEC` gives at stdout what stdin holds, changed; status 1 when it cannot. By awk. The same again for
/// what it gave itself.
extern const std::string_view kRewriteUpstream;
/// SPEC: a line for each server, "POOL tab PERCENT tab ADDRESS [parameters]". The parameters are for a server that the
/// file does not have; else what stands there holds.
Result<std::string> rewrite_spec(const Pools& pools, const Weights& weights);

/// What somebody took out, by `down`, of a pool that has other servers: {kept_out: {pool: [address]}}, left as found;
/// and {down: {pool: [address]}} of a pool that was taken out as a whole, which a shift to it takes back.
Json taken_out(std::string_view content, const Pools& pools);

}  // namespace backout::drivers
