// Gunzip: the text of a compressed log, from its beginning, in pieces.
#pragma once
#include <functional>

#include "watch/access_log/log_files.h"

namespace backout::watch {

/// Compressed logs that are larger are left alone.
inline constexpr uint64_t kLargestPacked = 64ULL << 20;

/// Calls `take` with each piece until it says false. kCorrupt: no gzip, or its end is missing.
Result<void> gunzip(LogBytes& bytes, const std::function<bool(std::string_view)>& take);
/// The length of the text modulo 2^32, as the file's end says.
Result<uint32_t> gunzipped_size(LogBytes& bytes, uint64_t size);

}  // namespace backout::watch
