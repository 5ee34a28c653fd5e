#include "watch/services/keepers.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

constexpr size_t kMostKept = 100;

// Arguments: kind, then by kind: unit | program, config | pm2, app | pidfile. Prints lines "FACT VALUE" and "end".
constexpr const char* kKeeperScript = R"sh(
LC_ALL=C; export LC_ALL
kind=$1; shift
case $kind in
systemd)
  command -v systemctl >/dev/null 2>&1 || { echo 'error there is no systemctl here'; echo end; exit 0; }
  systemctl show -p LoadState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainStatus,InvocationID -- "$1" 2>&1 | sed 's/^/unit /' ;;
supervisor)
  command -v supervisorctl >/dev/null 2>&1 || { echo 'error there is no supervisorctl here'; echo end; exit 0; }
  supervisorctl ${2:+-c "$2"} status </dev/null 2>&1 | sed 's/^/status /'
  supervisorctl ${2:+-c "$2"} maintail -60000 </dev/null 2>/dev/null | sed 's/^/log /' ;;
pm2)
  command -v "$1" >/dev/null 2>&1 || { echo "error there is no $1 here"; echo end; exit 0; }
  home=${PM2_HOME:-$HOME/.pm2}
  daemon=$(cat "$home/pm2.pid" 2>/dev/null)
  case $daemon in ''|*[!0-9]*) daemon=;; esac
  # Any pm2 command would start a daemon.
  if [ -n "$daemon" ] && grep -qa -e PM2 -e God "/proc/$daemon/cmdline" 2>/dev/null
  then "$1" jlist </dev/null 2>/dev/null | sed -n 's/^\[/list [/p'; echo
  else echo 'error PM2 does not run'
  fi ;;
process)
  if [ -r "$1" ]; then
    pid= began= boot= stopping=
    { read -r pid; read -r began; read -r boot; read -r stopping; } <"$1"
    case $pid in ''|*[!0-9]*) ;; *)
      state=$(sed 's/^.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)
      case $state in ''|Z|X) state=gone;; *) state=lives;; esac
      echo "pid $pid $state $began $stopping" ;;
    esac
  elif [ -e "$1" ]; then echo "error $1 cannot be read"
  fi ;;
esac
echo end
)sh";

