#include "database/postgresql/swap.h"

#include <chrono>

#include "base/text.h"
#include "database/postgresql/marks.h"
#include "database/postgresql/row_sequences.h"
#include "database/postgresql/sessions.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr Millis kSessionsLimit{5'000};
constexpr int kTries = 4;

/// The oids of both databases, written before anything is done.
struct SwapOids {
  int64_t old_oid = 0, new_oid = 0;
  Json marks;        // of the new one, when it took the name
  Json not_carried;  // what was written to it since, noted before it gave the name back
};

Result<std::optional<SwapOids>> load_oids(const std::string& path) {
  if (!os::exists(path)) return std::optional<SwapOids>();
  const Json written = TRY(parse_json(TRY(os::read_file(path))).with_context(path));
  return std::optional(SwapOids{get_int(written, "old_oid"), get_int(written, "new_oid"), get(written, "marks"),
                                get(written, "not_carried")});
}

Result<void> store_oids(const std::string& path, const SwapOids& oids) {
  Json written{{"old_oid", oids.old_oid}, {"new_oid", oids.new_oid}};
  if (oids.marks.is_object()) written["marks"] = oids.marks;
  if (oids.not_carried.is_array()) written["not_carried"] = oids.not_carried;
  return os::write_file_atomic(path, canonical(written) + "\n", 0600);
}

Error nothing_called(const std::string& name) {
  return {Code::kNotFound, "there is no database " + name, "see what there is: psql -l"};
}

/// Opens the live database again when the swap does not come about.
class Reopen {
 public:
  Reopen(Connection& maintenance, std::string name) : maintenance_(&maintenance), name_(std::move(name)) {}
  Reopen(const Reopen&) = delete;
  Reopen& operator=(const Reopen&) = delete;
  ~Reopen() {
    if (maintenance_ != nullptr) (void)open_database(*maintenance_, name_);
  }
  void not_needed() { maintenance_ = nullptr; }

 private:
  Connection* maintenance_;
  std::string name_;
};

struct Closed {
  int ended = 0;
  bool done = false;
  std::string why;  // not done: what was written
  int64_t closed_ms = 0;
};

/// One try: closed, looked at, renamed. Not done: opened again, because something was written since the rescue.
Result<Closed> close_and_rename(const SwapJob& job, Connection& maintenance, const SwapOids& oids) {
  TRY_VOID(open_database(maintenance, job.database));  // a killed try left it closed, and we need a session in it
  Closed closed;
  auto live = TRY(Connection::open(job.server, job.database));
  auto incoming = TRY(Connection::open(job.server, job.incoming));
  const auto began = std::chrono::steady_clock::now();
  TRY_VOID(close_database(maintenance, job.database));
  Reopen reopen(maintenance, job.database);
  closed.ended = TRY(end_sessions(maintenance, oids.old_oid, {live.process_id()}, kSessionsLimit));
  if (!TRY(job.unchanged(live, incoming, closed.why))) return closed;
  TRY(end_sessions(maintenance, oids.new_oid, {incoming.process_id()}, kSessionsLimit));
  SwapOids noted = oids;
  noted.marks = TRY(marks_of(incoming));
  TRY_VOID(store_oids(job.marker, noted));
  live = Connection();
  incoming = Connection();
  TRY(end_sessions(maintenance, oids.old_oid, {}, kSessionsLimit));
  TRY(end_sessions(maintenance, oids.new_oid, {}, kSessionsLimit));
  const auto renamed = maintenance.exec(
      "BEGIN; ALTER DATABASE " + sql_name(job.database) + " RENAME TO " + sql_name(job.keep) + "; ALTER DATABASE " +
      sql_name(job.incoming) + " RENAME TO " + sql_name(job.database) + "; " + join(job.dressing, "; ") + "; COMMIT");
  if (!renamed) {
    (void)maintenance.exec("ROLLBACK");
    return Error(renamed.error()).with_context("renaming " + job.database);
  }
  reopen.not_needed();
  closed.done = true;
  closed.closed_ms = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - began).count();
  return closed;
}

