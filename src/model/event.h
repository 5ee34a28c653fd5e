// Event: one entry of the journal. The types are the one visible list below; docs/formats/journal.md gives each body.
#pragma once
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "model/ids.h"

namespace backout {

enum class EventType {
  kLeaseGranted,        // {token, holder, doing}
  kLeaseReleased,       // {token}
  kCheckpointTaken,     // checkpoint
  kCheckpointVerified,  // {checkpoint, how}
  kReleaseRecorded,     // release (new, or what was found running when the journal began)
  kReleaseState,        // {release, state, why, bake_until?}
  kReleaseCurrent,      // {release, version, why}: what serves now
  kReleaseLooked,     // {release, result: held|failed|unseen, looks, failed?, baked_ms, bake_ms}: looks while it bakes
  kReleaseResolved,   // {release, version, cause, fix, missed, prevent, by}: may be deployed again
  kDeploysResumed,    // {run, step, host, result: resuming|resumed|failed, why}: what that run paused may go on
  kCiSeen,            // {release, version, commit, result, why, url}
  kIncidentOpened,    // {incident, about, version, why}: beside the incident of the run
  kPlanMade,          // plan
  kRunStarted,        // {kind, incident?, plan, from, to, reason, steps}
  kAttemptIntended,   // {step, host, attempt, purpose: apply|undo, command}: durable before the command starts
  kAttemptEnded,      // {step, host, attempt, purpose, exit_status?, signal?, timed_out?, took_ms, out_tail, err_tail,
                      // output}
  kStepEnded,         // {step, host, purpose, outcome}
  kQuestionAsked,     // {step, question}
  kQuestionAnswered,  // {step, question, answer, by}
  kRunTurned,         // {why}: from here on the run undoes what it did
  kDoorClosed,        // {step}: users are outside
  kDoorOpened,        // {step}: the commit point, or the door put back by an abort
  kRunStopped,        // {why, step?, host?, exit}: resumable: interrupted, Unknown, held
  kRunEnded,          // {result: done|aborted|failed|unverified, exit, why}
  kNote,              // {text, file?, by}
  kReadyLooked,       // {ready, from, to, red, warnings, says}: `backout ready`, when its answer changed or once a day
  kEvidenceDeleted,   // {path, sha256, why}
  kWatchStarted,      // {watch, version, why, until_ms}: the release is looked at again and again from here on
  kWatchLook,         // {watch, failed, looks, bad, new_kinds, figures, versions, positions}: one round
  kWatchTrouble,      // {watch, why}: so many of the last looks failed
  kWatchEnded,        // {watch, verdict, why}
  kLogLevel,          // {state: raising|raised|normal, why}: durable before the command that raises it
  kBackupTaken,       // {path, size, made: copy|command, took_ms}: a backup beside those of checkpoints
  kBackupTested,      // {path, identity, sha256, result: good|bad|untested, how: restored|read, why, tested, ...}
  kBackupFailed,      // {why}: one was due and could not be made
  kBackupDeleted,     // {path, sha256, why}
  kProblemReported,   // {text, severe, by}: a person says that something is wrong
  kFactStated,        // {fact, value, by}: a person's answer, for as long as this release serves
  kVerdictGiven,      // {asked, inputs, verdict}: what `decide` said, and all that it was said from
};
std::string_view name_of(EventType type);
Result<EventType> event_type_of(std::string_view name);

struct Event {
  std::string id;  // 32 hex digits, chosen by the writer: a lost COMMIT is resolved by it
  SiteId site;
  int64_t seq = 0;  // 1, 2, 3 ... per site; given by the journal
  EventType type = EventType::kNote;
  WallTime at{};
  BootTime boot{0};  // durations are differences of these, when boot_id is the same
  std::string boot_id;
  std::string actor;  // "dana", from the environment; a claim, not a proof
  RunId run;          // empty outside runs
  Json body = Json::object();
};

/// The time from one event to a later one: by boot time where both are of one boot, else by wall time. Never negative.
Millis between(const Event& earlier, const Event& later);

}  // namespace backout
