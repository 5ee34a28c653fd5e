// A secret's value, from the place where it is: "$NAME" in the environment of this process, or the absolute path of a
// file on this machine (one newline at its end does not count). At most 64 KiB.
#pragma once
#include <string>

#include "base/result.h"

namespace backout::os {

/// kInvalid: not a place, not set, not readable, or a value with a NUL byte. The message says `name` and the place,
/// never the value.
Result<std::string> secret_at(const std::string& name, const std::string& place);

/// `text` without the values that secret_at() has found in this process: "(secret)" stands for each. Those of fewer
/// than eight bytes stay: they would be found in words that are none. Thread-safe.
std::string without_secrets(std::string text);

}  // namespace backout::os
