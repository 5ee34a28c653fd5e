// swap: one database takes the place of another at a path, whole, whatever moment a kill comes.
//
// Nobody has the live file open: its -wal is folded in, it is locked against everybody, gets a second name (`keep`),
// and the incoming file is renamed over it. Somebody has it open: a rename would leave them on the old file, so the
// content goes into the live file through SQLite's own locking (online backup API, one transaction), after a copy was
// made as `keep`; open connections see the new content at their next statement. Both refuse when the live content is
// not what was expected.
//
// A marker file beside the run says what was begun, with the digests of both contents: that is how a look, or a second
// try, tells old from new.
#pragma once
#include <string>

#include "base/json.h"
#include "database/sqlite/files.h"

namespace backout::database {

struct SwapJob {
  std::string file;      // the path users' programs open; no symlink
  std::string incoming;  // same file system; gone afterwards
  std::string keep;      // gets the content that was live
  std::string marker;
  std::string expected_live;      // page digest of what may be replaced; empty: whatever is there
  std::string expected_incoming;  // and of what takes its place: exactly what the rescue proved
};

/// {"how": "rename" | "copy" | "already", "holders", "kept"}.
/// kConflict: somebody wrote to the live file after the rows were counted, the incoming one is not what was proved, or
/// the live one cannot be replaced while it is held.
Result<Json> swap(const SwapJob& job, const Progress& progress);

/// Puts `keep` back in place; what was swapped in is kept as `aside`.
struct SwapBackJob {
  std::string file, keep, aside, marker;
};
Result<Json> swap_back(const SwapBackJob& job, const Progress& progress);

enum class Content { kOld, kNew };
struct SwapSight {
  Content content = Content::kOld;
  std::string why;
};
/// Which content the path holds now, by looking at it. kOld too when nothing was ever begun.
Result<SwapSight> look_at_swap(const std::string& file, const std::string& marker);

}  // namespace backout::database
