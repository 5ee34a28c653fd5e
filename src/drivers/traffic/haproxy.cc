#include "drivers/traffic/haproxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "drivers/traffic/haproxy_answers.h"
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

// Arguments: socket, state file or nothing, lines of commands.
constexpr std::string_view kSet = R"sh(
socket=$1 state=$2; shift 2
for line do
  said=$(say "$socket" "$line") || exit
  said=$(printf '%s\n' "$said" | sed '/^[[:space:]]*$/d')
  [ -z "$said" ] || fail "HAProxy says: $said"
done
[ -n "$state" ] || exit 0
new=$state.backout-new
said=$(say "$socket" 'show servers state') || exit
case $said in *'# be_id'*) ;; *) fail "HAProxy does not tell its state: $said";; esac
{ [ ! -e "$state" ] || cp -p -- "$state" "$new"; } && printf '%s\n' "$said" >"$new" && sync -- "$new" && mv -f -- "$new" "$state" || fail "cannot write $state"
)sh";

constexpr std::string_view kTell = R"sh(
say "$1" "$2"
)sh";

bool is_plain(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-") ==
             std::string_view::npos;
}

std::vector<std::string> servers_in(const Pool& pool) {
  std::vector<std::string> names;
  for (const Json& name : get(pool.args, "servers"))
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

Result<std::string> told(const std::string& socket, const std::string& line, host::Host& host,
                         const std::stop_token& stop) {
  host::Command command = host::shell(std::string(kSay) + std::string(kTell), {socket, line});
  command.timeout = Millis(15'000);
  command.output_limit = 4U << 20;
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
std::vector<std::string> servers_to_set(const Json& subject, const Pool& pool) {
  std::vector<std::string> names = servers_in(pool);
  const Json& left_alone = get(get(subject, "found"), "left_alone");
  std::erase_if(names, [&](const std::string& name) {
    return std::any_of(left_alone.begin(), left_alone.end(), [&](const Json& each) { return each == name; });
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
      return readiness;
    }
    const auto pools = pools_from(subject);
    if (!pools) return readiness;
    if (const auto seen = look(subject, *pools, host, stop); seen && !get_string(*seen, "note").empty())
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
    if (!is_plain(get_string(subject, "backend"))) return wrong("'backend' is no name of a backend");
    if (!state.empty() && (!state.starts_with('/') || state.ends_with('/')))
      return wrong("'state_file' must be the absolute path of a file");
    if (const std::string out = get_string(subject, "out", "maint"); out != "maint" && out != "drain")
      return wrong("'out' is maint or drain");
    std::set<std::string> names;
    for (const auto& [name, pool] : pools.by_name) {
      const std::vector<std::string> servers = servers_in(pool);
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
    if (!kept_out.is_array() || kept_out.size() < get(get(get(subject, "pools"), pool), "servers").size()) return {};
    const std::string server = one_line(kept_out[0].get<std::string>());
    return Error{
        Code::kRefused,
        fmt::format("{} is in maintenance at HAProxy, put there by somebody: {}", pool,
                    kept_out.size() == 1 ? server : "all of its servers are"),
        fmt::format("when it may serve: set server {}/{} state ready. A script that takes a pool out of traffic "
                    "sets its weight to 0, too",
                    get_string(subject, "backend"), server)};
  }

  Result<host::Command> set(const Json& subject, const Pools& pools, const Weights& weights) const override {
    const std::string backend = get_string(subject, "backend"), out = get_string(subject, "out", "maint");
    std::map<std::string, size_t> counts;
    for (const auto& [name, pool] : pools.by_name) counts[name] = servers_to_set(subject, pool).size();
    const auto of_each = weight_of_each(weights, counts, kMostOfHaproxy);
    std::vector<std::string> commands;
    for (const bool gets : {true, false})
      for (const auto& [name, pool] : pools.by_name)
        for (const std::string& server : servers_to_set(subject, pool)) {
          const Json& was = get(as_found(subject), server);
          const int64_t weight = was.is_object() ? get_int(was, "weight") : of_each.at(name);
          const std::string state = was.is_object() ? get_string(was, "state") : weight > 0 ? "ready" : out;
          if (state != "ready" && state != "drain" && state != "maint")
            return Error{Code::kInvalid, "traffic: '" + one_line(state) + "' is no state of a server", ""};
          if ((weight > 0 && state == "ready") != gets) continue;
          commands.push_back(fmt::format("set weight {}/{} {}", backend, server, weight));
          commands.push_back(fmt::format("set server {}/{} state {}", backend, server, state));
        }
    std::vector<std::string> arguments = {get_string(subject, "socket"), get_string(subject, "state_file")};
    for (size_t i = 0; i < commands.size(); i += kCommandsAtOnce)
      arguments.push_back(
          join({commands.begin() + static_cast<std::ptrdiff_t>(i),
                commands.begin() + static_cast<std::ptrdiff_t>(std::min(i + kCommandsAtOnce, commands.size()))},
               "; "));
    return host::shell(std::string(kSay) + std::string(kSet), std::move(arguments));
  }

  Result<Json> look(const Json& subject, const Pools& pools, host::Host& host, std::stop_token stop) const override {
    const std::string backend = get_string(subject, "backend"), socket = get_string(subject, "socket");
    const std::string state = TRY(told(socket, "show servers state " + backend, host, stop));
    const std::string stat = TRY(told(socket, fmt::format("show stat {} 4 -1", backend), host, stop));
    const auto servers = TRY(haproxy_servers(state, stat).with_context("backend " + backend));
    std::map<std::string, const HaproxyServer*> by_name;
    for (const HaproxyServer& server : servers) by_name[server.name] = &server;

    std::map<std::string, double> shares, of_the_file;
    std::set<std::string> known;
    Json seen = {{"servers", Json::object()}, {"sick", Json::object()}};
    for (const auto& [name, pool] : pools.by_name) {
      shares[name] = of_the_file[name] = 0;
      bool up = false;
      std::string why;
      std::vector<HaproxyServer> of_pool;
      for (const std::string& server_name : servers_in(pool)) {
        const auto found = by_name.find(server_name);
        if (found == by_name.end()) {
          std::vector<std::string> there;
          for (const auto& [other, server] : by_name) there.push_back(other);
          return Error{Code::kNotFound,
                       fmt::format("backend {} has no server {}: it has {}", backend, server_name,
                                   shortened(one_line(join(there, ", ")), 120)),
                       "name the servers of a pool as haproxy.cfg does: traffic.pools." + name + ".servers"};
        }
        const HaproxyServer& server = *found->second;
        known.insert(server_name);
        of_pool.push_back(server);
        shares[name] += server.out ? 0 : server.weight;
        of_the_file[name] += server.disabled ? 0 : server.weight_of_the_file;
        up = up || (server.serves() && !server.out);
        if (!server.serves()) why = fmt::format("its server {} is {}", server_name, one_line(server.status));
        seen["servers"][server_name] = {
            {"weight", server.weight}, {"state", server.state}, {"status", one_line(server.status)}};
      }
      if (const auto names = kept_out(of_pool); !names.empty()) seen["kept_out"][name] = names;
      if (!up && shares[name] > 0) seen["sick"][name] = "HAProxy sends nothing there: " + why;
    }
    for (const HaproxyServer& server : servers)
      if (!known.contains(server.name) && server.weight > 0 && !server.out)
        return Error{
            Code::kConflict,
            fmt::format("server {} of backend {} gets traffic and is in no pool", one_line(server.name), backend),
            "name it under traffic.pools"};
    if (std::string amiss = not_as_found(subject, seen["servers"]); !amiss.empty()) seen["amiss"] = amiss;
    const Weights now = in_percent(shares), later = in_percent(of_the_file);
    seen["weights"] = now;
    if (get_string(subject, "state_file").empty() && !same(now, later))
      seen["note"] =
          fmt::format("a reload of HAProxy would divide the traffic as its configuration says: {}", in_words(later));
    return seen;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_haproxy_driver() { return std::make_unique<Haproxy>(); }

}  // namespace backout::drivers
