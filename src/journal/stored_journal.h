// Journal on a Store. See journal.h for what it guarantees; here is how:
//
// Every change is one write transaction: head row, events, read models. A grant makes room for what the run will
// append; when the disk is full all the same, the reserve goes piece by piece until the change is written. A commit
// that returned an error is resolved by looking for the ids of its events. One mutex around everything.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "journal/journal.h"
#include "journal/lease.h"
#include "journal/reserve.h"
#include "journal/room.h"
#include "journal/sql_tables.h"
#include "journal/store.h"

namespace backout::journal {

struct Options {
  uint64_t reserve_bytes = Reserve::kDefaultBytes;  // 0: nothing is held back, in the journal's own files neither
  uint64_t room_bytes = kRoomBytes;                 // 0: none is made
  MayLive may_live = journal::may_live;
  /// Puts something between the journal and its store: for tests.
  std::function<std::unique_ptr<Store>(std::unique_ptr<Store>)> wrap;
};

class StoredJournal : public Journal {
 public:
  static Result<std::unique_ptr<Journal>> open(const std::string& directory, std::string actor, Clock& clock,
                                               Options options);

  const std::string& id() const override { return id_; }
  const std::string& directory() const override { return directory_; }
  uint64_t reserve_bytes() const override { return reserve_.bytes(); }

  Result<std::vector<Event>> append(const SiteId& site, int64_t token, std::vector<NewEvent> events) override;
  Result<std::vector<Event>> read(const SiteId& site, int64_t after, const RunId& run, int64_t limit) override;

  Result<Lease> acquire(const SiteId& site, const std::string& doing, Millis ttl) override;
  Result<void> renew(const SiteId& site, int64_t token) override;
  Result<void> release(const SiteId& site, int64_t token) override;
  Result<std::optional<Lease>> holder(const SiteId& site) override;

  Result<std::vector<SiteId>> sites() override;
  Result<std::vector<Release>> releases(const SiteId& site) override;
  Result<void> each_release(const SiteId& site, const std::function<bool(const Release&)>& each) override;
  Result<Serving> serving(const SiteId& site) override;
  Result<std::vector<RollbackRow>> rollbacks(const SiteId& site, int limit) override;
  Result<std::vector<Checkpoint>> checkpoints(const SiteId& site) override;
  Result<std::vector<Json>> backups(const SiteId& site) override;
  Result<std::vector<RunRow>> runs(const SiteId& site, int limit) override;
  Result<std::optional<Plan>> plan(const SiteId& site, const PlanId& id) override;
  Result<Json> ready(const SiteId& site) override;
  Result<std::map<std::string, std::vector<Millis>>> step_durations(const SiteId& site, RunKind kind) override;
  Result<Json> watch(const SiteId& site) override;
  Result<Json> judgement(const SiteId& site) override;
  Result<Json> log_level(const SiteId& site) override;
  Result<int64_t> next_number(const SiteId& site, const std::string& kind) override;

  Result<VerifyReport> verify() override;
  Result<void> rebuild() override;
  Result<void> export_to(const std::function<Result<void>(std::string_view line)>& line) override;

 private:
  StoredJournal(std::unique_ptr<Store> store, Reserve reserve, uint64_t room_bytes, std::string directory,
                std::string actor, Clock& clock, MayLive may_live);
  Result<void> load();
  /// Makes the read models anew when another version of this program wrote them.
  Result<void> bring_models_up_to_date();

  using Work = std::function<Result<void>()>;
  /// Runs `work` in a write transaction; again and again when the disk was full, while there is a reserve. `ids`:
  /// events that it adds, if any.
  Result<void> transact(const std::vector<std::string>& ids, const Work& work, Access access = Access::kWrite);
  Result<void> try_transact(const std::vector<std::string>& ids, const Work& work, Access access);
  /// Runs `work` on one snapshot.
  Result<void> look(const Work& work);

  // REQUIRES for these: inside a transaction.
  Result<std::vector<Event>> add(const SiteId& site, const std::vector<NewEvent>& events);
  /// The events of these ids when all of them are stored; empty when none is. kConflict in between.
  Result<std::vector<Event>> stored(const std::vector<std::string>& ids);
  Result<std::optional<Release>> release(const SiteId& site, const std::string& id);
  Result<std::optional<Grant>> newest_grant(const SiteId& site);
  /// kConflict unless `token` is the newest granted on `site`.
  Result<Grant> current_grant(const SiteId& site, int64_t token);

  std::mutex mutex_;
  std::unique_ptr<Store> store_;
  Events events_;
  SqlTables tables_;
  Reserve reserve_;
  uint64_t room_bytes_;
  std::string directory_, actor_, id_, models_;
  Clock& clock_;
  MayLive may_live_;
};

}  // namespace backout::journal
