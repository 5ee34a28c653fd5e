// Positions in the log of a server.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace backout::postgresql {

/// "0/1A2B3C4D" as a number and back. kCorrupt.
Result<uint64_t> lsn_of(std::string_view text);
std::string lsn_text(uint64_t lsn);

}  // namespace backout::postgresql
