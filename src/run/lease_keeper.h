// LeaseKeeper: holds a site for as long as it lives. Renews in the background; when the lease was lost (this process
// slept too long and another took over) it asks everything that shares its stop source to stop.
#pragma once
#include <atomic>
#include <memory>
#include <stop_token>
#include <thread>

#include "journal/journal.h"

namespace backout::run {

/// How long a silent holder keeps the site: 30 s, or $BACKOUT_LEASE_TTL_MS in builds with kill points.
Millis lease_ttl();

class LeaseKeeper {
 public:
  /// kBusy with the holder, since when and what for.
  static Result<std::unique_ptr<LeaseKeeper>> take(journal::Journal& journal, const SiteId& site,
                                                   const std::string& doing, std::stop_source on_loss);
  ~LeaseKeeper();  // gives the site back unless lost
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;
  int64_t token() const { return lease_.token; }
  bool lost() const { return lost_; }

 private:
  LeaseKeeper(journal::Journal& journal, SiteId site, journal::Lease lease, std::stop_source on_loss);
  void renew_until(std::stop_token stop);
  journal::Journal& journal_;
  const SiteId site_;
  const journal::Lease lease_;
  std::stop_source on_loss_;
  std::atomic<bool> lost_ = false;
  std::jthread thread_;
};

}  // namespace backout::run
