#include "drivers/services/socket_units.h"

#include <map>

#include "base/text.h"
#include "model/step_word.h"

namespace backout::drivers {
namespace {

constexpr const char* kProperties = "Id,LoadState,ActiveState,SubState,Result,Accept,Triggers";

std::string claimed(const SocketUnit& socket) {
  std::string text = fmt::format("{} is {} ({})", socket.id, socket.active, socket.sub);
  if (!socket.result.empty() && socket.result != "success") text += ", result " + socket.result;
  return text;
}

bool is_socket_name(const std::string& name) {
  return name.ends_with(".socket") && name.size() > 7 && !name.starts_with('-') && name.find('/') == std::string::npos;
}

}  // namespace

// A restart is one job: what is in the sockets meanwhile waits, and starts nothing. Who was refused already, because
// the sockets had given up, loses nothing by a stop.
const char* const kHandoverScript = R"sh(
unit=$1 drain_ms=$2 wait_ms=$3
shift 3
load=$(property LoadState) || exit 1
if [ "$(property NeedDaemonReload)" = yes ]; then systemctl daemon-reload || exit 1; fi
load=$(property LoadState)
[ "$load" != not-found ] || fail "there is no unit $unit"
listening() {
  for socket do [ "$(systemctl show -p ActiveState --value -- "$socket")" = active ] || return 1; done
}
was=$(property InvocationID)
began=$(centiseconds) ended=itself
systemctl reset-failed -- "$unit" "$@" 2>/dev/null
if ! listening "$@" && ! systemctl start -- "$@" 2>/dev/null; then
  systemctl stop -- "$unit"
  systemctl start -- "$@" || { last_words; fail "the sockets of $unit cannot listen"; }
fi
systemctl restart --no-block -- "$unit" || { last_words; fail "systemctl restart $unit failed"; }
end=$(( began + drain_ms / 10 )) drained=
while :; do
  state=" $(systemctl show -p ActiveState -p SubState -p Job -p NRestarts -p InvocationID -- "$unit" | tr '\n' ' ')"
  restarts=${state##* NRestarts=} restarts=${restarts%% *}
  now=$(centiseconds)
  case $state in
  *" InvocationID=$was "*)
    case $state in
    *" Job="[1-9]*) ;;
    *) last_words; fail "$unit was not restarted";;
    esac
    if [ "$now" -ge "$end" ]; then
      [ "$ended" = itself ] || { last_words; fail "$unit does not end, 10 s after KILL"; }
      case $state in
      *" ActiveState=deactivating "*) ended=KILL; systemctl kill --kill-who=all --signal=KILL -- "$unit";;
      *) ended=waited;;
      esac
      end=$(( now + 1000 ))
    fi;;
  *)
    [ -n "$drained" ] || { drained=$(( (now - began) * 10 )); end=$(( now + wait_ms / 10 )); }
    case $state in
    *" ActiveState=active "*) break;;
    *" Job="[1-9]*) ;;
    *" ActiveState=failed "*|*" ActiveState=inactive "*) last_words; fail "$unit ended soon after its start";;
    esac
    [ "${restarts:-0}" -lt 3 ] || { last_words; fail "$unit crashes and is restarted by systemd in a circle"; }
    [ "$now" -lt "$end" ] || { last_words; fail "$unit does not serve after $wait_ms ms"; };;
  esac
  sleep 0.05
done
# TimeoutStopSec may have been less than our own patience.
if journalctl -u "$unit" --since="@$since" -o cat --no-pager 2>/dev/null | grep -q 'timed out\. Killing'; then ended=KILL; fi
[ "$ended" != KILL ] || echo "$unit did not finish what was in flight within its time, and was killed" >&2
printf '{"pid": %s, "invocation": "%s", "ended_by": "%s", "finished_in_ms": %s}\n' \
  "$(property MainPID)" "$(property InvocationID)" "$ended" "$drained"
)sh";

std::vector<SocketUnit> parse_socket_units(std::string_view shown) {
  std::vector<SocketUnit> units;
  std::map<std::string, std::string> field;
  const auto end_of_block = [&] {
    if (!field["Id"].empty())
      units.push_back({field["Id"], field["LoadState"], field["ActiveState"], field["SubState"], field["Result"],
                       field["Triggers"], field["Accept"] == "yes"});
    field.clear();
  };
  for (const std::string& line : split(shown, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos)
      end_of_block();
    else
      field[line.substr(0, equals)] = one_line(line.substr(equals + 1));
  }
  end_of_block();
  return units;
}

