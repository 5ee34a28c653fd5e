#include "drivers/services/timer.h"

#include "base/text.h"
#include "drivers/services/parked.h"

namespace backout::drivers {
namespace {

// A runtime mask would not do: a unit in /etc wins over one in /run, a drop-in does not depend on that.
constexpr const char* kCommon = R"sh(
LC_ALL=C; export LC_ALL
unit=$1
fail() { printf '%s\n' "$1" >&2; exit 1; }
centiseconds() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
command -v systemctl >/dev/null 2>&1 || fail 'there is no systemctl on this host'
property() { systemctl show -p "$1" --value -- "$2"; }
dropin=/run/systemd/system/$unit.d/90-backout-parked.conf
note=$dropin.going
# found: what it was before it was parked; empty when it is not.
found=
for file in "$dropin" "$note"; do
  [ -n "$found" ] || found=$(sed -n 's/^# found: \(active\|inactive\)$/\1/p' "$file" 2>/dev/null)
done
load=$(property LoadState "$unit") || fail "systemctl does not answer"
)sh";

constexpr const char* kStatus = R"sh(
printf 'load %s\nactive %s\nfound %s\n' "$load" "$(property ActiveState "$unit")" "$found"
[ ! -e "$dropin" ] || echo parked
for job in $(property Triggers "$unit"); do
  case $(property ActiveState "$job") in inactive|failed) ;; *) printf 'job %s\n' "$job";; esac
done
echo end
)sh";

constexpr const char* kPark = R"sh(
drain_ms=$2
[ "$load" != not-found ] || fail "there is no unit $unit"
if [ ! -e "$dropin" ]; then
  if [ -z "$found" ]; then
    case $(property ActiveState "$unit") in active|activating|reloading) found=active;; *) found=inactive;; esac
  fi
  mkdir -p "${dropin%/*}" &&
    printf '# found: %s\n# backout keeps this from starting while the site is taken back.\n[Unit]\nConditionPathExists=/run/systemd/no-such-path-while-parked\n' "$found" >"$dropin.new" &&
    mv -f "$dropin.new" "$dropin" || fail "cannot write $dropin"
fi
rm -f "$note"
systemctl daemon-reload || fail 'systemctl daemon-reload failed'
systemctl stop -- "$unit" || fail "systemctl stop $unit failed"
end=$(( $(centiseconds) + drain_ms / 10 )) ended=itself
for job in $(property Triggers "$unit"); do
  while case $(property ActiveState "$job") in inactive|failed) false;; *) true;; esac; do
    if [ "$(centiseconds)" -ge "$end" ]; then
      [ "$ended" = itself ] || { systemctl kill --kill-who=all --signal=KILL -- "$job"; }
      [ "$(centiseconds)" -lt $(( end + 1000 )) ] || fail "$job does not end, 10 s after it was told to"
      if [ "$ended" = itself ]; then ended=TERM; systemctl stop --no-block -- "$job"; end=$(( $(centiseconds) + 500 )); fi
    fi
    sleep 0.1
  done
done
printf '{"found": "%s", "job_ended_by": "%s"}\n' "$found" "$ended"
)sh";

constexpr const char* kUnpark = R"sh(
[ -n "$found" ] || found=$2
if [ -e "$dropin" ]; then mv -f "$dropin" "$note" || fail "cannot remove $dropin"; fi
systemctl daemon-reload || fail 'systemctl daemon-reload failed'
if [ "$found" = active ]; then systemctl start -- "$unit" || fail "systemctl start $unit failed"; fi
rm -f "$note"; rmdir "${dropin%/*}" 2>/dev/null
printf '{"found": "%s"}\n' "$found"
)sh";

struct TimerSeen {
  std::string load, active, found;
  bool parked = false;
  std::vector<std::string> jobs;  // that run now
  bool up() const { return active == "active" || active == "activating"; }
};

