#include "drivers/traffic/haproxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "drivers/traffic/haproxy_answers.h"
#include "drivers/traffic/haproxy_look.h"
#include "drivers/traffic/shift.h"
#include "drivers/traffic/upstream_block.h"

namespace backout::drivers {
namespace {

constexpr int kMostOfHaproxy = 256;
constexpr size_t kCommandsAtOnce = 100;  // HAProxy reads a line of at most 16 kB

// say SOCKET LINE: what it answers. Exit status 7: it does not answer, 8: nothing here can speak with it.
constexpr std::string_view kSay = R"sh(
fail() { printf '%s\n' "$1" >&2; exit "${2:-1}"; }
say() {
  if command -v perl >/dev/null 2>&1; then
    perl -e '
      use IO::Socket::UNIX; use IO::Socket::INET;
      my ($at, $line) = @ARGV;
      $SIG{ALRM} = sub { print STDERR "$at does not answer within 10 s\n"; exit 7 }; alarm 10;
      my $socket = $at =~ m{^/} ? IO::Socket::UNIX->new(Peer => $at) : IO::Socket::INET->new(PeerAddr => $at);
      if (!$socket) { print STDERR "$at does not answer: $!\n"; exit 7 }
      print $socket "$line\n"; $socket->flush;
      print while <$socket>;' -- "$1" "$2"
  elif command -v python3 >/dev/null 2>&1; then
    python3 -c '
import socket, sys
at, line = sys.argv[1:]
try:
    if at.startswith("/"):
        made = socket.socket(socket.AF_UNIX); made.settimeout(10); made.connect(at)
    else:
        made = socket.create_connection(at.rsplit(":", 1), 10)
    made.sendall(line.encode() + b"\n")
    with made.makefile("rb") as answer: sys.stdout.buffer.write(answer.read())
except OSError as error:
    sys.exit(print(at + " does not answer: " + str(error.strerror or error), file=sys.stderr) or 7)' "$1" "$2"
  else
    fail "perl or python3 is needed to speak with $1" 8
  fi
}
)sh";

// Arguments: socket, state file or nothing, "undo" or nothing, lines of commands. Room for the file is made sure of
// before anything is set; an undo sets all the same. What a reload would find needs no new file where it is the same.
constexpr std::string_view kSet = R"sh(
socket=$1 state=$2 undo=$3 new=$2.backout-new; shift 3
ask_state() {
  said=$(say "$socket" 'show servers state') || exit
  case $said in *'# be_id'*) ;; *) fail "HAProxy does not tell its state: $said";; esac
}
write_new() {
  if { [ ! -e "$state" ] || cp -p -- "$state" "$new"; } && printf '%s\n' "$said" >"$new" && sync -- "$new"; then return; fi
  rm -f -- "$new"
  return 1
}
is_set() { printf '%s\n' "$1" | awk '$1 !~ /^#/ && NF > 8 { print $2, $4, $7, $8 }'; }
if [ -n "$state" ]; then
  ask_state
  before=$(is_set "$said")
  write_new || [ -n "$undo" ] || fail "cannot write $state: nothing was changed"
fi
for line do
  said=$(say "$socket" "$line") || exit
  said=$(printf '%s\n' "$said" | sed '/^[[:space:]]*$/d')
  [ -z "$said" ] || fail "HAProxy says: $said"
done
[ -n "$state" ] || exit 0
ask_state
if write_new && mv -f -- "$new" "$state"; then exit 0; fi
now=$(is_set "$said")
[ "$now" = "$before" ] || [ "$now" = "$(is_set "$(cat -- "$state")")" ] ||
  fail "cannot write $state: a reload of HAProxy would not divide the traffic as it does now"
)sh";

constexpr std::string_view kTell = R"sh(
say "$1" "$2"
)sh";

bool is_plain(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-") ==
             std::string_view::npos;
}

