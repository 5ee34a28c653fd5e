// Error: why an operation could not be performed, in words a person can act on.
//
// A code exists only where a caller acts on it; `message` says what happened and where, `next` what to type or mend.
// Context is added on the way up ("reading backout.yaml: ..."), newest first. `followed_by` keeps what failed while
// undoing, so the first cause is never lost. Values; no thread affinity.
#pragma once
#include <string>
#include <string_view>

namespace backout {

enum class Code {
  kInvalid,      // usage or configuration: exit 2
  kNotFound,     // the thing named does not exist
  kDenied,       // permission
  kConflict,     // the world is not as expected (stale plan, changed file): exit 3
  kBusy,         // somebody else holds the site: exit 3
  kRefused,      // policy, a guard at the target, a confirmation not given: exit 3
  kUnsupported,  // not built, or not possible with this driver: exit 3
  kUnavailable,  // a host, a server or a file system does not answer
  kTimedOut,     // no answer in time; says nothing about whether it happened
  kCorrupt,      // stored bytes are not what was written
  kNoSpace,      // disk or quota full
  kCancelled,    // asked to stop
  kInternal,     // anything else
};

std::string_view name_of(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string next;  // what to do next; may be empty

  /// Puts "what: " in front of the message.
  Error with_context(std::string_view what) &&;
  /// Appends what failed while handling this error.
  Error followed_by(const Error& second) &&;
  /// Sets what to do next, unless something nearer to the cause has said so already.
  Error with_next(std::string_view what_next) &&;
};

/// An error from errno as it stands: ENOENT, EACCES, ENOSPC/EDQUOT and the like get their own code.
Error errno_error(std::string_view what);
Error errno_error(std::string_view what, int number);

}  // namespace backout
