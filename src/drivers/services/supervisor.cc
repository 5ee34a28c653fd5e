#include "drivers/services/supervisor.h"

#include "base/text.h"
#include "drivers/services/service_ready.h"
#include "drivers/services/supervisor_state.h"

namespace backout::drivers {
namespace {

constexpr Millis kRestartWindow{60'000};  // restarts longer ago are not a storm

// Arguments of every script: program, config. mine: its lines of status. marked: processes with its environment.
constexpr const char* kCommon = R"sh(
LC_ALL=C; export LC_ALL
program=$1 config=$2
fail() { printf '%s\n' "$1" >&2; exit 1; }
centiseconds() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
command -v supervisorctl >/dev/null 2>&1 || fail 'there is no supervisorctl on this host'
ctl() { if [ -n "$config" ]; then supervisorctl -c "$config" "$@"; else supervisorctl "$@"; fi </dev/null; }
server_url() {
  file=$config
  if [ -z "$file" ]; then
    for file in /etc/supervisor/supervisord.conf /etc/supervisord.conf; do [ ! -r "$file" ] || break; done
  fi
  url=$(sed -n '/^\[supervisorctl\]/,/^\[/s/^serverurl[ \t]*=[ \t]*//p' "$file" 2>/dev/null | sed 's/[ \t]*;.*//' | tail -n 1)
  here=$(cd -- "$(dirname -- "$file")" && pwd)
  while case $url in *"%(here)s"*) ;; *) false;; esac; do url=${url%%"%(here)s"*}$here${url#*"%(here)s"}; done
  case $url in *%*) ;; *) printf '%s' "$url";; esac
}
mine() {
  ctl status 2>&1 | awk -v p="$program" '
    BEGIN { group = p; sub(/:\*$/, ":", group); if (group !~ /:$/) group = group ":" }
    $2 ~ /^(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)$/ &&
      ($1 == p || $1 ":" == group || index($1, group) == 1 || p == $1 ":" $1) { print }'
}
)sh";

constexpr const char* kStatus = R"sh(
printf 'url %s\n' "$(server_url)"
printf 'now %s,000\n' "$(date '+%Y-%m-%d %H:%M:%S')"
path=$3 changed=
[ -z "$path" ] || changed=$(date -d "@$(stat -c %Y -- "$path" 2>/dev/null)" '+%Y-%m-%d %H:%M:%S' 2>/dev/null)
printf 'switched %s,000\n' "$changed"
ctl status 2>&1 | sed 's/^/status /'
ctl maintail -16000 2>/dev/null | grep -E ' (spawned|exited|stopped|gave up): ' | sed 's/^/log /'
echo end
)sh";

constexpr const char* kActing = R"sh(
lines=$(mine)
if [ -z "$lines" ] && [ "$verb" = start ]; then ctl update >/dev/null 2>&1 "${program%%:*}"; lines=$(mine); fi
if [ -z "$lines" ]; then
  said=$(ctl status 2>&1)
  case $? in 0|3) fail "supervisord knows no program $program";; *) fail "supervisord does not answer: $said";; esac
fi
spec=$program
case $program in *:*) ;; *) printf '%s\n' "$lines" | grep -q "^$program:" && spec=$program:*;; esac
group=${spec%%:*} process=${spec#*:}
states() { mine | awk '{ print $2 }' | sort -u | tr '\n' ' '; }
marked() {
  found=$(grep -slzxF -e "SUPERVISOR_GROUP_NAME=$group" /proc/[0-9]*/environ)
  [ "$process" = '*' ] || found=$(printf '%s\n' "$found" | xargs -r grep -slzxF -e "SUPERVISOR_PROCESS_NAME=$process" --)
  url=$(server_url)
  [ -z "$url" ] || found=$(printf '%s\n' "$found" | xargs -r grep -slzxF -e "SUPERVISOR_SERVER_URL=$url" --)
  for file in $found; do
    pid=${file#/proc/} pid=${pid%%/*}
    case $(cat "/proc/$pid/stat" 2>/dev/null) in ''|*') Z '*|*') X '*) ;; *) printf '%s ' "$pid";; esac
  done
}
last_words() {
  for name in $(mine | awk '{ print $1 }' | head -n 3); do
    { ctl tail -3000 "$name" stdout; ctl tail -3000 "$name" stderr; } 2>/dev/null | grep -v '^$' | tail -n 20 >&2
  done
}
)sh";

