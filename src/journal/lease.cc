#include "journal/lease.h"

#include <unistd.h>

#include <array>

#include "base/text.h"
#include "os/proc.h"

namespace backout::journal {
namespace {

std::string link_target(const std::string& path) {
  std::array<char, 64> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  return length <= 0 ? std::string() : std::string(target.data(), static_cast<size_t>(length));
}

}  // namespace

ProcessIdentity this_process() {
  const int64_t pid = ::getpid();
  const auto facts = os::facts_of(::getpid());
  return {pid, facts ? static_cast<int64_t>(facts->start_time) : 0, link_target("/proc/self/ns/pid")};
}

bool may_live(const ProcessIdentity& process) {
  if (process.pid_space != link_target("/proc/self/ns/pid")) return true;
  const auto facts = os::facts_of(static_cast<pid_t>(process.pid));
  return facts && facts->lives() && static_cast<int64_t>(facts->start_time) == process.started;
}

Standing standing_of(const Grant& grant, const std::string& boot_id, BootTime now, const MayLive& may_live) {
  if (grant.released) return Standing::kReleased;
  if (grant.boot_id != boot_id || !may_live(grant.process)) return Standing::kDead;
  return now - grant.seen >= grant.ttl ? Standing::kFrozen : Standing::kHeld;
}

Json grant_body(const Grant& grant) {
  return {{"token", grant.lease.token}, {"holder", grant.lease.holder},         {"doing", grant.lease.doing},
          {"pid", grant.process.pid},   {"pid_started", grant.process.started}, {"pid_space", grant.process.pid_space},
          {"ttl_ms", grant.ttl.count()}};
}

Grant grant_from_document(const Json& document) {
  Grant grant;
  grant.lease.token = get_int(document, "token");
  grant.lease.holder = get_string(document, "holder");
  grant.lease.doing = get_string(document, "doing");
  grant.lease.since = wall_from_millis(get_int(document, "since_ms"));
  grant.process = {get_int(document, "pid"), get_int(document, "pid_started"), get_string(document, "pid_space")};
  grant.boot_id = get_string(document, "boot_id");
  grant.seen = BootTime(get_int(document, "boot_ms"));
  grant.ttl = Millis(get_int(document, "ttl_ms"));
  grant.released = get_bool(document, "released");
  return grant;
}

std::string holder_name(const std::string& actor) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return one_line(fmt::format("{}@{} pid {}", actor, host.data(), ::getpid()));
}

Error busy(const SiteId& site, const Lease& lease) {
  return {Code::kBusy,
          fmt::format("{} is held by {} since {}, doing: {}", site, lease.holder, to_hms(lease.since), lease.doing),
          "wait, or look: backout status"};
}

}  // namespace backout::journal
