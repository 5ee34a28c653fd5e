// Json: nlohmann::json with sorted keys, so that dump() of equal values gives equal bytes.
#pragma once
#include <nlohmann/json.hpp>

#include "base/result.h"

namespace backout {

using Json = nlohmann::json;

/// Parses text; kCorrupt with the position on malformed input. Never throws.
Result<Json> parse_json(std::string_view text);

/// The one byte form that hashes are taken over: sorted keys, no spaces, UTF-8 (invalid bytes replaced).
std::string canonical(const Json& value);

/// Field readers that never throw: the default when absent or of another type.
std::string get_string(const Json& object, std::string_view key, std::string_view otherwise = "");
int64_t get_int(const Json& object, std::string_view key, int64_t otherwise = 0);
bool get_bool(const Json& object, std::string_view key, bool otherwise = false);
/// The member, or a null value that lives for ever.
const Json& get(const Json& object, std::string_view key);

}  // namespace backout
