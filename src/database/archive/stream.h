// stream: the bytes of an archive, unpacked on the way, from its first to its last. Nothing is written. A stream that
// is cut off, damaged or followed by something else is kCorrupt; one that unpacks to more than it may is kNoSpace.
#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "database/archive/kind.h"

namespace backout::archive {

struct Limits {
  uint64_t unpacked = 0;  // bytes that it may unpack to; 0: no limit
  std::stop_token stop;   // kCancelled
};

/// Returns an error to end the stream with it.
using Sink = std::function<Result<void>(std::string_view bytes)>;

struct Streamed {
  std::string sha256;     // of the file as it lies on the disk
  uint64_t unpacked = 0;  // bytes
  Packing packed = Packing::kNone;
  std::string head, tail;  // the first kHead bytes and the last kTail of what is in it
};
inline constexpr size_t kTail = 8192;

/// REQUIRES: a regular file. kNotFound, kDenied; kUnsupported when the tool that unpacks it is not here.
Result<Streamed> stream(const std::string& path, const Limits& limits, const Sink& sink);

}  // namespace backout::archive
