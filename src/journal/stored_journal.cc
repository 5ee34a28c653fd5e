#include "journal/stored_journal.h"

#include "base/fault.h"
#include "base/text.h"
#include "journal/audit.h"
#include "journal/journal_file.h"
#include "journal/sqlite_store.h"
#include "os/file.h"

namespace backout::journal {
namespace {

std::vector<std::string> ids_of(const std::vector<NewEvent>& events) {
  std::vector<std::string> ids;
  for (const NewEvent& event : events) ids.push_back(event.id);
  return ids;
}

/// Giving the reserve up can help against these.
bool may_be_full(const Error& error) { return error.code == Code::kNoSpace || error.code == Code::kUnavailable; }

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::string& directory, std::string actor, Clock& clock) {
  return StoredJournal::open(directory, std::move(actor), clock, {});
}

Result<std::unique_ptr<Journal>> StoredJournal::open(const std::string& directory, std::string actor, Clock& clock,
                                                     Options options) {
  TRY_VOID(os::make_directories(directory, 0700).with_context("the state directory"));
  const std::string file = directory + "/journal.db";
  Result<void> recognised = recognise(file);
  if (!recognised && recognised.error().code == Code::kNotFound) {
    TRY_VOID(make_journal_file(file).with_context("making the journal"));
    recognised = recognise(file);
  }
  if (!recognised)
    return std::move(recognised).error().with_next("run as its owner, or choose another place: --state DIR");

  const Reserve reserve(directory + "/reserve", options.reserve_bytes);
  const auto open_once = [&]() -> Result<std::unique_ptr<Journal>> {
    auto store = TRY(open_sqlite(file));
    if (options.wrap) store = options.wrap(std::move(store));
    std::unique_ptr<StoredJournal> journal(new StoredJournal(std::move(store), reserve,
                                                             options.reserve_bytes == 0 ? 0 : options.room_bytes,
                                                             directory, actor, clock, options.may_live));
    TRY_VOID(journal->load());
    return std::unique_ptr<Journal>(std::move(journal));
  };
  auto journal = open_once();
  bool was_full = false;
  while (!journal && may_be_full(journal.error()) && reserve.bytes() > 0) {
    was_full = true;  // even reading needs a few pages of shared memory on the disk
    TRY_VOID(reserve.give_piece());
    journal = open_once();
  }
  if (journal && !was_full) reserve.make();
  return journal;
}

StoredJournal::StoredJournal(std::unique_ptr<Store> store, Reserve reserve, uint64_t room_bytes, std::string directory,
                             std::string actor, Clock& clock, MayLive may_live)
    : store_(std::move(store)),
      events_(*store_),
      tables_(*store_),
      reserve_(std::move(reserve)),
      room_bytes_(room_bytes),
      directory_(std::move(directory)),
      actor_(one_line(actor)),
      clock_(clock),
      may_live_(std::move(may_live)) {}

Result<void> StoredJournal::load() {
  std::string format;
  TRY_VOID(store_->query("SELECT key, value FROM meta", {}, [&](const Row& row) -> Result<void> {
    if (row.text(0) == "id") id_ = row.text(1);
    if (row.text(0) == "format") format = row.text(1);
    if (row.text(0) == "models") models_ = row.text(1);
    return {};
  }));
  if (id_.empty())
    return Error{Code::kCorrupt, directory_ + "/journal.db has lost its id", "restore a copy of the journal"};
  if (format != std::to_string(kFormat))  // the first 100 bytes may be older than the WAL
    return Error{Code::kUnsupported,
                 fmt::format("{}/journal.db was written by a newer backout (format {}, this one reads {})", directory_,
                             one_line(format), kFormat),
                 "use that version, or another place: --state DIR"};
  return bring_models_up_to_date();
}

Result<void> StoredJournal::bring_models_up_to_date() {
  const std::string version = std::to_string(kModelsVersion);
  if (models_ == version) return {};
  return transact({}, [&]() -> Result<void> {
    TRY_VOID(rebuild_models(*store_));
    TRY_VOID(
        store_->execute("INSERT INTO meta (key, value) VALUES ($1, $2)"
                        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                        {"models", version}));
    return {};
  });
}

Result<void> StoredJournal::transact(const std::vector<std::string>& ids, const Work& work, Access access) {
  Result<void> done = try_transact(ids, work, access);
  while (!done && may_be_full(done.error()) && reserve_.bytes() > 0) {
    if (Result<void> freed = reserve_.give_piece(); !freed) return std::move(done).error().followed_by(freed.error());
    done = try_transact(ids, work, access);
  }
  return done;
}

Result<void> StoredJournal::try_transact(const std::vector<std::string>& ids, const Work& work, Access access) {
  Result<void> committed;
  {
    auto transaction = TRY(Transaction::begin(*store_, access));
    TRY_VOID(work());
    if (!ids.empty()) fault::pass("append", "before");
    committed = transaction.commit();
  }
  if (!committed && !ids.empty()) {
    const Result<std::vector<Event>> there = stored(ids);
    if (!there) return std::move(committed).error().followed_by(there.error());
    if (!there->empty()) committed = {};
  }
  if (committed && !ids.empty()) fault::pass("append", "after");
  return committed;
}

Result<void> StoredJournal::look(const Work& work) {
  const auto snapshot = TRY(Transaction::begin(*store_, Access::kRead));
  return work();
}

Result<std::vector<Event>> StoredJournal::stored(const std::vector<std::string>& ids) {
  std::vector<Event> found;
  for (const std::string& id : ids)
    if (const auto event = TRY(events_.find(id))) found.push_back(TRY(parsed(*event)));
  if (!found.empty() && found.size() != ids.size())
    return Error{Code::kConflict, "event id " + found.front().id + " is in the journal already", ""};
  return found;
}

Result<std::vector<Event>> StoredJournal::add(const SiteId& site, const std::vector<NewEvent>& events) {
  Head head = TRY(events_.head(site));
  const int64_t at_ms = to_millis(clock_.wall());
  const int64_t boot_ms = clock_.boot().count();
  std::vector<Event> added;
  for (const NewEvent& event : events) {
    StoredEvent row{.site = site.str(),
                    .seq = head.seq + 1,
                    .id = one_line(event.id),
                    .type = std::string(name_of(event.type)),
                    .at_ms = at_ms,
                    .boot_ms = boot_ms,
                    .boot_id = one_line(clock_.boot_id()),
                    .actor = actor_,
                    .run = one_line(event.run.str()),
                    .body = body_bytes(event.body),
                    .prev = head.hash,
                    .hash = ""};
    row.hash = chain_hash(row);
    TRY_VOID(events_.insert(row));
    added.push_back(TRY(parsed(row)));  // folded as it will be read, not as it was meant
    TRY_VOID(fold(added.back(), tables_));
    head = {row.seq, row.hash};
  }
  TRY_VOID(events_.set_head(site, head));
  return added;
}

Result<std::vector<Event>> StoredJournal::append(const SiteId& site, int64_t token, std::vector<NewEvent> events) {
  if (site.empty() || one_line(site.str()) != site.str())
    return Error{Code::kInvalid, "'" + one_line(site.str()) + "' cannot name a site in the journal", ""};
  for (const NewEvent& event : events)
    if (!event.body.is_object()) return Error{Code::kInvalid, "the body of an event must be a JSON object", ""};
  if (events.empty()) return std::vector<Event>();
  const std::lock_guard lock(mutex_);
  const std::vector<std::string> ids = ids_of(events);
  std::vector<Event> result;
  TRY_VOID(transact(ids, [&]() -> Result<void> {
    result = TRY(stored(ids));
    if (!result.empty()) return {};  // a writer who did not hear of his commit comes again
    if (token != 0) TRY_VOID(current_grant(site, token));
    result = TRY(add(site, events));
    return {};
  }));
  return result;
}

Result<std::vector<Event>> StoredJournal::read(const SiteId& site, int64_t after, const RunId& run, int64_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Event> events;
  TRY_VOID(events_.each(site, after, run, limit, [&](const StoredEvent& event) -> Result<void> {
    events.push_back(TRY(parsed(event)));
    return {};
  }));
  return events;
}

Result<int64_t> StoredJournal::next_number(const SiteId&, const std::string& kind) {
  const std::lock_guard lock(mutex_);
  int64_t number = 0;
  const auto count = [&] {
    return store_->query(
        "INSERT INTO counters (kind, last) VALUES ($1, 1)"
        " ON CONFLICT (kind) DO UPDATE SET last = counters.last + 1 RETURNING last",
        {kind}, [&](const Row& row) -> Result<void> {
          number = row.integer(0);
          return {};
        });
  };
  TRY_VOID(transact({}, count, Access::kWriteAhead));  // a number counts from the event on that has it
  return number;
}

Result<VerifyReport> StoredJournal::verify() {
  const std::lock_guard lock(mutex_);
  VerifyReport report;
  TRY_VOID(look([&]() -> Result<void> {
    report = TRY(verify_journal(*store_));
    return {};
  }));
  return report;
}

Result<void> StoredJournal::rebuild() {
  const std::lock_guard lock(mutex_);
  return transact({}, [&] { return rebuild_models(*store_); });
}

Result<void> StoredJournal::export_to(const std::function<Result<void>(std::string_view line)>& line) {
  const std::lock_guard lock(mutex_);
  return look([&] { return export_journal(*store_, id_, line); });
}

}  // namespace backout::journal
