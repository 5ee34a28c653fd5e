#include "database/sqlite/swap_marker.h"

#include "base/json.h"
#include "os/file.h"

namespace backout::database {

Result<std::optional<SwapMarker>> load_marker(const std::string& path) {
  if (!os::exists(path)) return std::optional<SwapMarker>();
  const Json value = TRY(parse_json(TRY(os::read_file(path))).with_context(path));
  return std::optional<SwapMarker>(SwapMarker{get_string(value, "state"), get_string(value, "old_digest"),
                                              get_string(value, "new_digest"), get_string(value, "old_schema"),
                                              get_string(value, "new_schema"), get_string(value, "journal_mode")});
}

Result<void> store_marker(const SwapMarker& marker, const std::string& path) {
  const Json value{{"state", marker.state},           {"old_digest", marker.old_digest},
                   {"new_digest", marker.new_digest}, {"old_schema", marker.old_schema},
                   {"new_schema", marker.new_schema}, {"journal_mode", marker.journal_mode}};
  return os::write_file_atomic(path, canonical(value) + "\n", 0600);
}

}  // namespace backout::database
