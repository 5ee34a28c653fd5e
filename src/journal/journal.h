// Journal: the append-only record of everything that happened, durable before the call returns.
//
// One file per state directory, one hash chain and one sequence per site. Read models (releases, checkpoints, runs,
// plans, leases, step durations) are tables rebuilt from events and written in the same transaction. A writer inside a
// run names its lease token; an append under a token that is no longer the newest is refused, so a controller that
// slept finds out here too. Thread-safe: one connection, one mutex. The seam to another store is journal/store.h.
// Format: docs/formats/journal.md.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/event.h"
#include "model/plan.h"
#include "model/release.h"

namespace backout::journal {

/// Who holds a site, and for what.
struct Lease {
  int64_t token = 0;   // grows by every grant; the fencing token at targets
  std::string holder;  // "dana@web-1 pid 4121"
  std::string doing;   // "rollback to v2.3.1"
  WallTime since{};
};

/// Read model of a run; enough for `status`. Details come from its events.
struct RunRow {
  RunId id;
  IncidentId incident;  // empty for deploys and checkpoints
  RunKind kind = RunKind::kRollback;
  PlanId plan;
  Version from, to;
  std::string state;  // running | stopped | done | aborted | failed | unverified
  std::string why;    // of the last change
  int exit = 0;       // of the last stop or end
  WallTime started_at{}, changed_at{};
  bool open() const { return state == "running" || state == "stopped"; }
};

/// What a site serves, as far as the journal knows.
struct Serving {
  std::optional<Release> current;
  WallTime since{};       // it serves; the epoch: not known
  WallTime good_until{};  // the last time that what served was known-good; the epoch: never, or it is now
};

/// Read model of a rollback: what was left, and why.
struct RollbackRow {
  RunRow run;
  std::string reason, by;
  std::optional<Release> left;  // as it is known today: its cause may have been found since
  std::optional<Sign> sign;     // the first thing seen of it that was not good, before the rollback began
  struct Also {
    IncidentId incident;
    std::string why;
  };
  std::vector<Also> also;  // incidents of their own that came with it
};

struct NewEvent {
  EventType type;
  Json body = Json::object();
  RunId run;
  std::string id = random_hex(16);
};

struct VerifyReport {
  int64_t events = 0;
  std::vector<std::string> faults;  // empty: every chain holds
};

class Journal {
 public:
  /// Opens or creates `<directory>/journal.db`, mode 0600 in a 0700 directory. `actor` is put on every event.
  /// kCorrupt (the file is never touched then), kDenied, kNoSpace, kUnsupported (written by a newer version).
  static Result<std::unique_ptr<Journal>> open(const std::string& directory, std::string actor, Clock& clock);
  virtual ~Journal() = default;

  virtual const std::string& id() const = 0;  // random, made with the file; owns sites at targets
  virtual const std::string& directory() const = 0;

  /// Appends all or nothing, in order. `token` 0: outside any lease. kConflict: the token is old. When the disk is full
  /// the reserve is given up first; kNoSpace only when that did not suffice. Returns the events as stored.
  virtual Result<std::vector<Event>> append(const SiteId& site, int64_t token, std::vector<NewEvent> events) = 0;

  /// Events of a site with seq > after, oldest first; `run` empty: all runs.
  virtual Result<std::vector<Event>> read(const SiteId& site, int64_t after = 0, const RunId& run = {},
                                          int64_t limit = -1) = 0;

  /// Takes the site. kBusy with holder, since and doing when it is held by a living process whose time has not run out.
  /// A holder is dead when its boot is over or its process is gone, and out of time after `ttl` without renew().
  virtual Result<Lease> acquire(const SiteId& site, const std::string& doing, Millis ttl) = 0;
  /// kConflict when somebody else has taken it.
  virtual Result<void> renew(const SiteId& site, int64_t token) = 0;
  virtual Result<void> release(const SiteId& site, int64_t token) = 0;
  virtual Result<std::optional<Lease>> holder(const SiteId& site) = 0;

  virtual Result<std::vector<SiteId>> sites() = 0;
  virtual Result<std::vector<Release>> releases(const SiteId& site) = 0;  // newest first
  /// The same one by one, until `each` returns false: what is asked of the newest few costs no more with thousands.
  virtual Result<void> each_release(const SiteId& site, const std::function<bool(const Release&)>& each) = 0;
  virtual Result<Serving> serving(const SiteId& site) = 0;
  virtual Result<std::vector<RollbackRow>> rollbacks(const SiteId& site, int limit = -1) = 0;  // newest first
  virtual Result<std::vector<Checkpoint>> checkpoints(const SiteId& site) = 0;                 // newest first
  /// What is known of backups beside those of checkpoints: {"path", "identity", "result", ...} as of the newest events,
  /// and one without a path: how the last making of one went. Deleted ones are left out.
  virtual Result<std::vector<Json>> backups(const SiteId& site) = 0;
  virtual Result<std::vector<RunRow>> runs(const SiteId& site, int limit = 20) = 0;    // newest first
  virtual Result<std::optional<Plan>> plan(const SiteId& site, const PlanId& id) = 0;  // the newest of that id
  /// How long a step took in earlier runs of that kind on this site: milliseconds, newest first, at most 10.
  virtual Result<std::map<std::string, std::vector<Millis>>> step_durations(const SiteId& site, RunKind kind) = 0;
  /// The newest answer of `backout ready` that was recorded: the body of its event, and at_ms. A null value: none.
  virtual Result<Json> ready(const SiteId& site) = 0;
  /// The newest watch as fold.h keeps it; null when there was none.
  virtual Result<Json> watch(const SiteId& site) = 0;
  /// What is held for and against the release that serves, as fold_judgement.h keeps it; null when there is nothing.
  virtual Result<Json> judgement(const SiteId& site) = 0;
  /// {state: raising|raised|normal, why, until_ms, since_ms}; null when it was never touched.
  virtual Result<Json> log_level(const SiteId& site) = 0;
  /// The next number of a kind of id on this journal: "R", "C", "RUN", "INC-2026". Gapless use is not promised.
  virtual Result<int64_t> next_number(const SiteId& site, const std::string& kind) = 0;

  virtual Result<VerifyReport> verify() = 0;  // walks every chain
  virtual Result<void> rebuild() = 0;         // read models from events
  /// One event per line as JSON, with hashes, oldest first per site; ends with a line that counts them.
  virtual Result<void> export_to(const std::function<Result<void>(std::string_view line)>& line) = 0;
  /// Bytes still held back for a full disk; 0 when they were used.
  virtual uint64_t reserve_bytes() const = 0;
};

}  // namespace backout::journal