/// Tables that somebody wrote to since the new database took the name, as a sentence; else nothing.
Result<std::string> written_since(const SwapBackJob& job, const Json& marks, Connection& serving) {
  const Json now = TRY(marks_of(serving));
  const std::set<std::string> tables = changed_since(marks, now);
  if (tables.empty()) return std::string();
  const Json& server = get(now, "server");
  if (get(marks, "server") != server || !get_bool(server, "counts"))
    return fmt::format(
        "whether rows were written to {} after the swap cannot be told, for the server started anew or does not count: "
        "look in the database {}",
        job.database, job.aside);
  return fmt::format(
      "{}: rows written after the swap did not come back with the old database; they are in {}, which is closed",
      join({tables.begin(), tables.end()}, ", "), job.aside);
}

/// The old database gives no id that the new one gave. It is closed before and after.
Result<void> raise_sequences_of_kept(const SwapBackJob& job, Connection& maintenance, Connection& serving) {
  TRY_VOID(open_database(maintenance, job.keep));
  Result<Json> raised = Error{Code::kInternal, "not tried", ""};
  if (auto kept = Connection::open(job.server, job.keep)) {
    raised = raise_sequences(serving, *kept);
  } else {
    raised = kept.error();
  }
  TRY_VOID(close_database(maintenance, job.keep));
  TRY(std::move(raised));
  return {};
}

struct ClosedAgain {
  int ended = 0;
  Json not_carried = Json::array();  // sentences
};
/// Closes the swapped-in database and sees what is in it that the old one lacks. That never stops the way back.
Result<ClosedAgain> close_and_look(const SwapBackJob& job, Connection& maintenance, const SwapOids& oids) {
  ClosedAgain closed;
  TRY_VOID(open_database(maintenance, job.database));  // a killed try left it closed, and we need a session in it
  auto serving = Connection::open(job.server, job.database);
  TRY_VOID(close_database(maintenance, job.database));
  std::vector<int> own;
  if (serving) own.push_back(serving->process_id());
  closed.ended = TRY(end_sessions(maintenance, oids.new_oid, own, kSessionsLimit));
  const auto unseen = [&](const std::string& what, const Error& error) {
    closed.not_carried.push_back(
        fmt::format("{}: {}; look in the database {}", what, one_line(error.message), job.aside));
  };
  if (!serving) {
    unseen("what was written after the swap could not be looked at", serving.error());
    return closed;
  }
  const auto written = written_since(job, oids.marks, *serving);
  if (!written) unseen("what was written after the swap could not be looked at", written.error());
  if (written && !written->empty()) closed.not_carried.push_back(*written);
  if (const auto raised = raise_sequences_of_kept(job, maintenance, *serving); !raised)
    unseen("ids given after the swap may be given again", raised.error());
  return closed;
}

}  // namespace

Result<Json> swap(const SwapJob& job, const driver::Progress& progress) {
  auto maintenance = TRY(Connection::open(job.server, job.maintenance));
  const auto live = TRY(find_database(maintenance, job.database));
  if (!live) return nothing_called(job.database);
  if (const auto before = TRY(load_oids(job.marker)); before && before->new_oid == live->oid) {
    if (!live->open) TRY_VOID(open_database(maintenance, job.database));
    return Json{{"how", "already"}, {"kept", job.keep}};
  }
  const auto incoming = TRY(find_database(maintenance, job.incoming));
  if (!incoming)
    return Error{Code::kNotFound, "there is no database " + job.incoming + " to swap in", "plan the rollback again"};
  if (TRY(find_database(maintenance, job.keep)))
    return Error{Code::kConflict, "there is a database " + job.keep + " already",
                 "rename or drop it, then: backout resume"};
  TRY_VOID(nothing_in_the_way(maintenance, job.database));
  TRY_VOID(nothing_in_the_way(maintenance, job.incoming));
  SwapOids oids{live->oid, incoming->oid};
  TRY_VOID(store_oids(job.marker, oids));
  std::string why;
  int ended = 0;
  for (int i = 0; i < kTries; ++i) {
    const Closed closed = TRY(close_and_rename(job, maintenance, oids));
    ended += closed.ended;
    if (closed.done)
      return Json{
          {"how", "rename"}, {"kept", job.keep}, {"closed_ms", closed.closed_ms}, {"ended", ended}, {"again", i}};
    why = closed.why;
    if (progress) progress("rows were written since they were carried: " + why + "; carrying again");
    TRY_VOID(job.again());
    const auto anew = TRY(find_database(maintenance, job.incoming));
    if (!anew) return nothing_called(job.incoming);
    if (anew->oid == oids.new_oid) continue;
    oids.new_oid = anew->oid;
    TRY_VOID(store_oids(job.marker, oids));
  }
  return Error{Code::kBusy, fmt::format("{} is written to all the time: {}", job.database, why),
               "stop whatever writes to it (a cron job, a worker that is not in services:), then: backout resume"};
}

