#include "drivers/services/pm2.h"

#include <charconv>

#include "base/text.h"
#include "driver/outer_environment.h"
#include "drivers/services/pm2_state.h"
#include "drivers/services/service_ready.h"

namespace backout::drivers {
namespace {

// Arguments of every script: app, pm2. god: the daemon, if it lives; any pm2 command would start one.
constexpr const char* kCommon = R"sh(
app=$1 pm2=$2
fail() { printf '%s\n' "$1" >&2; exit 1; }
centiseconds() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
command -v "$pm2" >/dev/null 2>&1 || fail "there is no $pm2 on this host for $(id -un): say program"
home=${PM2_HOME:-$HOME/.pm2}
god() {
  daemon=$(cat "$home/pm2.pid" 2>/dev/null)
  case $daemon in ''|*[!0-9]*) return 1;; esac
  # A dead daemon that nobody has reaped yet has no command line.
  grep -qa -e PM2 -e God "/proc/$daemon/cmdline" 2>/dev/null
}
# The daemon it may start must hold no lock of ours, and applications get the environment that was there before us.
tell() { (become "$pm2" "$@") </dev/null 8>&- 9>&-; }
)sh";

constexpr const char* kStatus = R"sh(
printf 'home %s\n' "$home"
if god; then
  printf 'god %s\n' "$daemon"
  tell jlist || exit 1
fi
printf '\nend\n'
)sh";

// instances: "STATUS PID RESTARTS" a line. logs: of errors, then of output.
constexpr const char* kActing = R"sh(
list() {
  god || return 0
  tell jlist 2>/dev/null | node -e '
    const [app, what] = process.argv.slice(1);
    let text = ""; process.stdin.on("data", d => text += d).on("end", () => {
      let list = null;
      for (const line of text.split("\n"))
        if (line.startsWith("[{") || line.trim() === "[]") try { list = JSON.parse(line); } catch (e) {}
      if (list === null) { console.error("pm2 jlist printed no list"); process.exit(1); }
      const mine = list.filter(a => a.name === app), files = new Set();
      if (what === "instances") for (const a of mine) console.log(a.pm2_env.status.replace(/ /g, "-"), a.pid || 0, a.pm2_env.restart_time || 0);
      else { for (const key of ["pm_out_log_path", "pm_err_log_path"]) for (const a of mine) files.add(a.pm2_env[key]);
        for (const f of files) console.log(f); }
    })' "$app" "$1"
}
last_words() { list logs | while read -r file; do [ ! -f "$file" ] || tail -n 15 -- "$file" >&2; done; }
)sh";

constexpr const char* kStop = R"sh(
drain_ms=$3
before=$(list instances) || fail "PM2 does not say what runs"
if [ -z "$before" ]; then echo '{"was": "not known to PM2"}'; exit 0; fi
pids=$(printf '%s\n' "$before" | awk '$2 > 0 { print $2 }')
tell stop "$app" >/dev/null 2>&1 &
asked=$!
down() {
  now=$(list instances) || return 1
  printf '%s\n' "$now" | awk '$1 != "stopped" && $1 != "errored" { up = 1 } END { exit up }'
}
end=$(( $(centiseconds) + drain_ms / 10 )) ended=TERM
until down; do
  if [ "$(centiseconds)" -ge "$end" ]; then
    [ "$ended" = TERM ] || { last_words; fail "$app does not end, 10 s after KILL"; }
    ended=KILL end=$(( $(centiseconds) + 1000 ))
    for pid in $pids; do kill -s KILL "$pid" 2>/dev/null; done
  fi
  kill -0 "$asked" 2>/dev/null || { tell stop "$app" >/dev/null 2>&1 & asked=$!; }
  sleep 0.2
done
wait "$asked"
printf '{"ended_by": "%s"}\n' "$ended"
)sh";

constexpr const char* kStart = R"sh(
port=$3 wait_ms=$4 ecosystem=$5 cwd=$6
open() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$(printf %04X "$port")$" '$4 == "0A" && $2 ~ port { found = 1 } END { exit !found }'; }
if [ -n "$ecosystem" ]; then
  [ -z "$cwd" ] || cd -- "$cwd" || fail "cannot start in $cwd"
  [ -r "$ecosystem" ] || fail "cannot read $ecosystem"
  if [ -n "$(list instances)" ]; then tell delete "$app" >/dev/null || fail "pm2 delete $app failed"; fi
  said=$(tell start "$ecosystem" --only "$app" 2>&1) || { printf '%s\n' "$said" | tail -n 20 >&2; last_words; fail "pm2 start $ecosystem --only $app failed"; }
else
  [ -n "$(list instances)" ] || fail "PM2 knows no application $app, and there is no ecosystem to start it from"
  said=$(tell restart "$app" 2>&1) || { printf '%s\n' "$said" | tail -n 20 >&2; last_words; fail "pm2 restart $app failed"; }
fi
end=$(( $(centiseconds) + wait_ms / 10 )) first=
while :; do
  now=$(list instances) || fail "PM2 does not say what runs"
  [ -n "$now" ] || fail "pm2 start brought no application $app: is it so named in $ecosystem?"
  states=" $(printf '%s\n' "$now" | awk '{ print $1 }' | sort -u | tr '\n' ' ')"
  restarts=$(printf '%s\n' "$now" | awk '{ n += $3 } END { print n }')
  [ -n "$first" ] || first=$restarts
  case $states in
  ' online ') if [ "$port" -eq 0 ] || open; then break; fi;;
  *' errored '*) last_words; fail "$app is errored: PM2 gave up starting it";;
  *' stopped '*) last_words; fail "$app ended soon after its start";;
  esac
  [ $(( restarts - first )) -lt 3 ] || { last_words; fail "$app crashes and is restarted by PM2 in a circle"; }
  [ "$(centiseconds)" -lt "$end" ] || { last_words; fail "$app does not serve after $wait_ms ms: it is$states"; }
  sleep 0.2
