// What a swap wrote down before it began: enough to tell, at any later moment, which content a path holds.
#pragma once
#include <optional>
#include <string>

#include "base/result.h"

namespace backout::database {

struct SwapMarker {
  std::string state;       // "begun", "done", "undone"
  std::string old_digest;  // page digests
  std::string new_digest;
  std::string old_schema;  // hash of the schema: still tells them apart when rows were written since
  std::string new_schema;
  std::string journal_mode;  // of the live database
};

/// Nothing: no swap was ever begun. kCorrupt when it cannot be read.
Result<std::optional<SwapMarker>> load_marker(const std::string& path);
Result<void> store_marker(const SwapMarker& marker, const std::string& path);

}  // namespace backout::database
