#include "drivers/traffic/nginx_upstream.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "driver/outer_environment.h"
#include "drivers/traffic/shift.h"
#include "drivers/traffic/upstream_block.h"
#include "drivers/traffic/upstream_rewrite.h"

namespace backout::drivers {
namespace {

// Arguments: run or nothing, "undo" or nothing, number of words of the test command, number of files, each file with
// its servers (rewrite_spec), the test and the reload command. Nothing is written before what all files hold is kept.
constexpr const char* kShift = R"sh(
run=$1 undo=$2 words=$3 files=$4; shift 4
fail() { printf '%s\n' "$1" >&2; exit 1; }
first() { n=$1; shift; for word do shift; [ "$n" -gt 0 ] && set -- "$@" "$word"; n=$((n - 1)); done; (become "$@"); }
rest() { n=$1; shift; shift "$n"; (become "$@"); }
test_all() { shift $((2 * files)); first "$words" "$@"; }
reload_all() { shift $((2 * files)); rest "$words" "$@"; }
# FUNCTION, and all arguments: FUNCTION for each file, with its names.
each() {
  what=$1 left=$files; shift
  while [ "$left" -gt 0 ]; do
    include=$1 servers=$2 left=$((left - 1)); shift 2
    [ ! -L "$include" ] || include=$(readlink -f -- "$include")
    directory=${include%/*} name=${include##*/}
    new=$directory/.$name.backout-new was=$directory/.$name.backout-was-$run found=$directory/.$name.backout-found-$run
    "$what" || return
  done
}
# $1 holds from now on what the file holds, whatever replaces the file; once: when a step runs again, what is there is
# its own work. A second name for the same bytes, where the file system has such.
keep() {
  [ -e "$1" ] || ln -- "$include" "$1" 2>/dev/null || { cp -p -- "$include" "$1.new" && mv -f -- "$1.new" "$1"; } ||
    fail "cannot keep what $include holds"
}
there() { [ -e "$include" ] || fail "$include does not exist"; }
is_found() { [ -e "$found" ]; }
keep_all() {
  [ -n "$undo" ] || [ -z "$run" ] || keep "$found"
  keep "$was"  # what nginx runs with until the reload
}
# Atomic and durable; keeps owner and mode of what it replaces, and has a time of its own.
put() {
  cp -fp -- "$include" "$new" &&
    if [ -n "$undo" ] && [ -n "$run" ]; then cat -- "$found"; else rewrite "$servers" <"$include"; fi >"$new" &&
    sync -- "$new" && mv -f -- "$new" "$include" && sync -- "$directory" || { rm -f -- "$new"; fail "cannot write $include"; }
}
# An undo that finds the bytes there needs no room for them.
put_all() { { [ -n "$undo" ] && [ -n "$run" ] && cmp -s -- "$found" "$include"; } || put; }
put_back() { mv -f -- "$was" "$include" || echo "and $include could not be put back" >&2; }  # with its time, too
clean() {
  set --
  for old in "$directory/.$name".backout-found-* "$directory/.$name".backout-was-*; do
    [ -n "$undo" ] || [ "$old" != "$found" ] || continue
    [ ! -e "$old" ] || set -- "$@" "$old"
  done
  rm -f -- "$@"
}
each there "$@"
[ -z "$undo" ] || [ -z "$run" ] || each is_found "$@" || exit 0  # this run has written nothing
each keep_all "$@"
(each put_all "$@") || { each put_back "$@"; exit 1; }
test_all "$@" || { each put_back "$@"; fail 'nginx does not accept its configuration: the traffic stays as it was'; }
reload_all "$@" || { each put_back "$@"; fail 'nginx could not be reloaded: the traffic stays as it was'; }
each clean "$@"
)sh";

// Arguments: pid file, grain in milliseconds, the files. Ages in milliseconds, so that a worker's start and a file's
// time can be compared: the one is counted from the boot, in hundredths of a second whatever the kernel's own tick is,
// the other by the clock. The clock is read first, so that a pause between the two makes a worker look older, and it is
// looked again: by the process that reads the file's time, whose own entry in /proc came to be just now. nginx's master
// lets old workers serve for 100 ms after a reload: while a file is that new, they are waited for here.
constexpr const char* kWorkers = R"sh(
LC_ALL=C; export LC_ALL
pid=
[ ! -r "$1" ] || read -r pid <"$1" || :
[ -n "$pid" ] && [ -d "/proc/$pid" ] || { echo none; echo end; exit 0; }
grain=$2 newest=; shift 2
times=$(stat -L -c %.3Y -- "$@" /proc/self) || exit 1
read -r up rest </proc/uptime || exit 1
up=${up%.*}${up#*.}0 now=${times##*
}
for changed in ${times%
*}; do
  age=$((${now%.*}${now#*.} - ${changed%.*}${changed#*.}))
  [ -n "$newest" ] && [ "$age" -ge "$newest" ] || newest=$age
  printf 'file %d\n' "$age"
done
# The workers that take connections, in lines; old: one of them is from before the newest file.
children() {
  lines= old= all=
  read -r all <"/proc/$pid/task/$pid/children" || :
  for child in $all; do
    title=
    read -r title <"/proc/$child/cmdline" || :
    case $title in *'worker process is shutting down'*) continue;; *'worker process'*) ;; *) continue;; esac
    read -r line <"/proc/$child/stat" || continue
    set -- ${line##*) }
    age=$((up - ${20} * 10))
    lines="$lines
worker $age"
    [ "$age" -le $((newest + grain)) ] || old=yes
  done
} 2>/dev/null
tries=0
children
while [ -n "$old" ] && [ "$newest" -lt 1000 ] && [ "$tries" -lt 60 ] && sleep 0.005; do
  tries=$((tries + 1))
  children
done
printf '%s\nend\n' "$lines"
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

std::vector<std::string> includes_in(const Json& subject) { return places_in(subject, "include"); }

/// Places of nginx's configuration that are not shifted and send to a server of a pool.
Result<Json> sent_elsewhere(const NginxDump& dump, const Json& subject, const Pools& pools,
                            const std::set<std::string>& shifted) {
  std::map<std::string, std::string> owner;
  for (const auto& [name, servers] : TRY(servers_of(pools)))
    for (const std::string& server : servers) owner[server.substr(0, server.find(' '))] = name;
  const Json& left = get(subject, "leave");
  Json found = Json::array();
  for (const NginxDump::Target& target : dump.targets) {
    const auto pool = owner.find(target.address);
    if (pool == owner.end() || shifted.contains(target.file)) continue;
    if (std::any_of(left.begin(), left.end(), [&](const Json& name) {
          return name == target.file || (!target.upstream.empty() && name == target.upstream);
        }))
      continue;
    const std::string file = one_line(target.file), upstream = one_line(target.upstream);
    std::vector<std::string> all = includes_in(subject);
    const std::string one_more = target.is_included ? file : "";
    all.push_back(one_more);
    const std::string where =
        upstream.empty() ? "nginx's " + file : fmt::format("nginx's upstream {} in {}", upstream, file);
    const std::string mend =
        target.is_included ? fmt::format("name it, too: traffic.nginx.include: [{}]", join(all, ", "))
        : upstream.empty() ? fmt::format("let it pass to an upstream that includes {}", all.front())
                           : "move its servers to a file that it includes, and name that in traffic.nginx.include";
    found.push_back({{"pool", pool->second},
                     {"what", fmt::format("{} ({} {})", where, one_line(target.directive), one_line(target.address))},
                     {"next", fmt::format("{}; or, where no user comes by it: leave: [{}]", mend,
                                          upstream.empty() ? file : upstream)}});
  }
  return found;
}

class NginxUpstream : public ShiftDriver {
 public:
  std::string_view name() const override { return "nginx-traffic"; }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    using driver::Need;
    driver::Readiness readiness;
    const std::vector<std::string> includes = includes_in(offering.subject);
    for (const std::string& include : includes) {
      const std::string directory = include.substr(0, std::max<size_t>(include.rfind('/'), 1));
      for (const std::string& written : {directory, include})
        readiness.needs.push_back({Need::Kind::kWritable, written, "to shift the traffic"});
    }
    for (const char* key : {"test", "reload", "dump"})
      if (const auto words = argv_in(offering.subject, key))
        readiness.needs.push_back({Need::Kind::kTool, words->front(), "to shift the traffic"});
    const auto pools = pools_from(offering.subject);
    const auto seen = pools ? look(offering.subject, *pools, host, stop) : Result<Json>(pools.error());
    const std::string amiss = seen ? get_string(*seen, "amiss") : seen.error().message;
    readiness.findings.push_back({"traffic.loaded", amiss.empty() ? Severity::kOk : Severity::kRed, "", "",
                                  amiss.empty() ? "nginx runs with " + join(includes, ", ") : one_line(amiss),
                                  amiss.empty() ? ""
                                  : seen        ? "see docs/traffic.md, then: nginx -t && nginx -s reload"
                                                : seen.error().next,
                                  Json::object()});
    if (!seen) return readiness;
    for (const Json& one : get(*seen, "elsewhere"))
      readiness.findings.push_back({"traffic.elsewhere", Severity::kRed, "", "",
                                    fmt::format("{} sends to {}, too, and no rollback would change that",
                                                get_string(one, "what"), get_string(one, "pool")),
                                    get_string(one, "next"), Json::object()});
    return readiness;
  }

 protected:
  Result<void> check(const Json& subject, const Pools& pools) const override {
    const std::vector<std::string> includes = includes_in(subject);
    for (const std::string& include : includes)
      if (!include.starts_with('/') || include.ends_with('/') ||
          std::count(includes.begin(), includes.end(), include) > 1)
        return Error{Code::kInvalid, "traffic: 'include' must be the absolute path of a file", "see docs/traffic.md"};
    if (includes.empty()) return Error{Code::kInvalid, "traffic: 'include' is missing", "see docs/traffic.md"};
    for (const char* key : {"test", "reload", "dump"}) TRY(argv_in(subject, key));
    TRY(servers_of(pools));
    return {};
  }

  /// The bytes are kept beside the file, under this name: by the shift itself, at the moment when it replaces them.
  Json to_keep(const Json& seen) const override {
    Json kept = {{"run", "{run}"}};
    for (const auto& [pool, servers] : get(seen, "kept_out").items())
      for (const Json& server : servers) kept["left_alone"].push_back(server);
    if (seen.contains("down")) kept["down"] = seen["down"];
    return kept;
  }

  Result<host::Command> set(const Json& subject, const Pools& pools, const Weights& weights) const override {
    const std::vector<std::string> test = TRY(argv_in(subject, "test")), reload = TRY(argv_in(subject, "reload"));
    const Apart apart = TRY(apart_from(get(subject, "apart"), pools, get_bool(subject, "undo")));
    const std::vector<std::string> includes = includes_in(subject);
    const std::string run = get_string(get(subject, "found"), "run");
    if (run.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-{}") !=
        std::string::npos)
      return Error{Code::kInvalid, "traffic: '" + one_line(run) + "' is no name of a run", ""};
    std::vector<std::string> arguments = {run, get_bool(subject, "undo") ? "undo" : "", std::to_string(test.size()),
                                          std::to_string(includes.size())};
    for (const std::string& include : includes) {
      const auto here = apart.find(include);
      arguments.push_back(include);
      arguments.push_back(TRY(rewrite_spec(pools, here == apart.end() ? weights : here->second)));
    }
    arguments.insert(arguments.end(), test.begin(), test.end());
    arguments.insert(arguments.end(), reload.begin(), reload.end());
    return host::shell(std::string(driver::kOuterEnvironment) + std::string(kRewriteUpstream) + kShift,
                       std::move(arguments));
  }

  Result<Json> look(const Json& subject, const Pools& pools, host::Host& host, std::stop_token stop) const override {
    Apart divided;
    Json seen = Json::object();
    for (const std::string& include : includes_in(subject)) {
      const auto content = host.read(include);
      if (!content && content.error().code == Code::kNotFound)
        return Error{Code::kNotFound, include + " does not exist",
                     "create it with the servers of one pool, and include it in the upstream: see docs/traffic.md"};
      if (!content) return content.error();
      divided[include] = TRY(upstream_weights(*content, pools).with_context(include));
      const Json out = taken_out(*content, pools);
      for (const auto& [how, of_pools] : out.items())
        for (const auto& [pool, servers] : of_pools.items())
          for (const Json& server : servers) seen[how][pool].push_back(server);
    }
    seen["weights"] = in_all(divided);
    if (divided.size() > 1) seen["apart"] = divided;
    if (std::string amiss = TRY(not_loaded(subject, pools, host, stop, seen)); !amiss.empty()) seen["amiss"] = amiss;
    return seen;
  }

 private:
  static Result<std::string> not_loaded(const Json& subject, const Pools& pools, host::Host& host,
                                        const std::stop_token& stop, Json& seen) {
    const std::vector<std::string> includes = includes_in(subject);
    const std::vector<std::string> argv = TRY(argv_in(subject, "dump"));
    const auto dumped = TRY(
        host.run({.argv = argv, .timeout = Millis(20'000), .output_limit = 16U << 20, .truncated_ok = false}, stop));
    if (dumped.exit_status == 127 || dumped.exit_status == 126)
      return Error{Code::kNotFound, argv.front() + " cannot be run: " + dumped.why_not_ok(),
                   "install nginx, or say traffic.nginx.dump"};
    if (!dumped.ok()) return "nginx does not accept its configuration: " + dumped.why_not_ok();
    const NginxDump dump = nginx_dump(dumped.out);
    std::set<std::string> shifted(includes.begin(), includes.end());
    for (const std::string& include : includes) {
      if (dump.files.contains(include)) continue;
      const std::string real = by_another_name(include, host, stop);
      if (!dump.files.contains(real)) return include + " is no part of nginx's configuration: no upstream includes it";
      shifted.insert(real);
    }
    if (Json beside = TRY(sent_elsewhere(dump, subject, pools, shifted)); !beside.empty())
      seen["elsewhere"] = std::move(beside);
    const std::string pid_file = dump.pid_file.empty() ? "/run/nginx.pid" : dump.pid_file;
    const auto facts = TRY(host.run(
        [&] {
          std::vector<std::string> arguments = {pid_file, std::to_string(kGrain)};
          arguments.insert(arguments.end(), includes.begin(), includes.end());
          host::Command command = host::shell(kWorkers, std::move(arguments));
          command.timeout = Millis(20'000);
          return command;
        }(),
        stop));
    return amiss_of_workers(facts.out, includes, pid_file);
  }

  static std::string by_another_name(const std::string& include, host::Host& host, const std::stop_token& stop) {
    const auto real = host.run({.argv = {"readlink", "-f", "--", include}, .timeout = Millis(5'000)}, stop);
    return real && real->ok() ? std::string(trimmed(real->out)) : "";
  }

  static Result<std::string> amiss_of_workers(const std::string& out, const std::vector<std::string>& includes,
                                              const std::string& pid_file) {
    const std::vector<std::string> lines = split(trimmed(out), '\n');
    if (lines.empty() || lines.back() != "end")
      return Error{Code::kInternal, "nginx's workers could not be looked at: " + shortened(one_line(out), 120), ""};
    if (lines.front() == "none") return "nginx does not run: there is no process as " + pid_file + " says";
    std::vector<int64_t> files;
    int64_t workers = 0;
    for (const std::string& line : lines) {
      const int64_t age = std::atoll(line.substr(line.find(' ') + 1).c_str());
      if (line.starts_with("file ")) files.push_back(age);
      if (!line.starts_with("worker ")) continue;
      ++workers;
      for (size_t i = 0; i < std::min(files.size(), includes.size()); ++i)
        if (age > files[i] + kGrain) return includes[i] + " was written after nginx last loaded its configuration";
    }
    if (files.size() != includes.size())
      return Error{Code::kInternal, "nginx's files could not be looked at: " + shortened(one_line(out), 120), ""};
    return workers == 0 ? std::string("nginx has no worker that takes connections") : std::string();
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_nginx_traffic_driver() { return std::make_unique<NginxUpstream>(); }

}  // namespace backout::drivers
