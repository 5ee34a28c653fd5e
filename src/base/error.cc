#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace backout {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::kInvalid: return "invalid";
    case Code::kNotFound: return "not_found";
    case Code::kDenied: return "denied";
    case Code::kConflict: return "conflict";
    case Code::kBusy: return "busy";
    case Code::kRefused: return "refused";
    case Code::kUnsupported: return "unsupported";
    case Code::kUnavailable: return "unavailable";
    case Code::kTimedOut: return "timed_out";
    case Code::kCorrupt: return "corrupt";
    case Code::kNoSpace: return "no_space";
    case Code::kCancelled: return "cancelled";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

Error Error::with_context(std::string_view what) && {
  message = std::string(what) + ": " + message;
  return std::move(*this);
}

Error Error::followed_by(const Error& second) && {
  message += "; then, while handling that: " + second.message;
  return std::move(*this);
}

Error Error::with_next(std::string_view what_next) && {
  if (next.empty()) next = what_next;
  return std::move(*this);
}

namespace {
Code code_of_errno(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return Code::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS: return Code::kDenied;
    case ENOSPC:
    case EDQUOT: return Code::kNoSpace;
    case EEXIST:
    case ENOTEMPTY: return Code::kConflict;
    case ETIMEDOUT: return Code::kTimedOut;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH: return Code::kUnavailable;
    default: return Code::kInternal;
  }
}
}  // namespace

Error errno_error(std::string_view what, int number) {
  return {code_of_errno(number), std::string(what) + ": " + std::generic_category().message(number), ""};
}

Error errno_error(std::string_view what) { return errno_error(what, errno); }

}  // namespace backout
