#include "model/event.h"

#include "model/names.h"

namespace backout {
namespace {
constexpr NameTable<EventType, 39> kNames{{{EventType::kLeaseGranted, "lease_granted"},
                                           {EventType::kLeaseReleased, "lease_released"},
                                           {EventType::kCheckpointTaken, "checkpoint_taken"},
                                           {EventType::kCheckpointVerified, "checkpoint_verified"},
                                           {EventType::kReleaseRecorded, "release_recorded"},
                                           {EventType::kReleaseState, "release_state"},
                                           {EventType::kReleaseCurrent, "release_current"},
                                           {EventType::kReleaseLooked, "release_looked"},
                                           {EventType::kReleaseResolved, "release_resolved"},
                                           {EventType::kDeploysResumed, "deploys_resumed"},
                                           {EventType::kCiSeen, "ci_seen"},
                                           {EventType::kIncidentOpened, "incident_opened"},
                                           {EventType::kPlanMade, "plan_made"},
                                           {EventType::kRunStarted, "run_started"},
                                           {EventType::kAttemptIntended, "attempt_intended"},
                                           {EventType::kAttemptEnded, "attempt_ended"},
                                           {EventType::kStepEnded, "step_ended"},
                                           {EventType::kQuestionAsked, "question_asked"},
                                           {EventType::kQuestionAnswered, "question_answered"},
                                           {EventType::kRunTurned, "run_turned"},
                                           {EventType::kDoorClosed, "door_closed"},
                                           {EventType::kDoorOpened, "door_opened"},
                                           {EventType::kRunStopped, "run_stopped"},
                                           {EventType::kRunEnded, "run_ended"},
                                           {EventType::kNote, "note"},
                                           {EventType::kReadyLooked, "ready_looked"},
                                           {EventType::kEvidenceDeleted, "evidence_deleted"},
                                           {EventType::kWatchStarted, "watch_started"},
                                           {EventType::kWatchLook, "watch_look"},
                                           {EventType::kWatchTrouble, "watch_trouble"},
                                           {EventType::kWatchEnded, "watch_ended"},
                                           {EventType::kLogLevel, "log_level"},
                                           {EventType::kBackupTaken, "backup_taken"},
                                           {EventType::kBackupTested, "backup_tested"},
                                           {EventType::kBackupFailed, "backup_failed"},
                                           {EventType::kBackupDeleted, "backup_deleted"},
                                           {EventType::kProblemReported, "problem_reported"},
                                           {EventType::kFactStated, "fact_stated"},
                                           {EventType::kVerdictGiven, "verdict_given"}}};
}

std::string_view name_of(EventType type) { return name_in(kNames, type); }
Result<EventType> event_type_of(std::string_view name) { return value_in(kNames, name, "event type"); }

Millis between(const Event& earlier, const Event& later) {
  const Millis span = !earlier.boot_id.empty() && earlier.boot_id == later.boot_id
                          ? later.boot - earlier.boot
                          : std::chrono::duration_cast<Millis>(later.at - earlier.at);
  return std::max(span, Millis(0));
}

}  // namespace backout
