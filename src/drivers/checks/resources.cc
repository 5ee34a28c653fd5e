#include "drivers/checks/resources.h"

#include <cmath>

#include "base/text.h"
#include "drivers/checks/check_name.h"
#include "model/limit.h"

namespace backout::drivers {
namespace {

constexpr Millis kTimeout{30'000};

// Arguments: paths, "--", then for each service its name and its unit or pidfile (an absolute path).
constexpr const char* kScript = R"sh(
LC_ALL=C; export LC_ALL
echo "cores $(getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
read -r load rest </proc/loadavg && echo "load $load"
sed -n 's/^\(MemTotal\|MemAvailable\): *\([0-9]*\) kB/\1 \2/p' /proc/meminfo
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [ -e "$1" ] && df -Pk -- "$1" 2>/dev/null | sed 1d | while read -r dev blocks used free share on; do echo "disk $used $free $on"; done
  shift
done
[ $# -gt 0 ] && shift
[ $# -gt 0 ] && awk '/^Pid:/{p=$2} /^PPid:/{pp=$2} /^VmRSS:/{print "proc", p, pp, $2}' /proc/[0-9]*/status 2>/dev/null
while [ $# -gt 1 ]; do
  pid=
  case $2 in
  /*) [ -r "$2" ] && read -r pid <"$2" ;;
  *) pid=$(systemctl show -p MainPID --value -- "$2" 2>/dev/null)
     n=$(systemctl show -p NRestarts --value -- "$2" 2>/dev/null)
     case $n in ''|*[!0-9]*) ;; *) echo "restarts $n $1" ;; esac ;;
  esac
  case $pid in ''|0|*[!0-9]*) ;; *)
    echo "service $pid $1"
    most=$(sed -n 's/^Max open files *\([0-9]*\) .*/\1/p' "/proc/$pid/limits" 2>/dev/null)
    used=$(ls "/proc/$pid/fd" 2>/dev/null | wc -l)
    [ -n "$most" ] && [ "$used" -gt 0 ] && echo "files $used $most $1" ;;
  esac
  shift 2
done
exit 0
)sh";

double number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

/// Keeps the greater.
void take(std::map<std::string, Figure>& figures, const std::string& name, double value, const std::string& of) {
  const auto [at, is_new] = figures.try_emplace(name, Figure{value, of});
  if (!is_new && value > at->second.value) at->second = {value, of};
}

std::string shown(const std::string& name, const Figure& figure) {
  std::string value = name == "rss"        ? bytes_for_people(static_cast<uint64_t>(figure.value))
                      : name == "load"     ? fmt::format("{:.2f}", figure.value)
                      : name == "restarts" ? fmt::format("{:.0f}", figure.value)
                                           : fmt::format("{:.1f}%", figure.value);
  return fmt::format("{} {}{}", name, value, figure.of.empty() ? "" : " (" + figure.of + ")");
}

class ResourcesDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "resources"; }
  std::vector<driver::Verb> capabilities() const override { return {{"check", StepKind::kLook, true, true}}; }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    if (offering.kind == RunKind::kCheckpoint) return std::vector<Step>{};
    const std::string shown_name = get_string(offering.subject, "name", "resources");
    for (const auto& [figure, limit] : get(offering.subject, "limits").items())
      TRY(limit_from(limit.is_string() ? limit.get<std::string>() : limit.dump()));
    Step step{.id = StepId("check-" + word_of(shown_name)),
              .phase = Phase::kCheck,
              .kind = StepKind::kLook,
              .title = one_line(shown_name),
              .hosts = offering.hosts,
              .action = {std::string(name()), "check", offering.subject},
              .repeatable = true,
              .has_probe = true,
              .timeout = kTimeout};
    return std::vector<Step>{std::move(step)};
  }

  Result<Json> observe(const Json&, host::Host&, std::stop_token) const override { return Json::object(); }
  Result<host::Command> command(const Action& action, const host::Host&) const override {
    return Error{Code::kInvalid, "resources: '" + action.verb + "' is a look and has no command", ""};
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb != "check") return Sight::cannot_tell("resources: nothing to look at for '" + action.verb + "'");
    const Json& limits = get(action.args, "limits");
    if (!limits.is_object() || limits.empty()) return Sight::cannot_tell("resources: no limit is said");
    std::vector<std::string> words;
    for (const Json& path : get(action.args, "paths"))
      if (path.is_string()) words.push_back(path.get<std::string>());
    words.emplace_back("--");
    for (const Json& service : get(action.args, "services")) {
      words.push_back(get_string(service, "name"));
      words.push_back(service.contains("unit") ? get_string(service, "unit") : get_string(service, "pidfile"));
    }
    host::Command command = host::shell(kScript, std::move(words));
    command.timeout = kTimeout;
    command.output_limit = 8U << 20;
    const auto result = host.run(command, std::move(stop));
    if (!result) return Sight::cannot_tell("the figures cannot be had: " + one_line(result.error().message));
    if (!result->ok()) return Sight::cannot_tell("the figures cannot be had: " + one_line(result->why_not_ok()));

    const std::map<std::string, Figure> figures = figures_in(result->out);
    Json evidence = {{"figures", Json::object()}};
    for (const auto& [figure, at] : figures) evidence["figures"][figure] = std::round(at.value * 100) / 100;
    std::vector<std::string> fine, broken, unknown;
    for (const auto& [figure, said] : limits.items()) {
      const std::string text = said.is_string() ? said.get<std::string>() : said.dump();
      const auto limit = limit_from(text);
      const auto found = figures.find(figure);
      if (!limit || found == figures.end())
        unknown.push_back(figure);
      else if (limit->holds(found->second.value))
        fine.push_back(shown(figure, found->second));
      else
        broken.push_back(shown(figure, found->second) + ", expected " + text);
    }
    if (!broken.empty()) return Sight::does_not_hold(join(broken, "; "), std::move(evidence));
    if (!unknown.empty())
      return Sight::cannot_tell("not known: " + join(unknown, ", ") + (fine.empty() ? "" : "; " + join(fine, ", ")),
                                std::move(evidence));
    return Sight::holds(join(fine, ", "), std::move(evidence));
  }
};

}  // namespace

