// Release: a version on a site at a time. Checkpoint: what was saved right before a deploy so that coming back is
// possible.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "model/ci.h"
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

/// How far a release has baked: the time over which looks at it held, one after the other.
struct Bake {
  Millis done{0};
  Millis needed{0};      // as backout.yaml had it at the last look; 0: it was never looked at
  int looks = 0;         // that held, since it began
  WallTime last{};       // the last of them; the epoch: none, or something was not seen since
  WallTime failed_at{};  // the last that failed: then it began anew; the epoch: none
  std::string failed;    // what failed
};

/// The rollback that left a release.
struct RolledBack {
  RunId run;
  IncidentId incident;
  WallTime at{};
};

/// Why a release was rolled back from, in a person's words: with it, it may be deployed again.
struct Resolution {
  std::string cause, fix;  // what failed; what was done about it (may be empty)
  std::string missed;      // why tests did not catch it
  std::string prevent;     // what will, from now on
  std::string by;
  WallTime at{};
};

/// The first thing seen of a release, since it began to serve, that was not good.
struct Sign {
  WallTime at{};
  std::string what;
};

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
  Bake bake;
  std::optional<CiResult> ci;  // none: nobody asked
  std::optional<Sign> sign;
  std::optional<RolledBack> rolled_back;
  std::optional<Resolution> resolved;  // of the last time that it was rolled back or marked bad
  // What was seen of its code when a person said that it runs, in the shape of the driver's part of a checkpoint.
  Json code = Json::object();

  /// Rolled back from, or marked bad, and nobody has said why: not to be deployed again.
  bool blocked() const { return !resolved && (rolled_back || state == ReleaseState::kBad); }
};

struct Checkpoint {
  CheckpointId id;
  WallTime taken_at{};
  Version version;        // what ran when it was taken: what it can bring back
  bool verified = false;  // really restored and compared with its manifest
  Json parts =
      Json::array();  // one object per driver: {"driver": "sqlite", ...}; the driver's own shape, documented there
};

Json to_json(const Resolution& resolution);
Resolution resolution_from_json(const Json& value);
/// What was never said of a release is absent.
Json to_json(const Release& release);
Result<Release> release_from_json(const Json& value);
Json to_json(const Checkpoint& checkpoint);
Result<Checkpoint> checkpoint_from_json(const Json& value);

}  // namespace backout
