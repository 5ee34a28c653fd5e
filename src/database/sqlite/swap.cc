#include "database/sqlite/swap.h"

#include <unistd.h>

#include "database/sqlite/backup.h"
#include "database/sqlite/exclusive.h"
#include "database/sqlite/holders.h"
#include "database/sqlite/page_digest.h"
#include "database/sqlite/read_schema.h"
#include "database/sqlite/swap_marker.h"
#include "os/file.h"

namespace backout::database {
namespace {

/// Content of a database at one moment.
struct Seen {
  std::string digest, schema, journal_mode;
};

Result<Seen> see(const std::string& path, Open how) {
  auto connection = TRY(Connection::open(path, how));
  TRY_VOID(connection.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
  Seen seen;
  seen.digest = TRY(page_digest(connection)).hex();
  seen.schema = hash_of(TRY(read_schema(connection)));
  seen.journal_mode = TRY(connection.text("PRAGMA journal_mode"));
  return seen;
}

Error changed_since(const std::string& file, const std::string& when) {
  std::string by;
  if (const auto holders = holders_of(file); holders && !holders->list.empty())
    by = "; it is held by " + for_people(*holders);
  return {Code::kConflict, file + " was written to " + when + by + "; nothing was replaced",
          "stop whatever writes to it (a cron job, a worker that is not in services:) and try again"};
}

bool has_content(const std::string& path) { return os::size_of(path).value_or(0) > 0; }

/// Everything that a -wal or a journal still holds goes into the file. False: somebody else is using it.
Result<bool> fold_in(const std::string& file) {
  auto live = TRY(Connection::open(file, Open::kWrite));
  auto checkpoint = TRY(live.prepare("PRAGMA wal_checkpoint(TRUNCATE)"));
  const auto stepped = checkpoint.step();
  if (!stepped) {
    if (stepped.error().code == Code::kBusy) return false;
    return stepped.error();
  }
  return checkpoint.integer(0) == 0;
}

/// The incoming file as its place asks for: journal mode, owner, mode.
Result<void> dress(const std::string& incoming, const std::string& journal_mode, const FileFacts& like) {
  if (journal_mode == "wal") {
    auto connection = TRY(Connection::open(incoming, Open::kWrite));
    TRY_VOID(connection.text("PRAGMA journal_mode=WAL"));
  }
  TRY_VOID(set_owner_and_mode(incoming, like));
  return sync_file(incoming);
}

/// False: somebody is in the way, the content must go in through SQLite.
Result<bool> replace_by_rename(const SwapJob& job, const SwapMarker& marker) {
  if (!TRY(holders_of(job.file)).none()) return false;
  if (!TRY(fold_in(job.file))) return false;
  const auto lock = TRY(ExclusiveLock::try_lock(job.file));
  if (!lock) return false;
  if (has_content(job.file + "-wal") || has_content(job.file + "-journal") || !TRY(holders_of(job.file)).none())
    return false;
  if (TRY(page_digest_of(job.file, Open::kFixed)).hex() != marker.old_digest)
    return changed_since(job.file, "while it was being replaced");
  const auto before = TRY(facts_of(job.file));
  TRY_VOID(dress(job.incoming, marker.journal_mode, before));
  if (os::exists(job.keep) && !TRY(facts_of(job.keep)).same_file(before)) {
    // A try that was killed has copied it already.
    if (TRY(page_digest_of(job.keep, Open::kFixed)).hex() != marker.old_digest)
      return Error{Code::kConflict, job.keep + " exists and is something else", "move it away and try again"};
  } else {
    TRY_VOID(link_file(job.file, job.keep));
  }
  // Empty by now, and nobody can open them: the new file must not meet the old one's.
  for (const char* suffix : {"-wal", "-shm", "-journal"}) TRY_VOID(os::remove_file(job.file + suffix));
  TRY_VOID(rename_file(job.incoming, job.file));
  if (const auto late = holders_of(std::vector<FileFacts>{before}); !late.list.empty())
    return Error{Code::kConflict,
                 for_people(late) + " opened " + job.file +
                     " in the very moment of the swap and is still on the old file, kept as " + job.keep,
                 "end it, then: backout abort"};
  return true;
}

/// Into the live file, under SQLite's write lock, in one transaction.
Result<void> replace_by_copy(const SwapJob& job, const SwapMarker& marker, const Progress& progress) {
  const bool kept = os::exists(job.keep) && TRY(page_digest_of(job.keep, Open::kFixed)).hex() == marker.old_digest;
  if (!kept) {
    if (os::exists(job.keep))
      return Error{Code::kConflict, job.keep + " exists and is something else", "move it away and try again"};
    TRY_VOID(save_copy(job.file, job.keep, progress));
    if (TRY(page_digest_of(job.keep, Open::kFixed)).hex() != marker.old_digest) {
      TRY_VOID(os::remove_file(job.keep));
      return changed_since(job.file, "while its content was being kept");
    }
  }
  auto from = TRY(Connection::open(job.incoming, Open::kFixed));
  auto to = TRY(Connection::open(job.file, Open::kWrite));
  TRY_VOID(to.exec("PRAGMA synchronous=EXTRA"));  // a power cut must not bring a deleted journal back
  const auto page_size = static_cast<size_t>(TRY(to.integer("PRAGMA page_size")));
  sqlite3_backup* copying = sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
  if (copying == nullptr) return to.error(sqlite3_errcode(to.raw()), "starting to write into the live database");
  int code = sqlite3_backup_step(copying, 0);  // takes the write lock, copies nothing yet
  Result<void> still_expected;
  if (code == SQLITE_OK) {
    const auto digest = page_digest(to.raw(), page_size, marker.journal_mode == "wal");
    if (!digest) {
      still_expected = digest.error();
    } else if (digest->hex() != marker.old_digest) {
      still_expected = changed_since(job.file, "while it was being replaced");
    }
    while (still_expected && code == SQLITE_OK) code = sqlite3_backup_step(copying, 16384);
  }
  const int finished = sqlite3_backup_finish(copying);
  TRY_VOID(std::move(still_expected));
  if (code == SQLITE_READONLY)
    return Error{Code::kConflict,
                 job.file + " is in WAL mode with another page size than the restored file, and held by " +
                     for_people(TRY(holders_of(job.file))),
                 "end those processes and try again: then it is replaced by rename"};
  if (code != SQLITE_DONE) return to.error(code, "writing into the live database; it holds its old content");
  if (finished != SQLITE_OK) return to.error(finished, "writing into the live database; it holds its old content");
  if (marker.journal_mode == "wal") (void)to.exec("PRAGMA wal_checkpoint(PASSIVE)");  // only saves the next reader time
  return {};
}

Result<Json> place(const SwapJob& job, SwapMarker marker, const Progress& progress) {
  const auto holders = TRY(holders_of(job.file));
  TRY_VOID(store_marker(marker, job.marker));
  const bool renamed = TRY(replace_by_rename(job, marker));
  if (!renamed) {
    if (progress)
      progress("the database is open in " + for_people(TRY(holders_of(job.file))) + ": writing into it through SQLite");
    TRY_VOID(replace_by_copy(job, marker, progress));
  }
  return Json{{"how", renamed ? "rename" : "copy"},
              {"holders", to_json(holders)},
              {"kept", job.keep},
              {"journal_mode", marker.journal_mode}};
}

}  // namespace

Result<Json> swap(const SwapJob& job, const Progress& progress) {
  const Seen live = TRY(see(job.file, Open::kQuery));
  auto marker = TRY(load_marker(job.marker));
  if (marker && marker->state != "undone") {
    const auto sight = TRY(look_at_swap(job.file, job.marker));
    if (sight.content == Content::kNew) {
      marker->state = "done";
      TRY_VOID(store_marker(*marker, job.marker));
      remove_database(job.incoming);
      return Json{{"how", "already"}, {"kept", job.keep}, {"journal_mode", marker->journal_mode}};
    }
  }
  if (!job.expected_live.empty() && live.digest != job.expected_live)
    return changed_since(job.file, "after its rows were counted");
  if (!os::exists(job.incoming))
    return Error{Code::kNotFound, "there is no " + job.incoming + " to swap in", "plan the rollback again"};
  const Seen incoming = TRY(see(job.incoming, Open::kWrite));
  if (!job.expected_incoming.empty() && incoming.digest != job.expected_incoming)
    return Error{Code::kConflict, job.incoming + " is not what the rescue left; nothing was replaced",
                 "backout abort, then plan the rollback again"};
  SwapMarker begun{"begun", live.digest, incoming.digest, live.schema, incoming.schema, live.journal_mode};
  Json evidence = TRY(place(job, begun, progress));
  begun.state = "done";
  TRY_VOID(store_marker(begun, job.marker));
  if (evidence["how"] == "copy") remove_database(job.incoming);
  return evidence;
}

Result<Json> swap_back(const SwapBackJob& job, const Progress& progress) {
  auto marker = TRY(load_marker(job.marker));
  if (!marker || marker->state == "undone") return Json{{"how", "already"}};
  const auto sight = TRY(look_at_swap(job.file, job.marker));
  Json evidence{{"how", "already"}};
  if (sight.content == Content::kNew) {
    if (!os::exists(job.keep))
      return Error{Code::kNotFound, "the kept database " + job.keep + " is gone",
                   "restore a backup by hand: backout releases"};
    const Seen live = TRY(see(job.file, Open::kQuery));
    // The way back is a swap of its own, with its own marker: a kill in it is found by looking at both.
    const SwapMarker back{"begun",     live.digest,        marker->old_digest,
                          live.schema, marker->old_schema, marker->journal_mode};
    evidence = TRY(place({.file = job.file, .incoming = job.keep, .keep = job.aside, .marker = job.marker + ".back"},
                         back, progress));
  }
  if (os::exists(job.keep) && TRY(facts_of(job.keep)).same_file(TRY(facts_of(job.file))))
    TRY_VOID(os::remove_file(job.keep));
  marker->state = "undone";
  TRY_VOID(store_marker(*marker, job.marker));
  TRY_VOID(os::remove_file(job.marker + ".back"));
  return evidence;
}

Result<SwapSight> look_at_swap(const std::string& file, const std::string& marker_path) {
  const auto marker = TRY(load_marker(marker_path));
  if (!marker) return SwapSight{Content::kOld, "no swap was begun"};
  const Seen live = TRY(see(file, Open::kQuery));
  if (live.digest == marker->new_digest)
    return SwapSight{Content::kNew, "it holds exactly the restored and rescued content"};
  if (live.digest == marker->old_digest)
    return SwapSight{Content::kOld, "it holds exactly the content from before the swap"};
  if (marker->state == "undone") return SwapSight{Content::kOld, "the swap was undone, and rows were written since"};
  if (live.schema == marker->new_schema && live.schema != marker->old_schema)
    return SwapSight{Content::kNew, "it has the restored schema, and rows were written since"};
  if (live.schema == marker->old_schema && live.schema != marker->new_schema)
    return SwapSight{Content::kOld, "it has the schema from before the swap, and rows were written since"};
  if (marker->state == "done") return SwapSight{Content::kNew, "the swap was finished, and rows were written since"};
  return SwapSight{Content::kOld, "rows were written, and the swap was not finished"};
}

}  // namespace backout::database
