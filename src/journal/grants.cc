// The lease calls of the journal: who holds a site is in the events, that he still lives is in table renewals.
#include "base/text.h"
#include "journal/stored_journal.h"

namespace backout::journal {

Result<std::optional<Grant>> StoredJournal::newest_grant(const SiteId& site) {
  const auto document = TRY(tables_.get(Model::kLease, site, ""));
  if (!document) return std::optional<Grant>();
  Grant grant = grant_from_document(document->value);
  TRY_VOID(store_->query("SELECT boot_ms FROM renewals WHERE site = $1 AND token = $2", {site.str(), grant.lease.token},
                         [&](const Row& row) -> Result<void> {
                           grant.seen = std::max(grant.seen, BootTime(row.integer(0)));
                           return {};
                         }));
  return std::optional<Grant>(std::move(grant));
}

Result<Grant> StoredJournal::current_grant(const SiteId& site, int64_t token) {
  std::optional<Grant> newest = TRY(newest_grant(site));
  if (newest && newest->lease.token == token) return std::move(*newest);
  std::string message = fmt::format("{}: token {} is not the newest, nothing was written", site, token);
  if (newest)
    message += fmt::format(": token {} was granted to {} at {}, doing: {}", newest->lease.token, newest->lease.holder,
                           to_hms(newest->lease.since), newest->lease.doing);
  return Error{Code::kConflict, std::move(message), "leave the site to them, or look: backout status"};
}

Result<Lease> StoredJournal::acquire(const SiteId& site, const std::string& doing, Millis ttl) {
  const std::lock_guard lock(mutex_);
  Grant grant;
  grant.lease.holder = holder_name(actor_);
  grant.lease.doing = one_line(doing);
  grant.process = this_process();
  grant.ttl = ttl;
  const std::string id = random_hex(16);
  TRY_VOID(transact({id}, [&]() -> Result<void> {
    const std::optional<Grant> newest = TRY(newest_grant(site));
    if (newest && standing_of(*newest, clock_.boot_id(), clock_.boot(), may_live_) == Standing::kHeld)
      return busy(site, newest->lease);
    grant.lease.token = newest ? newest->lease.token + 1 : 1;
    const std::vector<Event> added =
        TRY(add(site, {{.type = EventType::kLeaseGranted, .body = grant_body(grant), .run = RunId(), .id = id}}));
    grant.lease.since = added.front().at;
    return {};
  }));
  if (room_bytes_ > 0) store_->make_room(room_bytes_);
  return grant.lease;
}

Result<void> StoredJournal::renew(const SiteId& site, int64_t token) {
  const std::lock_guard lock(mutex_);
  return transact({}, [&]() -> Result<void> {
    const Grant grant = TRY(current_grant(site, token));
    if (grant.released) return Error{Code::kConflict, fmt::format("{}: token {} was given back", site, token), ""};
    TRY_VOID(
        store_->execute("INSERT INTO renewals (site, token, boot_ms) VALUES ($1, $2, $3)"
                        " ON CONFLICT (site) DO UPDATE SET token = excluded.token, boot_ms = excluded.boot_ms",
                        {site.str(), token, clock_.boot().count()}));
    return {};
  });
}

Result<void> StoredJournal::release(const SiteId& site, int64_t token) {
  const std::lock_guard lock(mutex_);
  const std::string id = random_hex(16);
  return transact({id}, [&]() -> Result<void> {
    const Grant grant = TRY(current_grant(site, token));
    if (grant.released) return {};
    TRY_VOID(add(site, {{.type = EventType::kLeaseReleased, .body = {{"token", token}}, .run = RunId(), .id = id}}));
    return {};
  });
}

Result<std::optional<Lease>> StoredJournal::holder(const SiteId& site) {
  const std::lock_guard lock(mutex_);
  std::optional<Grant> newest;
  TRY_VOID(look([&]() -> Result<void> {
    newest = TRY(newest_grant(site));
    return {};
  }));
  if (!newest || standing_of(*newest, clock_.boot_id(), clock_.boot(), may_live_) != Standing::kHeld)
    return std::optional<Lease>();
  return std::optional<Lease>(std::move(newest->lease));
}

}  // namespace backout::journal
