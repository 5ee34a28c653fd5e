// Who may act on a site: a lease is held by a process, and judged by looking at that process, never by the wall clock.
//
// A holder is identified by the boot of the machine, its pid and the time the kernel says it started (a pid alone is
// given out again). It lives when that process is there and is no zombie; it is in time when less than its ttl of boot
// time has gone by since it took or renewed the lease. A process in another pid namespace (a container) cannot be
// looked at, so only time decides. Leases are for processes of one machine; several machines need a journal that they
// share by a server.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "journal/journal.h"

namespace backout::journal {

struct ProcessIdentity {
  int64_t pid = 0;
  int64_t started = 0;    // clock ticks since boot, field 22 of /proc/PID/stat
  std::string pid_space;  // the pid namespace: "pid:[4026531836]"
  bool operator==(const ProcessIdentity&) const = default;
};
ProcessIdentity this_process();
/// False when it is gone, a zombie, or another process has its pid now. True when it cannot be looked at from here.
bool may_live(const ProcessIdentity& process);

struct Grant {
  Lease lease;
  ProcessIdentity process;
  std::string boot_id;
  BootTime seen{0};  // taken, or renewed last
  Millis ttl{0};
  bool released = false;
};
enum class Standing { kHeld, kReleased, kDead, kFrozen };
using MayLive = std::function<bool(const ProcessIdentity&)>;
/// What a grant is worth now: only kHeld keeps others away.
Standing standing_of(const Grant& grant, const std::string& boot_id, BootTime now, const MayLive& may_live);

/// The body of kLeaseGranted, and the grant that a folded lease document (fold.h) describes.
Json grant_body(const Grant& grant);
Grant grant_from_document(const Json& document);

/// "dana@web-1 pid 4121"
std::string holder_name(const std::string& actor);
/// kBusy: who holds the site, since when, doing what, and what to do about it.
Error busy(const SiteId& site, const Lease& lease);

}  // namespace backout::journal
