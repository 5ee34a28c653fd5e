#include "drivers/traffic/nginx_upstream.h"

#include <fmt/format.h>

#include "base/text.h"
#include "driver/outer_environment.h"
#include "drivers/traffic/shift.h"
#include "drivers/traffic/upstream_block.h"

namespace backout::drivers {
namespace {

// Arguments: include, content, run or nothing, "undo" or nothing, number of words of the test command, the test and the
// reload command.
constexpr const char* kShift = R"sh(
include=$1 content=$2 run=$3 undo=$4 words=$5; shift 5
fail() { printf '%s\n' "$1" >&2; exit 1; }
first() { n=$1; shift; for word do shift; [ "$n" -gt 0 ] && set -- "$@" "$word"; n=$((n - 1)); done; (become "$@"); }
rest() { n=$1; shift; shift "$n"; (become "$@"); }

[ -L "$include" ] && include=$(readlink -f -- "$include")
directory=${include%/*} name=${include##*/}
new=$directory/.$name.backout-new was=$directory/.$name.backout-was-$run found=$directory/.$name.backout-found-$run
# $1 holds from now on what the file holds, whatever replaces the file; once: when a step runs again, what is there is
# its own work. A second name for the same bytes, where the file system has such.
keep() {
  [ -e "$1" ] || ln -- "$include" "$1" 2>/dev/null || { cp -p -- "$include" "$1.new" && mv -f -- "$1.new" "$1"; } ||
    fail "cannot keep what $include holds"
}
[ -e "$include" ] || fail "$include does not exist"
[ -z "$undo" ] || [ -z "$run" ] || [ -e "$found" ] || exit 0  # this run has written nothing
[ -n "$undo" ] || [ -z "$run" ] || keep "$found"
keep "$was"  # what nginx runs with until the reload
# Atomic and durable; keeps owner and mode of what it replaces, and has a time of its own.
put() {
  cp -fp -- "$include" "$new" &&
    if [ -n "$undo" ] && [ -n "$run" ]; then cat -- "$found"; else printf '%s' "$content"; fi >"$new" &&
    sync -- "$new" && mv -f -- "$new" "$include" && sync -- "$directory" || { rm -f -- "$new"; fail "cannot write $include"; }
}
# An undo that finds the bytes there needs no room for them.
{ [ -n "$undo" ] && [ -n "$run" ] && cmp -s -- "$found" "$include"; } || put
put_back() { mv -f -- "$was" "$include" || echo "and $include could not be put back" >&2; }  # with its time, too
first "$words" "$@" || { put_back; fail 'nginx does not accept its configuration: the traffic stays as it was'; }
rest "$words" "$@" || { put_back; fail 'nginx could not be reloaded: the traffic stays as it was'; }
given=$#
for old in "$directory/.$name".backout-found-* "$directory/.$name".backout-was-*; do
  [ -n "$undo" ] || [ "$old" != "$found" ] || continue
  [ ! -e "$old" ] || set -- "$@" "$old"
done
shift "$given"
rm -f -- "$@"
)sh";

// Arguments: pid file, include. Ages in milliseconds, so that a worker's start and a file's time can be compared: the
// one is counted from the boot, in hundredths of a second whatever the kernel's own tick is, the other by the clock.
// The clock is read first, so that a pause between the two makes a worker look older, and it is looked again.
constexpr const char* kWorkers = R"sh(
LC_ALL=C; export LC_ALL
include=$2 pid=
[ ! -r "$1" ] || read -r pid <"$1" || :
[ -n "$pid" ] && [ -d "/proc/$pid" ] || { echo none; echo end; exit 0; }
changed=$(stat -L -c %.3Y -- "$include") && now=$(date +%s%3N) || exit 1
read -r up rest </proc/uptime || exit 1
up=${up%.*}${up#*.}0
printf 'file %d\n' $((now - ${changed%.*}${changed#*.}))
read -r children <"/proc/$pid/task/$pid/children" || :
for child in $children; do
  title=
  read -r title <"/proc/$child/cmdline" || :
  case $title in *'worker process is shutting down'*) echo leaving; continue;; *'worker process'*) ;; *) continue;; esac
  read -r line <"/proc/$child/stat" || continue
  set -- ${line##*) }
  printf 'worker %d\n' $((up - ${20} * 10))
done
echo end
)sh";

constexpr int64_t kGrain = 30;  // milliseconds: of the ticks in which a start is told, and of reading two clocks

Result<std::vector<std::string>> argv_in(const Json& subject, std::string_view key) {
  std::vector<std::string> words;
  if (get(subject, key).is_array())
    for (const Json& word : get(subject, key))
      if (word.is_string()) words.push_back(word.get<std::string>());
  if (words.empty() || words.size() != get(subject, key).size() || words.front().empty())
    return Error{Code::kInvalid, fmt::format("traffic: '{}' must be a command as a list of words", key),
                 "see docs/traffic.md"};
  return words;
}

class NginxUpstream : public ShiftDriver {
 public:
  std::string_view name() const override { return "nginx-traffic"; }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    using driver::Need;
    driver::Readiness readiness;
    const std::string include = get_string(offering.subject, "include");
    readiness.needs = {
        {Need::Kind::kWritable, include.substr(0, std::max<size_t>(include.rfind('/'), 1)), "to shift the traffic"},
        {Need::Kind::kWritable, include, "to shift the traffic"}};
    for (const char* key : {"test", "reload", "dump"})
      if (const auto words = argv_in(offering.subject, key))
        readiness.needs.push_back({Need::Kind::kTool, words->front(), "to shift the traffic"});
    const auto pools = pools_from(offering.subject);
    const auto seen = pools ? look(offering.subject, *pools, host, stop) : Result<Json>(pools.error());
    const std::string amiss = seen ? get_string(*seen, "amiss") : seen.error().message;
    readiness.findings.push_back({"traffic.loaded", amiss.empty() ? Severity::kOk : Severity::kRed, "", "",
                                  amiss.empty() ? "nginx runs with " + include : one_line(amiss),
                                  amiss.empty() ? ""
                                  : seen        ? "see docs/traffic.md, then: nginx -t && nginx -s reload"
                                                : seen.error().next,
                                  Json::object()});
    return readiness;
  }

 protected:
  Result<void> check(const Json& subject, const Pools& pools) const override {
    const std::string include = get_string(subject, "include");
    if (!include.starts_with('/') || include.ends_with('/'))
      return Error{Code::kInvalid, "traffic: 'include' must be the absolute path of a file", "see docs/traffic.md"};
    for (const char* key : {"test", "reload", "dump"}) TRY(argv_in(subject, key));
    TRY(servers_of(pools));
    return {};
  }

  /// The bytes are kept beside the file, under this name: by the shift itself, at the moment when it replaces them.
  Json to_keep(const Json&) const override { return {{"run", "{run}"}}; }

  Result<host::Command> set(const Json& subject, const Pools& pools, const Weights& weights) const override {
    const std::vector<std::string> test = TRY(argv_in(subject, "test")), reload = TRY(argv_in(subject, "reload"));
    const std::string block = TRY(upstream_block(pools, weights));
    const std::string run = get_string(get(subject, "found"), "run");
    if (run.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-{}") !=
        std::string::npos)
      return Error{Code::kInvalid, "traffic: '" + one_line(run) + "' is no name of a run", ""};
    std::vector<std::string> arguments = {get_string(subject, "include"), block, run,
                                          get_bool(subject, "undo") ? "undo" : "", std::to_string(test.size())};
    arguments.insert(arguments.end(), test.begin(), test.end());
    arguments.insert(arguments.end(), reload.begin(), reload.end());
    return host::shell(std::string(driver::kOuterEnvironment) + kShift, std::move(arguments));
  }

  Result<Json> look(const Json& subject, const Pools& pools, host::Host& host, std::stop_token stop) const override {
    const std::string include = get_string(subject, "include");
    const auto content = host.read(include);
    if (!content && content.error().code == Code::kNotFound)
      return Error{Code::kNotFound, include + " does not exist",
                   "create it with the servers of one pool, and include it in the upstream: see docs/traffic.md"};
    if (!content) return content.error();
    Json seen = {{"weights", TRY(upstream_weights(*content, pools).with_context(include))}};
    if (std::string amiss = TRY(not_loaded(subject, include, host, stop)); !amiss.empty()) seen["amiss"] = amiss;
    return seen;
  }

 private:
  static Result<std::string> not_loaded(const Json& subject, const std::string& include, host::Host& host,
                                        const std::stop_token& stop) {
    const std::vector<std::string> argv = TRY(argv_in(subject, "dump"));
    const auto dumped = TRY(
        host.run({.argv = argv, .timeout = Millis(20'000), .output_limit = 16U << 20, .truncated_ok = false}, stop));
    if (dumped.exit_status == 127 || dumped.exit_status == 126)
      return Error{Code::kNotFound, argv.front() + " cannot be run: " + dumped.why_not_ok(),
                   "install nginx, or say traffic.nginx.dump"};
    if (!dumped.ok()) return "nginx does not accept its configuration: " + dumped.why_not_ok();
    const NginxDump dump = nginx_dump(dumped.out);
    if (!dump.files.contains(include) && !is_by_another_name(dump, include, host, stop))
      return include + " is no part of nginx's configuration: no upstream includes it";
    const std::string pid_file = dump.pid_file.empty() ? "/run/nginx.pid" : dump.pid_file;
    const auto facts = TRY(host.run(
        [&] {
          host::Command command = host::shell(kWorkers, {pid_file, include});
          command.timeout = Millis(20'000);
          return command;
        }(),
        stop));
    return amiss_of_workers(facts.out, include, pid_file);
  }

  static bool is_by_another_name(const NginxDump& dump, const std::string& include, host::Host& host,
                                 const std::stop_token& stop) {
    const auto real = host.run({.argv = {"readlink", "-f", "--", include}, .timeout = Millis(5'000)}, stop);
    return real && real->ok() && dump.files.contains(std::string(trimmed(real->out)));
  }

  static Result<std::string> amiss_of_workers(const std::string& out, const std::string& include,
                                              const std::string& pid_file) {
    const std::vector<std::string> lines = split(trimmed(out), '\n');
    if (lines.empty() || lines.back() != "end")
      return Error{Code::kInternal, "nginx's workers could not be looked at: " + shortened(one_line(out), 120), ""};
    if (lines.front() == "none") return "nginx does not run: there is no process as " + pid_file + " says";
    int64_t file = 0, workers = 0;
    for (const std::string& line : lines) {
      const int64_t age = std::atoll(line.substr(line.find(' ') + 1).c_str());
      if (line.starts_with("file ")) file = age;
      if (!line.starts_with("worker ")) continue;
      ++workers;
      if (age > file + kGrain) return include + " was written after nginx last loaded its configuration";
    }
    return workers == 0 ? std::string("nginx has no worker that takes connections") : std::string();
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_nginx_traffic_driver() { return std::make_unique<NginxUpstream>(); }

}  // namespace backout::drivers
