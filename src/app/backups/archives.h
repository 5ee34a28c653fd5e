// Archives: a team's own backup in the place of a checkpoint that was never taken, or whose copy is gone or damaged.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app/site/subject.h"
#include "model/release.h"

namespace backout::app {

/// A checkpoint as a plan needs one for the database, made from a backup; the restored copy lies in the scratch
/// directory while the plan is made, and goes with this.
class StandIn {
 public:
  StandIn() = default;
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn();

  Checkpoint checkpoint;
  std::string words;               // "the backup shop.sql.gz of 2026-11-20T03:00Z (412 kB, restored beside: ...)"
  std::vector<std::string> notes;  // what was passed over and why, and what a backup cannot tell
  std::vector<std::string> files;  // the restored copy
};

/// The newest backup that was certainly taken before `from` came, in the time of `to` as far as the journal knows it,
/// that passes a test now and has the schema of the checkpoint where that is known. kNotFound when there is none, with
/// what was passed over; kRefused without database.backups.
Result<std::unique_ptr<StandIn>> stand_in(const Workspace& workspace, const Subject& subject, const Release& from,
                                          const Release& to, const Checkpoint* checkpoint);

}  // namespace backout::app
