// One condition on a JSON document, as a check in backout.yaml writes it: a dot path and "=x", "!=x", ">0", ">=2",
// "<9",
// "<=9", "exists" or "absent". A condition without an operator means "=". Pure.
//
// Numbers are compared as numbers, everything else as text. "items.0.name": a number steps into an array.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace backout::drivers {

/// Why the condition is not met, for a person; empty when it is.
std::optional<std::string> unmet(const Json& document, std::string_view path, const Json& condition);

/// The member at a dot path, or nullptr.
const Json* at_path(const Json& document, std::string_view path);

/// A value as a person would write it: text without quotes.
std::string plain(const Json& value);

}  // namespace backout::drivers
