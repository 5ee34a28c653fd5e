// Release: a version on a site at a time. Checkpoint: what was saved right before a deploy so that coming back is
// possible.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "model/ids.h"

namespace backout {

enum class ReleaseState {
  kDeploying,  // its deploy command has been started, no result yet (or it never came)
  kWatching,   // serving, bake time not over: not yet known-good
  kGood,       // known-good
  kBad,        // marked bad by a person or by a rollback from it
  kFailed,     // its deploy command failed, or was killed, half-way
};
std::string_view name_of(ReleaseState state);
Result<ReleaseState> release_state_of(std::string_view name);

struct Release {
  ReleaseId id;
  Version version;
  std::string commit;  // git commit, or empty
  ReleaseState state = ReleaseState::kWatching;
  WallTime deployed_at{};
  std::string deployed_by;
  bool current = false;   // what the site serves now, as far as the journal knows
  WallTime bake_until{};  // known-good from then on, if checks kept passing
  WallTime state_since{};
  std::string why;                 // reason of the last state change
  CheckpointId checkpoint_before;  // taken right before this release came; empty if none
};

struct Checkpoint {
  CheckpointId id;
  WallTime taken_at{};
  Version version;        // what ran when it was taken: what it can bring back
  bool verified = false;  // really restored and compared with its manifest
  Json parts =
      Json::array();  // one object per driver: {"driver": "sqlite", ...}; the driver's own shape, documented there
};

Json to_json(const Release& release);
Result<Release> release_from_json(const Json& value);
Json to_json(const Checkpoint& checkpoint);
Result<Checkpoint> checkpoint_from_json(const Json& value);

}  // namespace backout
