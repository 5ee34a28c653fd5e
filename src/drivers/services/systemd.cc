#include "drivers/services/systemd.h"

#include "base/text.h"
#include "driver/final_sight.h"
#include "drivers/services/serves.h"
#include "drivers/services/service_ready.h"
#include "drivers/services/socket_units.h"
#include "drivers/services/steps.h"
#include "drivers/services/unit_state.h"

namespace backout::drivers {
namespace {

constexpr const char* kCommon = R"sh(
LC_ALL=C; export LC_ALL
fail() { printf '%s\n' "$1" >&2; exit 1; }
command -v systemctl >/dev/null 2>&1 || fail 'there is no systemctl on this host'
property() { systemctl show -p "$1" --value -- "$unit"; }
centiseconds() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
since=$(date +%s)
last_words() { journalctl -u "$unit" --since="@$since" -n 20 --no-pager -o short-iso >&2 2>/dev/null; }
)sh";

constexpr const char* kStop = R"sh(
unit=$1 drain_ms=$2
shift 2
load=$(property LoadState) || exit 1
[ "$load" != not-found ] || fail "there is no unit $unit"
# First: what they take in would start the unit again.
[ $# -eq 0 ] || systemctl stop -- "$@" || exit 1
systemctl stop --no-block -- "$unit" || exit 1
down() { case $(property ActiveState) in inactive|failed) return 0;; *) return 1;; esac }
# A socket that nobody has named starts it again with the next connection.
started_by() {
  for socket in $(property TriggeredBy); do
    case " $* " in *" $socket "*) ;; *) printf '; %s starts it again: say sockets: [%s] in backout.yaml' "$socket" "$socket";; esac
  done
}
end=$(( $(centiseconds) + drain_ms / 10 )) ended=TERM
until down; do
  if [ "$(centiseconds)" -ge "$end" ]; then
    [ "$ended" = TERM ] || { last_words; fail "$unit does not end, 10 s after KILL$(started_by "$@")"; }
    ended=KILL end=$(( $(centiseconds) + 1000 ))
    systemctl kill --kill-who=all --signal=KILL -- "$unit"
  fi
  sleep 0.05
done
# KillMode=process or none leaves children behind, in the unit's own control group.
systemctl kill --kill-who=all --signal=KILL -- "$unit" 2>/dev/null
printf '{"ended_by": "%s"}\n' "$ended"
)sh";

constexpr const char* kStart = R"sh(
unit=$1 port=$2 wait_ms=$3
shift 3
load=$(property LoadState) || exit 1
if [ "$(property NeedDaemonReload)" = yes ]; then systemctl daemon-reload || exit 1; fi
load=$(property LoadState)
[ "$load" != not-found ] || fail "there is no unit $unit"
systemctl reset-failed -- "$unit" "$@" 2>/dev/null
[ $# -eq 0 ] || systemctl start -- "$@" || fail "$* cannot listen"
systemctl start --no-block -- "$unit" || { last_words; fail "systemctl start $unit failed"; }
open() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$(printf %04X "$port")$" '$4 == "0A" && $2 ~ port { found = 1 } END { exit !found }'; }
end=$(( $(centiseconds) + wait_ms / 10 ))
while :; do
  state=" $(systemctl show -p ActiveState -p SubState -p Job -p NRestarts -- "$unit" | tr '\n' ' ')"
  restarts=${state##* NRestarts=} restarts=${restarts%% *}
  case $state in
  *" ActiveState=active "*) if [ "$port" -eq 0 ] || open; then break; fi;;
  *" Job="[1-9]*) ;;
  *" ActiveState=failed "*|*" ActiveState=inactive "*) last_words; fail "$unit ended soon after its start";;
  esac
  [ "${restarts:-0}" -lt 3 ] || { last_words; fail "$unit crashes and is restarted by systemd in a circle"; }
  [ "$(centiseconds)" -lt "$end" ] || { last_words; fail "$unit does not serve after $wait_ms ms"; }
  sleep 0.05
done
printf '{"pid": %s, "invocation": "%s"}\n' "$(property MainPID)" "$(property InvocationID)"
)sh";

struct Unit {
  Service service;
  std::string unit;
  std::vector<std::string> sockets;
};