done
[ ! -e "$home/dump.pm2" ] || tell save >/dev/null 2>&1 || echo 'pm2 save failed' >&2
printf '{"pids": [%s]}\n' "$(printf '%s\n' "$now" | awk '{ print $2 }' | paste -s -d , -)"
)sh";

struct App {
  std::string name, home, user, program, ecosystem, cwd;
};

Result<App> app_from(const Json& args) {
  App app{get_string(args, "app"),       get_string(args, "home"),
          get_string(args, "user"),      get_string(args, "program", "pm2"),
          get_string(args, "ecosystem"), get_string(args, "cwd")};
  const bool number = app.name.find_first_not_of("0123456789") == std::string::npos;
  if (number || app.name == "all" || app.name.starts_with('-') || app.name.starts_with('/'))
    return Error{Code::kInvalid, "'app' must be the name of one application of PM2", ""};
  for (const auto& [key, path] : {std::pair("home", &app.home)})
    if (!path->empty() && !path->starts_with('/'))
      return Error{Code::kInvalid, fmt::format("{}: '{}' must be an absolute path", app.name, key), ""};
  return app;
}

std::string script(const char* what, bool acting = true) {
  return std::string(driver::kOuterEnvironment) + kCommon + (acting ? kActing : "") + what;
}

class Pm2Driver : public ManagedDriver {
 public:
  std::string_view name() const override { return "pm2"; }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    const Service service = TRY(service_of(action.args, host.name().str()));
    const App app = TRY(app_from(action.args));
    if (action.verb == "stop")
      return made(app, script(kStop), {std::to_string(service.drain.count())}, service.drain + Millis(25'000));
    if (action.verb != "start") return Error{Code::kInvalid, "pm2: no command for '" + action.verb + "'", ""};
    if (service.leave_down) return host::shell("echo '{\"was\": \"found not running, left so\"}'");
    return made(app, script(kStart),
                {std::to_string(service.at.port), std::to_string(service.startup.count()), app.ecosystem, app.cwd},
                service.startup + Millis(55'000));
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host&, driver::Depth,
                          std::stop_token) const override {
    const auto app = app_from(offering.subject);
    if (!app) return {};
    driver::Readiness readiness = tool_readiness(app->program, "to stop and start applications of PM2");
    for (driver::Need& need : readiness.needs) need.user = app->user;
    return readiness;
  }

 protected:
  Result<Service> service_of(const Json& args, std::string_view host) const override {
    Service service = TRY(service_from(args, host));
    const App app = TRY(app_from(args).with_context(service.name));
    service.at.user = app.user;
    return service;
  }

  Result<Managed> ask(const Json& args, host::Host& host, std::stop_token stop) const override {
    const App app = TRY(app_from(args));
    host::Command command = made(app, script(kStatus, false), {}, Millis(20'000));
    command.output_limit = 16U << 20;
    const host::CommandResult result = TRY(host.run(command, stop));
    if (!result.ok()) return Error{Code::kUnavailable, "asking PM2: " + result.why_not_ok(), ""};
    return managed_of(result.out, app, get(args, "code"));
  }

  Json log_of(const Json& args, const Managed&, host::Host& host, std::stop_token stop) const override {
    const auto app = app_from(args);
    if (!app) return Json::array();
    const auto shown = host.run(made(*app, script("last_words 2>&1"), {}, Millis(10'000)), stop);
    return shown && shown->ok() ? log_lines(shown->out) : Json::array();
  }

 private:
  static host::Command made(const App& app, std::string text, const std::vector<std::string>& more, Millis timeout) {
    std::vector<std::string> arguments = {app.name, app.program};
    arguments.insert(arguments.end(), more.begin(), more.end());
    host::Command command = host::shell(std::move(text), std::move(arguments));
    if (!app.home.empty()) command.env["PM2_HOME"] = app.home;
    command.user = app.user;
    command.timeout = timeout;
    return command;
  }

  static Result<Managed> managed_of(std::string_view output, const App& app, const Json& code) {
    Managed managed{.keeper = "PM2"};
    std::string home;
    int64_t daemon = 0;
    bool ended = false;
    for (const std::string& line : split(output, '\n')) {
      if (line.starts_with("home ")) home = line.substr(5);
      if (line.starts_with("god ")) std::from_chars(line.data() + 4, line.data() + line.size(), daemon);
      ended |= line == "end";
    }
    if (!ended) return Error{Code::kCorrupt, "asking PM2 ended half-way", ""};
    const Pm2App known = daemon > 0 ? TRY(parse_pm2_list(output, app.name)) : Pm2App{};
    if (known.instances.empty() && app.ecosystem.empty())
      return Error{Code::kNotFound,
                   daemon > 0 ? fmt::format("PM2 ({}) knows no application {}", home, app.name)
                              : fmt::format("PM2 does not run ({})", home),
                   "look: pm2 list; or say ecosystem, from which it can be started"};
    managed.instances = known.instances;
    if (known.cluster && daemon > 0) managed.port_keepers.insert(daemon);
    managed.marks = {"PM2_HOME=" + home, "name=" + app.name};
    if (get_string(code, "layout") == "releases" && app.ecosystem.empty())
      for (const std::string& path : known.paths)
        if (path.starts_with(get_string(code, "path") + "/releases/"))
          managed.unusable = fmt::format(
              "PM2 starts it from {}, so a restart brings that release back; start it once by {}/current, or say "
              "ecosystem",
              one_line(path), get_string(code, "path"));
    return managed;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_pm2_driver() { return std::make_unique<Pm2Driver>(); }

}  // namespace backout::drivers