int64_t number_in(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The values behind a fact, line by line.
std::vector<std::string_view> facts(std::string_view out, std::string_view name) {
  std::vector<std::string_view> found;
  for (size_t start = 0; start < out.size();) {
    const size_t end = std::min(out.find('\n', start), out.size());
    std::string_view line = out.substr(start, end - start);
    start = end + 1;
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
      found.push_back(line.substr(name.size() + 1));
  }
  return found;
}

Error cannot(const std::string& what) { return {Code::kUnavailable, told(what), ""}; }

Result<std::vector<Kept>> unit_in(const std::string& name, std::string_view out) {
  std::map<std::string, std::string, std::less<>> said;
  for (const std::string_view fact : facts(out, "unit"))
    if (const size_t is = fact.find('='); is != std::string_view::npos)
      said[std::string(fact.substr(0, is))] = std::string(fact.substr(is + 1));
    else
      said["error"] = std::string(fact);
  if (!said.contains("ActiveState")) return cannot("systemd does not answer: " + said["error"]);
  if (said["LoadState"] == "not-found") return Error{Code::kNotFound, "systemd knows no unit " + one_line(name), ""};
  Kept kept{.name = name, .pid = number_in(said["MainPID"]), .restarts = number_in(said["NRestarts"])};
  kept.is_up = said["ActiveState"] == "active" || said["ActiveState"] == "reloading";
  kept.last = said["Result"] == "success" ? "" : said["Result"];
  if (said["ActiveState"] == "failed" && said["SubState"] == "failed")
    kept.given_up = kept.last.empty() ? "failed" : kept.last;
  return std::vector<Kept>{kept};  // systemd itself begins to count anew when somebody starts it
}

bool is_state_word(std::string_view word) {
  static constexpr std::string_view kWords[] = {"STOPPED",  "STARTING", "RUNNING", "BACKOFF",
                                                "STOPPING", "EXITED",   "FATAL",   "UNKNOWN"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

/// "shop:web_00" is meant by "shop:*", "shop", "shop:web_00".
bool means(const std::string& program, const std::string& shown) {
  if (program == shown) return true;
  const std::string group = shown.substr(0, shown.find(':'));
  if (program.ends_with(":*")) return group == program.substr(0, program.size() - 2);
  return program.find(':') == std::string::npos && group == program;
}

/// Starts that came behind an end without anybody's hand between, by supervisord's own log; and how the last one ended.
int64_t starts_again(std::string_view out, const std::string& process, std::string& last) {
  int64_t restarts = 0;
  bool ended = false;
  for (const std::string_view line : facts(out, "log")) {
    if (const size_t at = line.find(" exited: " + process + " ("); at != std::string_view::npos) {
      ended = true;
      last = std::string(line.substr(at + process.size() + 11));
      if (last.ends_with(')')) last.pop_back();
    }
    if (line.find(" stopped: " + process + " (") != std::string_view::npos ||
        line.find(" gave up: " + process + " ") != std::string_view::npos)
      ended = false;
    if (line.find(" spawned: '" + process + "' ") == std::string_view::npos) continue;
    if (ended) ++restarts;
    ended = false;
  }
  return restarts;
}

Result<std::vector<Kept>> programs_in(const std::string& program, std::string_view out) {
  std::vector<Kept> list;
  bool any = false;
  std::string first;
  for (const std::string_view status : facts(out, "status")) {
    if (first.empty()) first = std::string(status);
    std::vector<std::string> words = split(status, ' ');
    std::erase_if(words, [](const std::string& word) { return word.empty(); });
    if (words.size() < 2 || !is_state_word(words[1])) continue;
    any = true;
    if (!means(program, words[0]) || list.size() == kMostKept) continue;
    Kept kept{.name = words[0]};
    kept.is_up = words[1] == "RUNNING";
    if (words.size() > 3 && words[2] == "pid") kept.pid = number_in(words[3]);
    kept.restarts = starts_again(out, words[0].substr(words[0].find(':') + 1), kept.last);
    if (words[1] == "FATAL") kept.given_up = "it could not be started";
    list.push_back(std::move(kept));
  }
  if (!any) return cannot("supervisord does not answer: " + first);
  if (list.empty()) return Error{Code::kNotFound, "supervisord knows no program " + one_line(program), ""};
  return list;
}

Result<std::vector<Kept>> apps_in(const std::string& app, std::string_view out) {
  const auto lists = facts(out, "list");
  const auto parsed = lists.empty() ? Result<Json>(Json()) : parse_json(lists.back());
  if (!parsed || !parsed->is_array()) return cannot("PM2 gives no list");
  std::vector<Kept> list;
  for (const Json& one : *parsed) {  // it holds whole environments: nothing but these fields is kept
    if (get_string(one, "name") != app || list.size() == kMostKept) continue;
    const Json& env = get(one, "pm2_env");
    const std::string status = get_string(env, "status");
    Kept kept{.name = app, .pid = get_int(one, "pid"), .restarts = get_int(env, "restart_time")};
    kept.is_up = status == "online";
    kept.generation = std::to_string(get_int(env, "created_at"));  // when somebody last started it
    if (status == "errored") kept.given_up = "it ended too often";
    list.push_back(std::move(kept));
  }
  if (list.empty()) return Error{Code::kNotFound, "PM2 knows no application " + one_line(app), ""};
  if (list.size() > 1)
    for (size_t at = 0; at < list.size(); ++at) list[at].name += fmt::format(" ({})", at + 1);
  return list;
}

std::vector<Kept> process_in(const std::string& name, std::string_view out) {
  const auto pids = facts(out, "pid");
  if (pids.empty()) return {};
  const std::vector<std::string> words = split(pids.front(), ' ');
  if (words.size() < 2) return {};
  Kept kept{.name = name, .pid = number_in(words[0]), .is_up = words[1] == "lives"};
  kept.generation = words.size() > 2 ? words[0] + words[2] : words[0];
  const bool stopping = words.size() > 3 && !words[3].empty();
  if (!kept.is_up) {
    kept.pid = 0;
    if (!stopping) kept.given_up = "its process ended";
  }
  return {kept};
}

}  // namespace

Result<std::vector<WatchedService>> watched_services(const Json& list, const std::string& host) {
  std::vector<WatchedService> services;
  for (const Json& each : list) {
    WatchedService service{get_string(each, "kind"), get_string(each, "name"), each};
    static constexpr std::pair<std::string_view, std::string_view> kNeeds[] = {
        {"systemd", "unit"}, {"supervisor", "program"}, {"pm2", "app"}, {"process", "pidfile"}};
    const auto kind = std::find_if(std::begin(kNeeds), std::end(kNeeds),
                                   [&](const auto& known) { return known.first == service.kind; });
    if (kind == std::end(kNeeds) || get_string(each, kind->second).empty())
      return Error{Code::kInvalid,
                   fmt::format("service '{}' of the kind '{}' cannot be watched", one_line(service.name),
                               one_line(service.kind)),
                   "name services of systemd, supervisor, PM2, or plain processes"};
    const Json& hosts = get(each, "hosts");
    if (!hosts.is_array() || hosts.empty() || std::find(hosts.begin(), hosts.end(), host) != hosts.end())
      services.push_back(std::move(service));
  }
  return services;
}

host::Command look_at_keeper(const WatchedService& service) {
  const Json& of = service.subject;
  std::vector<std::string> words = {service.kind};
  if (service.kind == "systemd") words.push_back(get_string(of, "unit"));
  if (service.kind == "supervisor") words.insert(words.end(), {get_string(of, "program"), get_string(of, "config")});
  if (service.kind == "pm2") words.insert(words.end(), {get_string(of, "program", "pm2"), get_string(of, "app")});
  if (service.kind == "process") words.push_back(get_string(of, "pidfile"));
  host::Command command = host::shell(kKeeperScript, std::move(words));
  if (service.kind == "pm2") {
    command.user = get_string(of, "user");
    if (const std::string home = get_string(of, "home"); !home.empty()) command.env["PM2_HOME"] = home;
  }
  command.timeout = Millis(10'000);
  command.output_limit = 8U << 20;
  return command;
}

Result<std::vector<Kept>> kept_in(const WatchedService& service, std::string_view out) {
  if (const auto errors = facts(out, "error"); !errors.empty()) return cannot(std::string(errors.front()));
  if (!out.ends_with("end\n")) return cannot("the host gave no answer that can be read");
  if (service.kind == "systemd") return unit_in(service.name, out);
  if (service.kind == "supervisor") return programs_in(get_string(service.subject, "program"), out);
  if (service.kind == "pm2") return apps_in(get_string(service.subject, "app"), out);
  return process_in(service.name, out);
}

}  // namespace backout::watch