constexpr const char* kStop = R"sh(
drain_ms=$3 verb=stop
)sh";
constexpr const char* kStopNow = R"sh(
! grep -qzxF -e "SUPERVISOR_GROUP_NAME=$group" "/proc/$$/environ" || fail "this very command was started by $program: not stopped"
ctl stop "$spec" >/dev/null 2>&1 &
asked=$!
down() { case " $(states)" in *' RUNNING '*|*' STARTING '*|*' BACKOFF '*|*' STOPPING '*|*' UNKNOWN '*) return 1;; esac; }
end=$(( $(centiseconds) + drain_ms / 10 )) ended=TERM
until down; do
  if [ "$(centiseconds)" -ge "$end" ]; then
    [ "$ended" = TERM ] || { last_words; fail "$program does not end, 10 s after KILL"; }
    ended=KILL end=$(( $(centiseconds) + 1000 ))
    ctl signal KILL "$spec" >/dev/null 2>&1
  fi
  # A program that supervisord was about to start again takes no stop; it is told once more.
  kill -0 "$asked" 2>/dev/null || { ctl stop "$spec" >/dev/null 2>&1 & asked=$!; }
  sleep 0.1
done
wait "$asked"
# Children that supervisord leaves behind (stopasgroup is off) have its environment.
limit=$(( end + 1000 )) told=
left=$(marked)
while [ -n "$left" ]; do
  [ "$(centiseconds)" -lt "$end" ] || ended=KILL
  if [ "$ended" = KILL ]; then
    for pid in $left; do kill -s KILL "$pid" 2>/dev/null; done
  elif [ "$left" != "$told" ]; then
    for pid in $left; do kill -s TERM "$pid" 2>/dev/null; done
    told=$left
  fi
  [ "$(centiseconds)" -lt "$limit" ] || fail "processes of $program live 10 s after KILL: $left"
  sleep 0.1
  left=$(marked)
done
printf '{"ended_by": "%s"}\n' "$ended"
)sh";

constexpr const char* kStart = R"sh(
port=$3 wait_ms=$4 verb=start
)sh";
constexpr const char* kStartNow = R"sh(
open() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$(printf %04X "$port")$" '$4 == "0A" && $2 ~ port { found = 1 } END { exit !found }'; }
updated=$(ctl update "$group" 2>&1) || printf '%s\n' "$updated" >&2
said=$(timeout $(( wait_ms / 1000 + 1 )) supervisorctl ${config:+-c "$config"} start "$spec" 2>&1 </dev/null)
end=$(( $(centiseconds) + wait_ms / 10 )) pids= restarts=0 nobody=0
while :; do
  lines=$(mine)
  case " $(printf '%s\n' "$lines" | awk '{ print $2 }' | sort -u | tr '\n' ' ')" in
  ' RUNNING ') if [ "$port" -eq 0 ] || open; then break; fi;;
  *' FATAL '*) last_words; fail "$program is FATAL: supervisord gave up starting it";;
  *' EXITED '*) last_words; fail "$program ended soon after its start";;
  *' STOPPED '*|'  '*) last_words; fail "$program was not started: $(printf '%s' "$said" | tr '\n' ' ')";;
  esac
  now=$(printf '%s\n' "$lines" | sed -n 's/.* pid \([0-9]*\),.*/\1/p' | tr '\n' ' ')
  if [ -n "$now" ] && [ "$now" != "$pids" ]; then [ -z "$pids" ] || restarts=$(( restarts + 1 )); pids=$now; fi
  nobody=$(( nobody + 1 ))
  for pid in $now; do [ ! -e "/proc/$pid" ] || nobody=0; done
  [ "$nobody" -lt 20 ] || [ -z "$now" ] || fail "supervisord says that $program is RUNNING as ${now% }, and there is no such process"
  [ "$restarts" -lt 3 ] || { last_words; fail "$program crashes and is restarted by supervisord in a circle"; }
  [ "$(centiseconds)" -lt "$end" ] || { last_words; fail "$program does not serve after $wait_ms ms: $(printf '%s' "$lines" | tr -s ' ' | tr '\n' ';')"; }
  sleep 0.1
done
printf '{"pids": [%s]}\n' "$(printf '%s\n' "$lines" | sed -n 's/.* pid \([0-9]*\),.*/\1/p' | paste -s -d , -)"
)sh";

struct Told {
  SupervisorProgram program;
  std::string config;
};

Result<Told> told_from(const Json& args) {
  Told told{{get_string(args, "program")}, get_string(args, "config")};
  static constexpr std::string_view kForbidden = " \t\n'\"[]";
  if (told.program.text.empty() || told.program.text.starts_with('-') ||
      told.program.text.find_first_of(kForbidden) != std::string::npos || told.program.text.starts_with('*') ||
      told.program.text == "all")
    return Error{Code::kInvalid, "'program' must be the name of a program of supervisord", ""};
  if (!told.config.empty() && !told.config.starts_with('/'))
    return Error{Code::kInvalid, told.program.text + ": 'config' must be an absolute path", ""};
  return told;
}

