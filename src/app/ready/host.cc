#include "app/ready/host.h"

#include <charconv>

#include "base/text.h"
#include "host/root.h"
#include "host/shim.h"

namespace backout::app::ready {
namespace {

constexpr Millis kSkewTold{5'000};
constexpr uint64_t kRoomOfShim = 8U << 20;  // what attempts of one run keep: output is capped
constexpr uint64_t kFilesOfShim = 200;

// root (may be empty), the site's name there.
constexpr std::string_view kLook = R"sh(
printf 'root %s\n' "$bo_root"
owner=
[ ! -r "$bo_root/sites/$2/owner" ] || IFS= read -r owner <"$bo_root/sites/$2/owner" || :
printf 'owner %s\nnow %s\nend\n' "$owner" "$(date +%s)"
)sh";

Finding finding(std::string id, Severity severity, std::string what, std::string next = "") {
  return {std::move(id), severity, "", "", std::move(what), std::move(next), Json::object()};
}

std::string next_for(const HostConfig& config, const Error& error) {
  if (error.message.find("HOST IDENTIFICATION HAS CHANGED") != std::string::npos ||
      error.message.find("Host key verification failed") != std::string::npos)
    return "ask whoever runs the machine whether its key was really changed; then: ssh-keygen -R NAME, and ssh " +
           config.ssh + " true";
  return error.next.empty() ? "try: ssh -o BatchMode=yes " + config.ssh + " true" : error.next;
}

}  // namespace

Result<HostAnswer> parse_host(std::string_view output) {
  HostAnswer answer;
  bool whole = false;
  for (const std::string& line : split(output, '\n')) {
    whole = whole || line == "end";
    if (line.starts_with("root ")) answer.root = one_line(line.substr(5));
    if (line.starts_with("owner ")) answer.owner = one_line(line.substr(6));
    if (line.starts_with("now ")) std::from_chars(line.data() + 4, line.data() + line.size(), answer.seconds);
  }
  if (!whole || answer.seconds == 0) return Error{Code::kCorrupt, "its answer was cut off", ""};
  return answer;
}

Millis skew_of(const HostAnswer& answer, WallTime sent, WallTime came) {
  // It said a whole second, some time between the two.
  const Millis earliest(answer.seconds * 1000), latest(answer.seconds * 1000 + 999);
  const Millis before = sent.time_since_epoch(), after = came.time_since_epoch();
  if (latest < before) return latest - before;
  if (earliest > after) return earliest - after;
  return Millis(0);
}

HostSeen look_at_host(const HostConfig& config, const SiteId& site, const std::string& journal_id,
                      std::stop_token stop) {
  HostSeen seen;
  const bool here = config.ssh.empty();
  const auto host =
      here ? host::make_local_host(host::HostName(config.name), config.root)
           : host::make_ssh_host(host::HostName(config.name), config.ssh, config.root, {"-o", "ControlPath=none"});
  const std::string root = config.root.empty() && here ? host::default_root() : config.root;
  host::Command command = host::shell("bo_root=$1\n" + std::string(host::kFindRoot) + std::string(kLook),
                                      {root, host::escaped_site(site.str())});
  command.timeout = Millis(20'000);
  const WallTime sent = system_clock().wall();
  const auto result = host->run(command, std::move(stop));
  const WallTime came = system_clock().wall();
  if (!result) {
    const bool denied = result.error().code == Code::kDenied;
    seen.findings.push_back(finding(denied ? "host.state" : "host.reach", Severity::kRed,
                                    one_line(result.error().message), next_for(config, result.error())));
    return seen;
  }
  const auto answer = result->ok() ? parse_host(result->out) : Error{Code::kUnavailable, result->why_not_ok(), ""};
  if (!answer) {
    seen.findings.push_back(finding("host.reach", Severity::kRed,
                                    "looking there failed: " + one_line(answer.error().message),
                                    "it needs a POSIX sh, coreutils and /proc"));
    return seen;
  }
  seen.answers = true;
  seen.findings.push_back(finding("host.reach", Severity::kOk, here ? "this machine" : "answers over ssh"));
  if (!answer->owner.empty() && answer->owner != journal_id)
    seen.findings.push_back(
        finding("host.owner", Severity::kRed,
                fmt::format("{} obeys another journal ({}): it will refuse this one", site, answer->owner.substr(0, 8)),
                "use the state directory that owns it (--state), or see docs/formats/target.md for handing it over"));
  const Millis skew = skew_of(*answer, sent, came);
  if (skew > kSkewTold || skew < -kSkewTold)
    seen.findings.push_back(
        finding("host.clock", Severity::kWarning,
                fmt::format("its clock is {} {} this one: times in the record will not fit",
                            for_people(skew < Millis(0) ? -skew : skew), skew < Millis(0) ? "behind" : "ahead of"),
                "set it: timedatectl set-ntp true"));
  using driver::Need;
  seen.needs = {{Need::Kind::kWritable, answer->root, "to keep locks and exit statuses"},
                {Need::Kind::kRoom, answer->root, "to keep locks and exit statuses", "", kRoomOfShim, kFilesOfShim}};
  for (const char* tool : {"flock", "setsid", "mkfifo", "sync", "timeout"})
    seen.needs.push_back({Need::Kind::kTool, tool, "to run any step"});
  return seen;
}

}  // namespace backout::app::ready
