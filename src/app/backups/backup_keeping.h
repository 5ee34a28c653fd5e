// Keeping backups: one is made when it is due, each new one is proved, old ones of our own go. The work of a timer.
#pragma once
#include "app/backups/backups.h"

namespace backout::app {

/// Makes one now - by database.backups.make, or a copy - and tests it. A failure is recorded, and is the error: nothing
/// was made, the command left no new file, there is no room. The backup may turn out bad: see Backup::result.
Result<Backup> take_backup(const Workspace& workspace, const Said& said);

struct Kept {
  std::vector<std::string> lines;     // what was done
  std::vector<std::string> problems;  // what is wrong with the backups of this site; empty: all is well
};
/// Tests what is new, makes one when it is due and the hour is right, removes our own that are older than
/// database.backups.keep - never the newest that is good - and says what is wrong. Nothing without database.backups.
Result<Kept> keep_backups(const Workspace& workspace, const Said& said);

/// Is `now` within the hours of low traffic? `minute`: of the day. Windows may go over midnight.
bool within_hours(int from_minute, int to_minute, int minute);

}  // namespace backout::app
