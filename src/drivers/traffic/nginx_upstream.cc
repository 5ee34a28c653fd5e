#include "drivers/traffic/nginx_upstream.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "driver/outer_environment.h"
#include "drivers/traffic/nginx_workers.h"
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
# $was holds from now on what the file holds, whatever replaces the file: what nginx runs with until the reload. Once: when
# a step runs again, what is there is its own work. A second name for the same bytes, where the file system has such.
keep() {
  [ -e "$was" ] || ln -- "$include" "$was" 2>/dev/null ||
    { cp -p -- "$include" "$was.new" && mv -f -- "$was.new" "$was"; } || fail "cannot keep what $include holds"
}
there() { [ -e "$include" ] || fail "$include does not exist"; }
# What the file held before the run: $found from the end of its first shift on, until then $was.
origin() { if [ -e "$found" ]; then printf %s "$found"; else printf %s "$was"; fi; }
is_untouched() { [ ! -e "$found" ] && [ ! -e "$was" ]; }
# Whole or not at all; keeps owner and mode of what it replaces, and has a time of its own.
put() {
  cp -fp -- "$include" "$new" &&
    if [ -n "$undo" ] && [ -n "$run" ]; then cat -- "$(origin)"; else rewrite "$servers" <"$include"; fi >"$new" &&
    sync -- "$new" && mv -f -- "$new" "$include" ||
    { rm -f -- "$new"; printf '%s\n' "cannot write $include" >&2; return 1; }
}
# An undo that finds the bytes there needs no room for them.
put_all() { { [ -n "$undo" ] && [ -n "$run" ] && cmp -s -- "$(origin)" "$include"; } || put; }
# With its time, too. What the file held before the run is kept under a name of its own before that one goes: nginx may
# have been told of another file by one who was killed, and the undo has to tell it anew.
put_back() {
  { [ -z "$run" ] || [ -e "$found" ] || ln -- "$was" "$found" 2>/dev/null ||
      { cp -p -- "$was" "$found.new" && mv -f -- "$found.new" "$found"; }; } &&
    mv -f -- "$was" "$include" || echo "and $include could not be put back" >&2
}
# After the reload, while nginx lets go of its old workers: a power cut in between finds either file, whole.
settle() { sync -- "$directory" || fail "nginx was reloaded, but $directory cannot be written to the disk"; }
clean() {
  [ -n "$undo" ] || [ -z "$run" ] || [ -e "$found" ] || mv -f -- "$was" "$found" || fail "cannot keep what $include held"
  set --
  for old in "$directory/.$name".backout-found-* "$directory/.$name".backout-was-*; do
    [ -n "$undo" ] || [ "$old" != "$found" ] || continue
    [ ! -e "$old" ] || set -- "$@" "$old"
  done
  [ $# -eq 0 ] || rm -f -- "$@"
}
each there "$@"
[ -z "$undo" ] || [ -z "$run" ] || ! each is_untouched "$@" || exit 0  # this run has written nothing
each keep "$@"
each put_all "$@" || { each put_back "$@"; exit 1; }
test_all "$@" || { each put_back "$@"; fail 'nginx does not accept its configuration: the traffic stays as it was'; }
reload_all "$@" || { each put_back "$@"; fail 'nginx could not be reloaded: the traffic stays as it was'; }
each settle "$@"
each clean "$@"
)sh";

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
    return amiss_in_workers(host, pid_file, includes, stop);
  }

  static std::string by_another_name(const std::string& include, host::Host& host, const std::stop_token& stop) {
    const auto real = host.run({.argv = {"readlink", "-f", "--", include}, .timeout = Millis(5'000)}, stop);
    return real && real->ok() ? std::string(trimmed(real->out)) : "";
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_nginx_traffic_driver() { return std::make_unique<NginxUpstream>(); }

}  // namespace backout::drivers
