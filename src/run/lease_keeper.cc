#include "run/lease_keeper.h"

#include <cstdlib>

namespace backout::run {

Millis lease_ttl() {
#ifdef BACKOUT_FAULTS
  if (const char* text = std::getenv("BACKOUT_LEASE_TTL_MS")) return Millis(std::max(100L, std::atol(text)));
#endif
  return Millis(30'000);
}

Result<std::unique_ptr<LeaseKeeper>> LeaseKeeper::take(journal::Journal& journal, const SiteId& site,
                                                       const std::string& doing, std::stop_source on_loss) {
  journal::Lease lease = TRY(journal.acquire(site, doing, lease_ttl()));
  return std::unique_ptr<LeaseKeeper>(new LeaseKeeper(journal, site, std::move(lease), std::move(on_loss)));
}

LeaseKeeper::LeaseKeeper(journal::Journal& journal, SiteId site, journal::Lease lease, std::stop_source on_loss)
    : journal_(journal),
      site_(std::move(site)),
      lease_(std::move(lease)),
      on_loss_(std::move(on_loss)),
      thread_([this](std::stop_token stop) { renew_until(std::move(stop)); }) {}

LeaseKeeper::~LeaseKeeper() {
  thread_.request_stop();
  thread_.join();
  // A release that fails leaves a lease whose holder is about to be gone: the next one sees that and takes over.
  if (!lost_) (void)journal_.release(site_, lease_.token);
}

void LeaseKeeper::renew_until(std::stop_token stop) {
  while (system_clock().wait(lease_ttl() / 4, stop)) {
    const auto renewed = journal_.renew(site_, lease_.token);
    if (!renewed && renewed.error().code == Code::kConflict) {
      lost_ = true;
      on_loss_.request_stop();
      return;
    }
  }
}

}  // namespace backout::run
