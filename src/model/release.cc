#include "model/release.h"

#include "model/names.h"

namespace backout {
namespace {
constexpr NameTable<ReleaseState, 5> kNames{{{ReleaseState::kDeploying, "deploying"},
                                             {ReleaseState::kWatching, "watching"},
                                             {ReleaseState::kGood, "known-good"},
                                             {ReleaseState::kBad, "bad"},
                                             {ReleaseState::kFailed, "failed"}}};
}

std::string_view name_of(ReleaseState state) { return name_in(kNames, state); }
Result<ReleaseState> release_state_of(std::string_view name) { return value_in(kNames, name, "release state"); }

Json to_json(const Release& release) {
  return {{"release", release.id.str()},
          {"version", release.version.str()},
          {"commit", release.commit},
          {"state", name_of(release.state)},
          {"deployed_at_ms", to_millis(release.deployed_at)},
          {"deployed_by", release.deployed_by},
          {"current", release.current},
          {"bake_until_ms", to_millis(release.bake_until)},
          {"state_since_ms", to_millis(release.state_since)},
          {"why", release.why},
          {"checkpoint_before", release.checkpoint_before.str()}};
}

Result<Release> release_from_json(const Json& value) {
  Release release;
  release.id = ReleaseId(get_string(value, "release"));
  release.version = Version(get_string(value, "version"));
  release.commit = get_string(value, "commit");
  release.state = TRY(release_state_of(get_string(value, "state")));
  release.deployed_at = wall_from_millis(get_int(value, "deployed_at_ms"));
  release.deployed_by = get_string(value, "deployed_by");
  release.current = get_bool(value, "current");
  release.bake_until = wall_from_millis(get_int(value, "bake_until_ms"));
  release.state_since = wall_from_millis(get_int(value, "state_since_ms"));
  release.why = get_string(value, "why");
  release.checkpoint_before = CheckpointId(get_string(value, "checkpoint_before"));
  return release;
}

Json to_json(const Checkpoint& checkpoint) {
  return {{"checkpoint", checkpoint.id.str()},
          {"taken_at_ms", to_millis(checkpoint.taken_at)},
          {"version", checkpoint.version.str()},
          {"verified", checkpoint.verified},
          {"parts", checkpoint.parts}};
}

Result<Checkpoint> checkpoint_from_json(const Json& value) {
  Checkpoint checkpoint;
  checkpoint.id = CheckpointId(get_string(value, "checkpoint"));
  if (checkpoint.id.empty()) return Error{Code::kCorrupt, "a checkpoint needs an id", ""};
  checkpoint.taken_at = wall_from_millis(get_int(value, "taken_at_ms"));
  checkpoint.version = Version(get_string(value, "version"));
  checkpoint.verified = get_bool(value, "verified");
  checkpoint.parts = get(value, "parts");
  return checkpoint;
}

}  // namespace backout
