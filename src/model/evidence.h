// Evidence: what the detector says of one measure of one signal at one instant. Facts are made from it.
#pragma once
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout {

enum class EvidenceState {
  kQuiet,  // not enough either way: neither good nor bad
  kAlarm,  // worse than tolerated, with the stated false-alarm rate; it stays so for the rest of the watch
  kClear,  // not five times worse than tolerated (Wald's lower boundary)
  kBlind,  // nothing was seen. Never good
};
std::string_view name_of(EvidenceState state);
Result<EvidenceState> evidence_state_of(std::string_view name);

struct Evidence {
  std::string signal;   // its name in backout.yaml
  std::string measure;  // "outcomes" | "speeds" | "down" | "compared" (with the old release beside it)
  EvidenceState state = EvidenceState::kBlind;
  int64_t votes = 0, bad = 0;          // of the new release, since the cutover
  int64_t old_votes = 0, old_bad = 0;  // of the old one, in the same seconds; 0: it does not serve
  int64_t requests = 0, failed = 0;    // raw, for people
  double tolerated = 0;                // the rate of bad votes that is let pass, 0..1
  double decibels = 0, needed = 0;     // 10 log10 of the evidence, and of the threshold
  double bad_per_second = 0;           // failed requests a second, of late
  WallTime first_bad{};                // epoch: none
  WallTime onset{};                    // where the walk turned (its last minimum); epoch: unknown
  WallTime alarm_at{};                 // epoch: no alarm
  int64_t more_votes = 0;              // at today's rate, until the alarm; 0: it cannot be told, or it is there
  Millis more_time{0};                 // and how long these take
  std::string why;                     // blind: why; else a word on what was compared with
};

Json to_json(const Evidence& evidence);
Result<Evidence> evidence_from_json(const Json& value);

}  // namespace backout
