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

Json to_json(const Resolution& resolution) {
  return {{"cause", resolution.cause},     {"fix", resolution.fix}, {"missed", resolution.missed},
          {"prevent", resolution.prevent}, {"by", resolution.by},   {"at_ms", to_millis(resolution.at)}};
}

Resolution resolution_from_json(const Json& value) {
  return {.cause = get_string(value, "cause"),
          .fix = get_string(value, "fix"),
          .missed = get_string(value, "missed"),
          .prevent = get_string(value, "prevent"),
          .by = get_string(value, "by"),
          .at = wall_from_millis(get_int(value, "at_ms"))};
}

Json to_json(const Release& release) {
  Json value = {{"release", release.id.str()},
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
  if (const Bake& bake = release.bake; bake.needed > Millis(0) || bake.looks > 0)
    value["bake"] = {
        {"done_ms", bake.done.count()},    {"needed_ms", bake.needed.count()},          {"looks", bake.looks},
        {"last_ms", to_millis(bake.last)}, {"failed_at_ms", to_millis(bake.failed_at)}, {"failed", bake.failed}};
  if (release.ci) value["ci"] = to_json(*release.ci);
  if (release.sign) value["sign"] = {{"at_ms", to_millis(release.sign->at)}, {"what", release.sign->what}};
  if (release.rolled_back)
    value["rolled_back"] = {{"run", release.rolled_back->run.str()},
                            {"incident", release.rolled_back->incident.str()},
                            {"at_ms", to_millis(release.rolled_back->at)}};
  if (release.resolved) value["resolved"] = to_json(*release.resolved);
  if (!release.code.empty()) value["code"] = release.code;
  return value;
}

namespace {

/// What was learnt of a release after it was recorded.
void read_learnt(const Json& value, Release& release) {
  if (const Json& bake = get(value, "bake"); bake.is_object())
    release.bake = {.done = Millis(get_int(bake, "done_ms")),
                    .needed = Millis(get_int(bake, "needed_ms")),
                    .looks = static_cast<int>(get_int(bake, "looks")),
                    .last = wall_from_millis(get_int(bake, "last_ms")),
                    .failed_at = wall_from_millis(get_int(bake, "failed_at_ms")),
                    .failed = get_string(bake, "failed")};
  if (const Json& ci = get(value, "ci"); ci.is_object()) release.ci = ci_result_from_json(ci);
  if (const Json& sign = get(value, "sign"); sign.is_object())
    release.sign = Sign{wall_from_millis(get_int(sign, "at_ms")), get_string(sign, "what")};
  if (const Json& left = get(value, "rolled_back"); left.is_object())
    release.rolled_back = RolledBack{RunId(get_string(left, "run")), IncidentId(get_string(left, "incident")),
                                     wall_from_millis(get_int(left, "at_ms"))};
  if (const Json& resolved = get(value, "resolved"); resolved.is_object())
    release.resolved = resolution_from_json(resolved);
}

}  // namespace

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
  if (const Json& code = get(value, "code"); code.is_object()) release.code = code;
  read_learnt(value, release);
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
