// Secrets: values that plans and the journal name but never hold. A secret is written as the place where its value is:
// "$NAME" in the environment of this process, or the absolute path of a file on this machine (one newline at its end
// does not count). The value is read when a command or a request is made, and travels on standard input.
#pragma once
#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace backout::driver {

/// The values of `places` (name -> place), added to `into`. kInvalid: not a place, not set, not readable, or a value
/// with a NUL byte; the message names the place, never the value.
Result<void> reveal(const std::map<std::string, std::string>& places, std::map<std::string, std::string>& into);

/// The same from JSON: an object of texts; null and missing mean none.
Result<std::map<std::string, std::string>> secret_places(const Json& object);

}  // namespace backout::driver