Result<std::string> told(const std::string& socket, const std::string& line, host::Host& host,
                         const std::stop_token& stop) {
  host::Command command = host::shell(std::string(kSay) + std::string(kTell), {socket, line});
  command.timeout = Millis(15'000);
  command.output_limit = 64U << 20;  // a line of 500 bytes for each server there is
  const auto said = TRY(host.run(command, stop));
  const std::string why = said.err.empty() ? said.why_not_ok() : shortened(one_line(trimmed(said.err)), 200);
  if (said.exit_status == 7)
    return Error{Code::kUnavailable, "HAProxy: " + why,
                 "is it running, with `stats socket " + socket + " level admin` in its global section?"};
  if (said.exit_status == 8) return Error{Code::kNotFound, "HAProxy: " + why, "install one of them"};
  if (!said.ok() || said.truncated) return Error{Code::kInternal, "HAProxy: " + why, ""};
  return said.out;
}

/// Those of a pool that a shift sets: what the plan says is kept out of service stays as it is.
std::vector<std::string> servers_to_set(const Json& subject, const std::string& backend, const Pool& pool) {
  std::vector<std::string> names = haproxy_servers_of(pool);
  const Json& left_alone = get(get(subject, "found"), "left_alone");
  std::erase_if(names, [&](const std::string& name) {
    const Json id = haproxy_id(subject, backend, name);
    return std::find(left_alone.begin(), left_alone.end(), id) != left_alone.end();
  });
  return names;
}

/// What an undo must put back, by server: {weight, state}. None: it goes by the weights of the pools.
const Json& as_found(const Json& subject) {
  static const Json kNone = Json::object();
  const Json& servers = get(get(subject, "found"), "servers");
  return get_bool(subject, "undo") && servers.is_object() ? servers : kNone;
}

std::string not_as_found(const Json& subject, const Json& servers) {
  for (const auto& [name, was] : as_found(subject).items()) {
    const Json& is = get(servers, name);
    for (const char* key : {"weight", "state"})
      if (get(is, key) != get(was, key))
        return fmt::format("{} was found with {} {} and has {}", one_line(name), key, get(was, key).dump(),
                           get(is, key).dump());
  }
  return "";
}

class Haproxy : public ShiftDriver {
 public:
  std::string_view name() const override { return "haproxy"; }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    driver::Readiness readiness;
    const Json& subject = offering.subject;
    const auto say = [&](const char* id, Severity severity, std::string what, std::string next) {
      readiness.findings.push_back({id, severity, "", "", std::move(what), std::move(next), Json::object()});
    };
    const std::string socket = get_string(subject, "socket");
    const auto level = told(socket, "show cli level", host, stop);
    if (!level)
      say("traffic.socket", Severity::kRed, one_line(level.error().message), level.error().next);
    else if (haproxy_level(*level) != "admin")
      say("traffic.level", Severity::kRed,
          fmt::format("HAProxy's socket {} lets nobody shift traffic: its level is {}", socket,
                      haproxy_level(*level).empty() ? "not known" : haproxy_level(*level)),
          "stats socket " + socket + " level admin, in the global section of haproxy.cfg");
    else
      say("traffic.level", Severity::kOk, "HAProxy's socket " + socket + " is of level admin", "");
    if (const std::string state = get_string(subject, "state_file"); !state.empty()) {
      const std::string directory = state.substr(0, std::max<size_t>(state.rfind('/'), 1));
      readiness.needs.push_back(
          {driver::Need::Kind::kWritable, directory, "so that a reload of HAProxy keeps the weights"});
    }
    const auto pools = pools_from(subject);
    if (!pools) return readiness;
    const auto seen = look(subject, *pools, host, stop);
    if (!seen) return readiness;
    for (const Json& one : get(*seen, "elsewhere"))
      say("traffic.elsewhere", Severity::kRed,
          fmt::format("{} sends to {}, too, and no rollback would change that", get_string(one, "what"),
                      get_string(one, "pool")),
          get_string(one, "next"));
    if (!get_string(*seen, "note").empty())
      say("traffic.reload", Severity::kWarning, get_string(*seen, "note"),
          "let HAProxy load a server-state-file, and name it as traffic.haproxy.state_file");
    return readiness;
  }

 protected:
  Result<void> check(const Json& subject, const Pools& pools) const override {
    const auto wrong = [](std::string message) {
      return Error{Code::kInvalid, "traffic: " + std::move(message), "see docs/traffic.md"};
    };
    const std::string socket = get_string(subject, "socket"), state = get_string(subject, "state_file");
    if (!socket.starts_with('/') && (socket.find(':') == std::string::npos || socket.starts_with('-')))
      return wrong("'socket' is an absolute path, or host:port");
    const std::vector<std::string> backends = haproxy_backends(subject);
    if (backends.empty() || !std::all_of(backends.begin(), backends.end(), is_plain))
      return wrong("'backend' is no name of a backend");
    if (std::set<std::string>(backends.begin(), backends.end()).size() != backends.size())
      return wrong("'backend' names one twice");
    if (!state.empty() && (!state.starts_with('/') || state.ends_with('/')))
      return wrong("'state_file' must be the absolute path of a file");
    if (const std::string out = get_string(subject, "out", "maint"); out != "maint" && out != "drain")
      return wrong("'out' is maint or drain");
    std::set<std::string> names;
    for (const auto& [name, pool] : pools.by_name) {
      const std::vector<std::string> servers = haproxy_servers_of(pool);
      if (servers.empty() || servers.size() != get(pool.args, "servers").size())
        return wrong(fmt::format("pool '{}' needs 'servers'", name));
      for (const std::string& server : servers) {
        if (!is_plain(server)) return wrong("'" + one_line(server) + "' is no name of a server");
        if (!names.insert(server).second) return wrong(server + " is in two pools");
      }
    }
    return {};
  }

  Json to_keep(const Json& seen) const override {
    Json kept = {{"servers", Json::object()}, {"left_alone", Json::array()}};
    for (const auto& [pool, names] : get(seen, "kept_out").items())
      for (const Json& name : names) kept["left_alone"].push_back(name);
    for (const auto& [name, server] : get(seen, "servers").items())
      if (std::find(kept["left_alone"].begin(), kept["left_alone"].end(), Json(name)) == kept["left_alone"].end())
        kept["servers"][name] = {{"weight", get(server, "weight")}, {"state", get(server, "state")}};
    if (kept["left_alone"].empty()) kept.erase("left_alone");
    return kept;
  }

  Result<void> may_get_traffic(const Json& subject, const Json& seen, const std::string& pool) const override {
    const Json& kept_out = get(get(seen, "kept_out"), pool);
    const Json& servers = get(get(get(subject, "pools"), pool), "servers");
    for (const std::string& backend : haproxy_backends(subject)) {
      const bool all = std::all_of(servers.begin(), servers.end(), [&](const Json& server) {
        const Json id = server.is_string() ? haproxy_id(subject, backend, server.get<std::string>()) : "";
        return std::find(kept_out.begin(), kept_out.end(), id) != kept_out.end();
      });
      if (!all || servers.empty()) continue;
      const std::string server = one_line(servers[0].get<std::string>());
      return Error{
          Code::kRefused,
          fmt::format("{} is in maintenance at HAProxy, put there by somebody: {}", pool,
                      servers.size() == 1 ? haproxy_id(subject, backend, server) : "all of its servers are"),
          fmt::format("when it may serve: set server {}/{} state ready. A script that takes a pool out of traffic "
                      "sets its weight to 0, too",
                      backend, server)};
    }
    return {};
  }

  Result<host::Command> set(const Json& subject, const Pools& pools, const Weights& weights) const override {
    const Apart apart = TRY(apart_from(get(subject, "apart"), pools, get_bool(subject, "undo")));
    std::vector<std::string> commands, of_those_without;
    for (const std::string& backend : haproxy_backends(subject)) {
      const auto here = apart.find("backend " + backend);
      TRY_VOID(add_commands(subject, pools, backend, here == apart.end() ? weights : here->second, commands,
                            of_those_without));
    }
    commands.insert(commands.end(), of_those_without.begin(), of_those_without.end());
    std::vector<std::string> arguments = {get_string(subject, "socket"), get_string(subject, "state_file"),
                                          get_bool(subject, "undo") ? "undo" : ""};
    for (size_t i = 0; i < commands.size(); i += kCommandsAtOnce)
      arguments.push_back(
          join({commands.begin() + static_cast<std::ptrdiff_t>(i),
                commands.begin() + static_cast<std::ptrdiff_t>(std::min(i + kCommandsAtOnce, commands.size()))},
               "; "));
    return host::shell(std::string(kSay) + std::string(kSet), std::move(arguments));
  }

  /// First of all backends what gets traffic, into `giving`, then what gets none.
  static Result<void> add_commands(const Json& subject, const Pools& pools, const std::string& backend,
                                   const Weights& weights, std::vector<std::string>& giving,
                                   std::vector<std::string>& taking) {
    std::map<std::string, size_t> counts;
    for (const auto& [name, pool] : pools.by_name) counts[name] = servers_to_set(subject, backend, pool).size();
    const auto of_each = weight_of_each(weights, counts, kMostOfHaproxy);
    for (const auto& [name, pool] : pools.by_name)
      for (const std::string& server : servers_to_set(subject, backend, pool)) {
        const Json& was = get(as_found(subject), haproxy_id(subject, backend, server));
        const int64_t weight = was.is_object() ? get_int(was, "weight") : of_each.at(name);
        const std::string state = was.is_object() ? get_string(was, "state")
                                  : weight > 0    ? "ready"
                                                  : get_string(subject, "out", "maint");
        if (state != "ready" && state != "drain" && state != "maint")
          return Error{Code::kInvalid, "traffic: '" + one_line(state) + "' is no state of a server", ""};
        std::vector<std::string>& commands = weight > 0 && state == "ready" ? giving : taking;
        commands.push_back(fmt::format("set weight {}/{} {}", backend, server, weight));
        commands.push_back(fmt::format("set server {}/{} state {}", backend, server, state));
      }
    return {};
  }

  Result<Json> look(const Json& subject, const Pools& pools, host::Host& host, std::stop_token stop) const override {
    const std::string socket = get_string(subject, "socket");
    const std::string state = TRY(told(socket, "show servers state", host, stop));
    // Of all: a frontend may have the name of its backend, and by the name HAProxy tells of that one.
    const std::string stat = TRY(told(socket, "show stat -1 4 -1", host, stop));
    const auto servers = TRY(haproxy_servers(state, stat));
    Json seen = TRY(haproxy_seen(subject, pools, servers));
    if (std::string amiss = not_as_found(subject, seen["servers"]); !amiss.empty()) seen["amiss"] = amiss;
    return seen;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_haproxy_driver() { return std::make_unique<Haproxy>(); }

}  // namespace backout::drivers