std::map<std::string, Figure> figures_in(const std::string& out) {
  std::map<std::string, Figure> figures;
  double cores = 0, load = -1, total = 0, available = -1;
  std::map<std::string, std::pair<std::string, double>> processes;  // pid -> parent, kB
  std::vector<std::pair<std::string, std::string>> services;        // pid, name
  for (const std::string& line : split(out, '\n')) {
    const std::vector<std::string> words = split(line, ' ');
    const auto rest = [&](size_t from) {
      return words.size() > from ? join({words.begin() + static_cast<std::ptrdiff_t>(from), words.end()}, " ")
                                 : std::string();
    };
    if (words.size() < 2) continue;
    if (words[0] == "cores") cores = number(words[1]);
    if (words[0] == "load") load = number(words[1]);
    if (words[0] == "MemTotal") total = number(words[1]);
    if (words[0] == "MemAvailable") available = number(words[1]);
    if (words[0] == "disk" && words.size() >= 4 && number(words[1]) + number(words[2]) > 0)
      take(figures, "disk", 100 * number(words[1]) / (number(words[1]) + number(words[2])), rest(3));
    if (words[0] == "proc" && words.size() == 4) processes[words[1]] = {words[2], number(words[3])};
    if (words[0] == "service") services.emplace_back(words[1], rest(2));
    if (words[0] == "files" && words.size() >= 4 && number(words[2]) > 0)
      take(figures, "open_files", 100 * number(words[1]) / number(words[2]), rest(3));
    if (words[0] == "restarts") take(figures, "restarts", number(words[1]), rest(2));
  }
  if (cores > 0 && load >= 0) figures["load"] = {load / cores, ""};
  if (total > 0 && available >= 0) figures["memory"] = {100 * (total - available) / total, ""};
  for (const auto& [pid, name] : services) {
    double sum = 0;
    for (const auto& [each, process] : processes) {
      std::string at = each;
      for (int depth = 0; depth < 50 && at != pid; ++depth) {
        const auto parent = processes.find(at);
        if (parent == processes.end()) break;
        at = parent->second.first;
      }
      if (at == pid) sum += process.second * 1024;
    }
    if (sum > 0) take(figures, "rss", sum, name);
  }
  return figures;
}

std::unique_ptr<driver::Driver> make_resources_driver() { return std::make_unique<ResourcesDriver>(); }

}  // namespace backout::drivers