Result<std::vector<SocketUnit>> look_at_sockets(const std::vector<std::string>& names, host::Host& host,
                                                std::stop_token stop) {
  std::vector<SocketUnit> sockets;
  if (names.empty()) return sockets;
  host::Command command{.argv = {"systemctl", "show", "-p", kProperties, "--"}, .timeout = Millis(20'000)};
  command.argv.insert(command.argv.end(), names.begin(), names.end());
  const host::CommandResult shown = TRY(host.run(command, std::move(stop)));
  if (!shown.ok()) return Error{Code::kUnavailable, "systemctl show " + names.front() + ": " + shown.why_not_ok(), ""};
  sockets = parse_socket_units(shown.out);
  if (sockets.size() != names.size())
    return Error{Code::kUnavailable, "systemctl show does not tell of each of " + join(names, ", "), ""};
  return sockets;
}

std::optional<std::string> why_not_listening(const std::string& unit, const std::vector<SocketUnit>& sockets) {
  for (const SocketUnit& socket : sockets) {
    if (socket.load == "not-found") return "there is no unit " + socket.id;
    if (socket.accept) return socket.id + " has Accept=yes: it starts a process for each connection";
    const std::vector<std::string> starts = split(socket.triggers, ' ');
    if (std::find(starts.begin(), starts.end(), unit) == starts.end())
      return fmt::format("{} starts {}, not {}", socket.id, socket.triggers.empty() ? "nothing" : socket.triggers,
                         unit);
    if (!socket.listens()) return claimed(socket);
  }
  return std::nullopt;
}

std::optional<std::string> why_listening(const std::vector<SocketUnit>& sockets) {
  for (const SocketUnit& socket : sockets)
    if (socket.active != "inactive" && socket.active != "failed") return claimed(socket);
  return std::nullopt;
}

Result<std::vector<std::string>> sockets_from(const Json& args) {
  std::vector<std::string> names;
  if (!args.contains("sockets")) return names;
  names = TRY(argv_from(args, "sockets"));
  for (const std::string& name : names)
    if (!is_socket_name(name)) return Error{Code::kInvalid, "'" + one_line(name) + "' is no name of a socket unit", ""};
  return names;
}

bool is_handed_over(const driver::Offering& offering) {
  if (!get_bool(offering.subject, "handover") || offering.kind == RunKind::kDeploy) return false;
  for (const std::string& host : offering.hosts) {
    const auto seen = offering.seen.find(host);
    if (seen == offering.seen.end() || !get_bool(seen->second, "listening")) return false;
  }
  return true;
}

std::vector<Step> handover_steps(const driver::Offering& offering, std::string_view driver, const Service& service) {
  std::vector<Step> steps = service_steps(offering, driver, service);
  if (steps.size() != 3) return steps;
  Step &stay = steps[0], &handover = steps[1];
  const std::vector<std::string> names = sockets_from(offering.subject).value_or(std::vector<std::string>());
  stay.id = StepId("stay-" + step_word(service.name));
  stay.title = fmt::format("{} goes on: {} listens all the while", service.name, join(names, ", "));
  stay.action.verb = "stay";
  stay.action.args["users_stay"] = true;
  stay.undo->verb = "handover";
  stay.undo->args.erase("leave_down");  // who listens is up
  stay.patience = handover.patience;
  stay.timeout = service.drain + service.startup + Millis(60'000);
  handover.id = StepId("handover-" + step_word(service.name));
  handover.title = fmt::format("{} finishes what is in flight, and starts as {}", service.name, offering.to.str());
  handover.action.verb = "handover";
  handover.undo->verb = "stay";
  return steps;
}

std::optional<Finding> socket_finding(const std::string& unit, const std::vector<std::string>& names, host::Host& host,
                                      std::stop_token stop) {
  Finding finding{.id = "service.sockets", .severity = Severity::kRed};
  const auto sockets = look_at_sockets(names, host, std::move(stop));
  const auto why = sockets ? why_not_listening(unit, *sockets) : std::optional(sockets.error().message);
  if (why) {
    const bool stands = sockets && std::all_of(sockets->begin(), sockets->end(), [](const SocketUnit& socket) {
                          return socket.load != "not-found" && !socket.accept;
                        });
    if (stands) finding.severity = Severity::kWarning;  // it is stopped and started instead
    finding.what = one_line(*why) + ": the service cannot be handed over while users are on it";
    finding.next = "look: systemctl status " + names.front();
    return finding;
  }
  finding.severity = Severity::kOk;
  finding.what = fmt::format("{} listens for {} while it changes hands", join(names, ", "), unit);
  return finding;
}

std::optional<Finding> unnamed_socket_finding(const std::string& unit, host::Host& host, std::stop_token stop) {
  const auto shown = host.run(
      {.argv = {"systemctl", "show", "-p", "TriggeredBy", "--value", "--", unit}, .timeout = Millis(20'000)}, stop);
  if (!shown || !shown->ok()) return std::nullopt;
  std::vector<std::string> names = split(one_line(trimmed(shown->out)), ' ');
  std::erase_if(names, [](const std::string& name) { return !is_socket_name(name); });
  if (names.empty()) return std::nullopt;
  return Finding{
      .id = "service.sockets",
      .severity = Severity::kWarning,
      .what = fmt::format("{} starts {} again when it is stopped while users are on it", join(names, ", "), unit),
      .next = fmt::format("say sockets: [{}] with the service in backout.yaml", join(names, ", "))};
}

}  // namespace backout::drivers