Result<Unit> unit_from(const Json& args, std::string_view host) {
  Service service = TRY(service_from(args, host));
  service.at.unit = get_string(args, "unit");
  if (service.at.unit.empty() || service.at.unit.starts_with('-') || service.at.unit.find('/') != std::string::npos)
    return Error{Code::kInvalid, service.name + ": 'unit' must be the name of a unit", ""};
  if (service.at.unit.find('.') == std::string::npos) service.at.unit += ".service";
  std::string unit = service.at.unit;
  std::vector<std::string> sockets = TRY(sockets_from(args).with_context(service.name));
  return Unit{std::move(service), std::move(unit), std::move(sockets)};
}

Expected expected_of(const Service& service, const Look& seen, const UnitState& state) {
  Expected expected{.name = service.at.unit, .main = state.main_pid, .family = seen.cgroup, .at = service.at};
  if (state.main_pid > 0) expected.family.insert(state.main_pid);
  // Type=simple is "active" before the program has done anything.
  if (service.at.port == 0) expected.min_age = 1'000'000;
  if (state.restarts > 0) expected.min_age = age_after_restarts(state.restarts, service.startup);
  return expected;
}

/// What it wrote since the code was switched: its earlier lives are not what failed.
Json last_words(const Service& service, const Look& seen, host::Host& host, std::stop_token stop) {
  std::vector<std::string> argv = {"journalctl", "-u", service.at.unit, "-n", "20", "--no-pager", "-o", "short-iso"};
  if (seen.code.switched > 0) argv.push_back(fmt::format("--since=@{}", seen.code.switched / 1'000'000));
  const auto shown = host.run({.argv = std::move(argv), .timeout = Millis(5'000)}, stop);
  return shown && shown->ok() ? log_lines(shown->out) : Json::array();
}

class SystemdDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "systemd"; }
  std::vector<driver::Verb> capabilities() const override {
    std::vector<driver::Verb> verbs = service_verbs();
    verbs.push_back({"stay", StepKind::kEffect, true, true});
    verbs.push_back({"handover", StepKind::kEffect, true, true});
    return verbs;
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    const auto [service, unit, sockets] = TRY(unit_from(offering.subject, ""));
    if (!sockets.empty() && is_handed_over(offering)) return handover_steps(offering, name(), service);
    return service_steps(offering, name(), service);
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const auto [service, unit, sockets] = TRY(unit_from(subject, host.name().str()));
    const Look seen = TRY(look(service.at, host, stop).with_context(unit));
    if (!seen.unit_error.empty())
      return Error{Code::kUnsupported, unit + ": " + seen.unit_error, "is systemd running there?"};
    const UnitState state = unit_state(seen);
    if (state.load == "not-found")
      return Error{Code::kNotFound, fmt::format("{} has no unit {}", host.name().str(), unit),
                   "look: systemctl list-units"};
    Json facts = stable_facts(seen, expected_of(service, seen, state));
    facts["seen_at"] = seen.now;
    facts["active"] = state.active;
    // What was coming up is up again when things are put back.
    facts["running"] = !why_not_active(unit, state).has_value() || state.is_starting();
    if (sockets.empty()) return facts;
    const auto listeners = TRY(look_at_sockets(sockets, host, stop));
    facts["listening"] = !why_not_listening(unit, listeners).has_value();
    return facts;
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    const auto [service, unit, sockets] = TRY(unit_from(action.args, host.name().str()));
    const auto script = [&](const char* body, std::vector<std::string> words, Millis timeout) {
      words.insert(words.begin(), unit);
      words.insert(words.end(), sockets.begin(), sockets.end());
      host::Command command = host::shell(std::string(kCommon) + body, std::move(words));
      command.timeout = timeout;
      return command;
    };
    const std::string drain = std::to_string(service.drain.count());
    const std::string startup = std::to_string(service.startup.count());
    if (action.verb == "stop") return script(kStop, {drain}, service.drain + Millis(25'000));
    if ((action.verb == "stay" || action.verb == "handover") && sockets.empty())
      return Error{Code::kInvalid, service.name + " has no 'sockets'", ""};
    if (action.verb == "stay") return host::shell("exit 0");
    if (action.verb == "handover")
      return script(kHandoverScript, {drain, startup}, service.drain + service.startup + Millis(55'000));
    if (action.verb != "start") return Error{Code::kInvalid, "systemd: no command for '" + action.verb + "'", ""};
    if (service.leave_down) return host::shell("echo '{\"was\": \"found not running, left so\"}'");
    return script(kStart, {std::to_string(service.at.port), startup}, service.startup + Millis(55'000));
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    driver::Readiness readiness = tool_readiness("systemctl", "to stop and start units");
    const auto unit = unit_from(offering.subject, host.name().str());
    if (!unit) return readiness;
    auto found = unit->sockets.empty() ? unnamed_socket_finding(unit->unit, host, stop)
                                       : socket_finding(unit->unit, unit->sockets, host, stop);
    if (found) readiness.findings.push_back(std::move(*found));
    return readiness;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto parsed = unit_from(action.args, host.name().str());
    if (!parsed) return Sight::cannot_tell(parsed.error().message);
    const auto& [service, unit, sockets] = *parsed;
    const bool stopping = action.verb == "stop", handover = action.verb == "handover";
    if (sockets.empty() && (handover || action.verb == "stay"))
      return Sight::cannot_tell(service.name + " has no 'sockets'");
    if (!stopping && !handover && action.verb != "stay" && action.verb != "start" && action.verb != "serves")
      return Sight::cannot_tell("systemd: nothing to look at for '" + action.verb + "'");
    if (action.verb == "start" && service.leave_down)
      return Sight::holds(unit + " was found not running and is left so");
    const auto seen = look(service.at, host, stop);
    if (!seen) return Sight::cannot_tell(seen.error().message);
    if (!seen->unit_error.empty()) return Sight::cannot_tell(unit + ": " + seen->unit_error);
    const auto listeners = look_at_sockets(sockets, host, stop);
    if (!listeners) return Sight::cannot_tell(one_line(listeners.error().message));
    const auto deaf = why_not_listening(unit, *listeners);
    if (action.verb == "stay") return stays(unit, join(sockets, ", "), *seen, deaf);

    Sight sight = stopping ? stopped(service, *seen) : serving(service, *seen);
    if (sight.kind == SightKind::kHolds)
      if (const auto fault = stopping ? why_listening(*listeners) : deaf) sight = Sight::does_not_hold(*fault);
    if (sight.kind == SightKind::kDoesNotHold && !stopping)
      sight.evidence["log"] = last_words(service, *seen, host, stop);
    return sight;
  }

 private:
  /// Nothing is done to it, so there is nothing to miss: who does not listen serves nobody, and the handover mends it.
  static Sight stays(const std::string& unit, const std::string& sockets, const Look& seen,
                     const std::optional<std::string>& deaf) {
    if (unit_state(seen).load == "not-found") return Sight::does_not_hold("there is no unit " + unit);
    if (deaf) return Sight::holds(*deaf + ": nobody is served until the handover", {{"listening", false}});
    return Sight::holds(sockets + " listens, and goes on listening", {{"listening", true}});
  }
  static Sight stopped(const Service& service, const Look& seen) {
    const UnitState state = unit_state(seen);
    if (auto why = why_not_inactive(service.at.unit, state)) return Sight::does_not_hold(*why, claims(state));
    return with_claims(judge_stopped(seen, expected_of(service, seen, state)), state);
  }
  static Sight serving(const Service& service, const Look& seen) {
    const UnitState state = unit_state(seen);
    if (auto why = why_not_active(service.at.unit, state)) {
      Sight down = Sight::does_not_hold(*why, claims(state));
      return state.is_given_up() ? driver::final_sight(std::move(down)) : down;
    }
    Sight sight = judge_serving(seen, expected_of(service, seen, state));
    if (sight.kind == SightKind::kDoesNotHold)
      sight.why += fmt::format(" (systemctl says {}, {})", state.active, state.sub);
    if (sight.kind == SightKind::kDoesNotHold && state.restarts > 0)
      sight.why += fmt::format("; restarted {} by systemd", counted(state.restarts, "time"));
    return with_claims(std::move(sight), state);
  }
  static Json claims(const UnitState& state) {
    return {{"active", state.active},     {"sub", state.sub},           {"result", state.result},
            {"main_pid", state.main_pid}, {"restarts", state.restarts}, {"invocation", state.invocation}};
  }
  static Sight with_claims(Sight sight, const UnitState& state) {
    sight.evidence["systemd"] = claims(state);
    return sight;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_systemd_driver() { return std::make_unique<SystemdDriver>(); }

}  // namespace backout::drivers