class SupervisorDriver : public ManagedDriver {
 public:
  std::string_view name() const override { return "supervisor"; }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    const Service service = TRY(service_of(action.args, host.name().str()));
    const Told told = TRY(told_from(action.args));
    std::vector<std::string> arguments = {told.program.text, told.config};
    if (action.verb == "stop") {
      arguments.push_back(std::to_string(service.drain.count()));
      host::Command command = host::shell(std::string(kCommon) + kStop + kActing + kStopNow, std::move(arguments));
      command.timeout = service.drain + Millis(25'000);
      return command;
    }
    if (action.verb != "start") return Error{Code::kInvalid, "supervisor: no command for '" + action.verb + "'", ""};
    if (service.leave_down) return host::shell("echo '{\"was\": \"found not running, left so\"}'");
    arguments.push_back(std::to_string(service.at.port));
    arguments.push_back(std::to_string(service.startup.count()));
    host::Command command = host::shell(std::string(kCommon) + kStart + kActing + kStartNow, std::move(arguments));
    command.timeout = 2 * service.startup + Millis(55'000);
    return command;
  }

  driver::Readiness ready(const driver::Offering&, host::Host&, driver::Depth, std::stop_token) const override {
    return tool_readiness("supervisorctl", "to stop and start programs of supervisord");
  }

 protected:
  Result<Service> service_of(const Json& args, std::string_view host) const override {
    Service service = TRY(service_from(args, host));
    TRY(told_from(args).with_context(service.name));
    return service;
  }

  Result<Managed> ask(const Json& args, host::Host& host, std::stop_token stop) const override {
    const Told told = TRY(told_from(args));
    const Json& code = get(args, "code");
    std::string switched = get_string(code, "path");
    if (!switched.empty()) switched += get_string(code, "layout") == "releases" ? "/current" : "/.git/HEAD";
    host::Command command =
        host::shell(std::string(kCommon) + kStatus, {told.program.text, told.config, std::move(switched)});
    command.timeout = Millis(20'000);
    const host::CommandResult result = TRY(host.run(command, stop));
    if (!result.ok()) return Error{Code::kUnavailable, "asking supervisord: " + result.why_not_ok(), ""};
    return managed_of(result.out, told.program);
  }

  Json log_of(const Json& args, const Managed& managed, host::Host& host, std::stop_token stop) const override {
    const auto told = told_from(args);
    if (!told || managed.instances.empty()) return Json::array();
    // The one that is not up, if there is one, has the words that explain it.
    const auto down = std::find_if(managed.instances.begin(), managed.instances.end(),
                                   [](const Instance& one) { return one.kind != Instance::Kind::kUp; });
    const Instance& which = down == managed.instances.end() ? managed.instances.front() : *down;
    host::Command command = host::shell(std::string(kCommon) + R"sh(
for stream in stdout stderr; do ctl tail -3000 "$3" $stream 2>/dev/null | grep -v '^$' | tail -n 15; done
)sh",
                                        {told->program.text, told->config, which.name});
    command.timeout = Millis(10'000);
    const auto shown = host.run(command, stop);
    return shown && shown->ok() ? log_lines(shown->out) : Json::array();
  }

 private:
  static Result<Managed> managed_of(std::string_view output, const SupervisorProgram& program) {
    std::string status, log, url, now, switched;
    bool ended = false;
    for (const std::string& line : split(output, '\n')) {
      const size_t space = line.find(' ');
      const std::string_view fact = std::string_view(line).substr(0, space);
      const std::string value = space == std::string::npos ? "" : line.substr(space + 1);
      if (fact == "status") status += value + "\n";
      if (fact == "log") log += value + "\n";
      if (fact == "url") url = value;
      if (fact == "now") now = value;
      if (fact == "switched") switched = value;
      if (fact == "end") ended = true;
    }
    if (!ended) return Error{Code::kCorrupt, "asking supervisord ended half-way", ""};
    Managed managed{.keeper = "supervisor"};
    managed.instances = TRY(parse_supervisor_status(status, program));
    if (managed.instances.empty())
      return Error{Code::kNotFound, "supervisord knows no program " + program.text, "look: supervisorctl status"};
    std::vector<std::string> shown;
    for (Instance& instance : managed.instances) {
      instance.restarts = supervisor_restarts(log, instance.name, now, kRestartWindow, switched);
      shown.push_back(instance.name);
    }
    managed.marks = program.marks(shown, url);
    return managed;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_supervisor_driver() { return std::make_unique<SupervisorDriver>(); }

}  // namespace backout::drivers
