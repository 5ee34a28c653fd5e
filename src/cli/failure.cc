#include "cli/failure.h"

#include <cstdio>

#include "base/text.h"

namespace backout::cli {

int exit_status_of(const Error& error) {
  switch (error.code) {
    case Code::kInvalid: return 2;
    case Code::kNotFound:
    case Code::kConflict:
    case Code::kBusy:
    case Code::kRefused:
    case Code::kUnsupported: return 3;
    case Code::kDenied:
    case Code::kUnavailable:
    case Code::kTimedOut:
    case Code::kCorrupt:
    case Code::kNoSpace:
    case Code::kCancelled:
    case Code::kInternal: return 1;
  }
  return 1;
}

int fail(const Error& error) {
  std::fprintf(stderr, "backout: %s\n", sanitised(error.message).c_str());
  if (!error.next.empty()) std::fprintf(stderr, "next: %s\n", sanitised(error.next).c_str());
  return exit_status_of(error);
}

}  // namespace backout::cli