Result<std::pair<Service, std::string>> unit_from(const Json& args, std::string_view host) {
  Service service = TRY(service_from(args, host));
  std::string unit = get_string(args, "unit");
  if (unit.empty() || unit.starts_with('-') || unit.find('/') != std::string::npos)
    return Error{Code::kInvalid, service.name + ": 'unit' must be the name of a timer", ""};
  if (!unit.ends_with(".timer")) unit += ".timer";
  return std::pair(std::move(service), std::move(unit));
}

Result<TimerSeen> look_at(const std::string& unit, host::Host& host, std::stop_token stop) {
  host::Command command = host::shell(std::string(kCommon) + kStatus, {unit});
  command.timeout = Millis(20'000);
  const host::CommandResult result = TRY(host.run(command, stop));
  if (!result.ok()) return Error{Code::kUnavailable, unit + ": " + result.why_not_ok(), "is systemd running there?"};
  TimerSeen seen;
  for (const auto& [fact, value] : TRY(facts_of(result.out))) {
    if (fact == "load") seen.load = value;
    if (fact == "active") seen.active = value;
    if (fact == "found") seen.found = value;
    if (fact == "parked") seen.parked = true;
    if (fact == "job") seen.jobs.push_back(one_line(value));
  }
  return seen;
}

class TimerDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "timer"; }
  std::vector<driver::Verb> capabilities() const override { return parked_verbs(); }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    const auto [service, unit] = TRY(unit_from(offering.subject, ""));
    return parked_steps(offering, name(), service);
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const auto [service, unit] = TRY(unit_from(subject, host.name().str()));
    const TimerSeen seen = TRY(look_at(unit, host, stop).with_context(service.name));
    if (seen.load == "not-found")
      return Error{Code::kNotFound, fmt::format("{} has no unit {}", host.name().str(), unit),
                   "look: systemctl list-timers --all"};
    return Json{{"running", seen.found.empty() ? seen.up() : seen.found == "active"}, {"parked", seen.parked}};
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    const auto [service, unit] = TRY(unit_from(action.args, host.name().str()));
    host::Command command;
    if (action.verb == "park")
      command = host::shell(std::string(kCommon) + kPark, {unit, std::to_string(service.drain.count())});
    else if (action.verb == "unpark")
      command = host::shell(std::string(kCommon) + kUnpark, {unit, service.leave_down ? "inactive" : "active"});
    else
      return Error{Code::kInvalid, "timer: no command for '" + action.verb + "'", ""};
    command.timeout = service.drain + Millis(25'000);
    return command;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto parsed = unit_from(action.args, host.name().str());
    if (!parsed) return Sight::cannot_tell(parsed.error().message);
    const auto& [service, unit] = *parsed;
    if (action.verb != "park" && action.verb != "unpark")
      return Sight::cannot_tell("timer: nothing to look at for '" + action.verb + "'");
    const auto seen = look_at(unit, host, stop);
    if (!seen) return Sight::cannot_tell(seen.error().message);
    const Json evidence = {{"active", seen->active}, {"parked", seen->parked}};
    if (seen->load != "loaded") return Sight::does_not_hold(fmt::format("{} is {}", unit, seen->load), evidence);
    if (action.verb == "park") {
      if (!seen->parked) return Sight::does_not_hold(unit + " may be started", evidence);
      if (seen->up()) return Sight::does_not_hold(fmt::format("{} is {}", unit, seen->active), evidence);
      if (!seen->jobs.empty()) return Sight::does_not_hold(fmt::format("{} still runs", seen->jobs.front()), evidence);
      return Sight::holds(fmt::format("{} is stopped and cannot start", unit), evidence);
    }
    if (seen->parked || !seen->found.empty()) return Sight::does_not_hold(unit + " is still parked", evidence);
    if (!service.leave_down && !seen->up())
      return Sight::does_not_hold(fmt::format("{} is {}", unit, seen->active), evidence);
    return Sight::holds(service.leave_down && !seen->up() ? unit + " was found not active and is left so"
                                                          : fmt::format("{} is {}", unit, seen->active),
                        evidence);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_timer_driver() { return std::make_unique<TimerDriver>(); }

}  // namespace backout::drivers