Result<Json> swap_back(const SwapBackJob& job) {
  auto maintenance = TRY(Connection::open(job.server, job.maintenance));
  const auto live = TRY(find_database(maintenance, job.database));
  if (!live) return nothing_called(job.database);
  auto oids = TRY(load_oids(job.marker));
  Json evidence{{"how", "already"}};
  if (!oids || live->oid != oids->new_oid) {
    TRY_VOID(open_database(maintenance, job.database));
    if (oids && oids->not_carried.is_array()) evidence["not_carried"] = oids->not_carried;
    return evidence;
  }
  const auto kept = TRY(find_database(maintenance, job.keep));
  if (!kept || kept->oid != oids->old_oid)
    return Error{Code::kNotFound, "the kept database " + job.keep + " is gone",
                 "restore a backup by hand: backout releases"};
  TRY_VOID(nothing_in_the_way(maintenance, job.database));
  Reopen reopen(maintenance, job.database);
  const ClosedAgain closed = TRY(close_and_look(job, maintenance, *oids));
  if (!closed.not_carried.empty()) {
    evidence["not_carried"] = oids->not_carried = closed.not_carried;
    TRY_VOID(store_oids(job.marker, *oids));
  }
  TRY(end_sessions(maintenance, oids->new_oid, {}, kSessionsLimit));
  TRY(end_sessions(maintenance, oids->old_oid, {}, kSessionsLimit));
  // The oldest name first: each is free when it is given. The old database comes back open.
  const auto renamed =
      maintenance.exec("BEGIN; ALTER DATABASE " + sql_name(job.database) + " RENAME TO " + sql_name(job.aside) +
                       "; ALTER DATABASE " + sql_name(job.keep) + " RENAME TO " + sql_name(job.database) +
                       "; ALTER DATABASE " + sql_name(job.database) + " ALLOW_CONNECTIONS true; COMMIT");
  if (!renamed) {
    (void)maintenance.exec("ROLLBACK");
    return Error(renamed.error()).with_context("renaming " + job.database);
  }
  reopen.not_needed();
  evidence.update({{"how", "rename"}, {"ended", closed.ended}, {"aside", job.aside}});
  return evidence;
}

Result<SwapSight> look_at_swap(const Server& server, const std::string& maintenance_name, const std::string& database,
                               const std::string& marker) {
  const auto oids = TRY(load_oids(marker));
  auto maintenance = TRY(Connection::open(server, maintenance_name));
  const auto live = TRY(find_database(maintenance, database));
  if (!live) return nothing_called(database);
  if (!oids) return SwapSight{false, live->open, "no swap was begun"};
  if (live->oid == oids->new_oid) return SwapSight{true, live->open, "the restored database has the name"};
  if (live->oid == oids->old_oid) return SwapSight{false, live->open, "the old database has the name"};
  return Error{Code::kConflict, "the database " + database + " is neither the old one nor the restored one",
               "somebody else made it: see psql -l"};
}

}  // namespace backout::postgresql
