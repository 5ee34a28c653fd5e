#include "drivers/services/cron.h"

#include "base/text.h"
#include "drivers/services/parked.h"

namespace backout::drivers {
namespace {

// Arguments: kind (cron | crontab), file or user, spool.
// jobs: "PID" of every running job of the table, with its descendants.
constexpr const char* kCommon = R"sh(
LC_ALL=C; export LC_ALL
kind=$1 file=$2 spool=$3
fail() { printf '%s\n' "$1" >&2; exit 1; }
centiseconds() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
if [ "$kind" = crontab ]; then
  user=$file
  for directory in "$spool" /var/spool/cron/crontabs /var/spool/cron/tabs /var/spool/cron; do
    if [ -n "$directory" ] && [ -d "$directory" ]; then break; fi
  done
  file=$directory/$user
fi
directory=$(dirname -- "$file") name=$(basename -- "$file")
parked=$directory/.$name.backout-parked kept=$directory/.$name.backout-kept
[ -x "$directory" ] && [ -r "$directory" ] || fail "cannot look into $directory"
commands() {
  cat -- "$file" "$parked" 2>/dev/null | awk -v named="$([ "$kind" = cron ] && echo 1)" '
    { sub(/^[ \t]+/, "") }
    /^#/ || /^$/ || /^[A-Za-z_"][A-Za-z0-9_"]*[ \t]*=/ { next }
    { skip = (substr($0, 1, 1) == "@" ? 1 : 5) + (named ? 1 : 0)
      for (i = 0; i < skip; i++) sub(/^[^ \t]+[ \t]+/, "")
      out = ""
      for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        if (c == "\\" && substr($0, i + 1, 1) == "%") { out = out "%"; i++ } else if (c == "%") break; else out = out c
      }
      if (out != "") print out }'
}
jobs() {
  wanted=$(commands) || fail "cannot read $file"
  [ -n "$wanted" ] || return 0
  stats=$(cat /proc/[0-9]*/stat 2>/dev/null | awk '{ n = $0; sub(/^[0-9]+ \(/, "", n); sub(/\) [^)]*$/, "", n)
    r = $0; sub(/^.*\) /, "", r); split(r, f, " "); if (f[1] != "Z" && f[1] != "X") print $1, f[2], (n ~ /^(cron|crond|CRON|CROND)$/ ? 1 : 0) }')
  candidates=$( { grep -slzxF -e -c /proc/[0-9]*/cmdline | sed 's,^/proc/\([0-9]*\)/.*,\1,'
    printf '%s\n' "$stats" | awk '{ cron[$1] = $3; parent[$1] = $2 } END { for (p in parent) if (cron[parent[p]] && !cron[p]) print p }'; } | sort -u)
  for pid in $candidates; do
    [ "$pid" = "$$" ] || printf '%s\001%s\n' "$pid" "$(cat "/proc/$pid/cmdline" 2>/dev/null | tr '\n\0' ' \001')"
  done | { wanted=$wanted stats=$stats awk '
    function plain(t) { gsub(/["\047\\]/, "", t); return t }
    BEGIN { n = split(ENVIRON["wanted"], want, "\n"); m = split(ENVIRON["stats"], s, "\n")
      for (i = 1; i <= m; i++) { split(s[i], f, " "); parent[f[1]] = f[2]; cron[f[1]] = f[3] } }
    { k = split($0, a, "\001"); pid = a[1]; words = ""
      for (i = 2; i <= k; i++) if (a[i] != "") words = words (words == "" ? "" : " ") a[i]
      for (i = 1; i <= n; i++)
        if ((a[3] == "-c" && a[4] == want[i]) || (cron[parent[pid]] && words != "" && index(plain(want[i]), plain(words)))) mine[pid] = 1 }
    END { do { grown = 0; for (p in parent) if (!(p in mine) && (parent[p] in mine)) { mine[p] = 1; grown = 1 } } while (grown)
      for (p in mine) print p }'; }
}
)sh";

constexpr const char* kStatus = R"sh(
[ ! -e "$file" ] || echo file
[ ! -e "$parked" ] || echo parked
printf 'path %s\n' "$file"
running=$(jobs) || exit 1
for pid in $running; do printf 'job %s %s\n' "$pid" "$(cat "/proc/$pid/cmdline" 2>/dev/null | tr '\n\0' '  ' | cut -c 1-200)"; done
echo end
)sh";

constexpr const char* kPark = R"sh(
drain_ms=$4
if [ -e "$file" ]; then
  # Put there after an earlier park: the parked one is what was found first.
  if [ -e "$parked" ]; then mv -f -- "$file" "$kept" || fail "cannot rename $file"
  else mv -- "$file" "$parked" || fail "cannot rename $file"; fi
elif [ ! -e "$parked" ]; then
  fail "there is no $file"
fi
sync -- "$directory" 2>/dev/null
end=$(( $(centiseconds) + drain_ms / 10 )) limit=$(( $(centiseconds) + drain_ms / 10 + 1500 )) ended=itself
running=$(jobs) || exit 1
while [ -n "$running" ]; do
  case " $(echo $running) " in *" $$ "*) fail 'this very command was started by one of the jobs';; esac
  if [ "$(centiseconds)" -ge "$end" ]; then
    signal=KILL
    if [ "$ended" = itself ]; then signal=TERM; end=$(( end + 500 )); fi
    ended=$signal
    for pid in $running; do kill -s "$signal" "$pid" 2>/dev/null; done
  fi
  [ "$(centiseconds)" -lt "$limit" ] || fail "a job still runs: $(echo $running)"
  sleep 0.2
  running=$(jobs) || exit 1
done
printf '{"parked": true, "jobs_ended_by": "%s"}\n' "$ended"
)sh";

constexpr const char* kUnpark = R"sh(
if [ -e "$parked" ]; then
  if [ ! -e "$file" ]; then mv -- "$parked" "$file" || fail "cannot rename $parked"
  elif cmp -s "$file" "$parked"; then rm -f -- "$parked"
  else mv -f -- "$parked" "$kept" || fail "cannot rename $parked"; echo "$file is another one by now; the parked one is kept as $kept" >&2; fi
  # cron looks at the times of the directory and of the file.
  touch -c -- "$directory" 2>/dev/null
fi
[ -e "$file" ] || fail "there is no $file"
echo '{"parked": false}'
)sh";

struct Table {
  Service service;
  std::string file, spool;
};

struct CronSeen {
  bool file = false, parked = false;
  std::string path;
  std::vector<std::string> jobs;
};

class CronDriver : public driver::Driver {
 public:
  explicit CronDriver(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  std::vector<driver::Verb> capabilities() const override { return parked_verbs(); }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    return parked_steps(offering, name_, TRY(table_from(offering.subject, "")).service);
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const Table table = TRY(table_from(subject, host.name().str()));
    const CronSeen seen = TRY(look_at(table, host, stop).with_context(table.service.name));
    if (!seen.file && !seen.parked)
      return Error{Code::kNotFound, fmt::format("{} has no {}", host.name().str(), one_line(seen.path)),
                   "nothing would be parked: correct it, or take it out of services"};
    return Json{{"running", true}, {"parked", seen.parked}};
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    const Table table = TRY(table_from(action.args, host.name().str()));
    if (action.verb != "park" && action.verb != "unpark")
      return Error{Code::kInvalid, name_ + ": no command for '" + action.verb + "'", ""};
    host::Command command = host::shell(std::string(kCommon) + (action.verb == "park" ? kPark : kUnpark),
                                        {name_, table.file, table.spool, std::to_string(table.service.drain.count())});
    command.timeout = table.service.drain + Millis(25'000);
    return command;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto table = table_from(action.args, host.name().str());
    if (!table) return Sight::cannot_tell(table.error().message);
    if (action.verb != "park" && action.verb != "unpark")
      return Sight::cannot_tell(name_ + ": nothing to look at for '" + action.verb + "'");
    const auto seen = look_at(*table, host, stop);
    if (!seen) return Sight::cannot_tell(seen.error().message);
    const std::string path = one_line(seen->path);
    const Json evidence = {{"file", path}, {"parked", seen->parked}, {"jobs", seen->jobs}};
    if (action.verb == "unpark") {
      if (seen->parked) return Sight::does_not_hold(path + " is still parked", evidence);
      return seen->file ? Sight::holds(path + " is there: its jobs may begin", evidence)
                        : Sight::does_not_hold("there is no " + path, evidence);
    }
    if (seen->file) return Sight::does_not_hold(path + " is there: its jobs may begin", evidence);
    if (!seen->parked) return Sight::does_not_hold(path + " is gone, and no parked one is there", evidence);
    if (!seen->jobs.empty()) return Sight::does_not_hold("a job still runs: " + seen->jobs.front(), evidence);
    return Sight::holds(path + " is parked, and none of its jobs runs", evidence);
  }

 private:
  Result<Table> table_from(const Json& args, std::string_view host) const {
    Table table{TRY(service_from(args, host)), get_string(args, name_ == "cron" ? "file" : "user"),
                get_string(args, "spool")};
    const bool fine = name_ == "cron" ? table.file.starts_with('/') && !table.file.ends_with('/')
                                      : !table.file.empty() && table.file.find('/') == std::string::npos &&
                                            !table.file.starts_with('-') && !table.file.starts_with('.');
    if (!fine)
      return Error{
          Code::kInvalid,
          table.service.name + (name_ == "cron" ? ": 'file' must be an absolute path" : ": 'user' must be one"), ""};
    return table;
  }

  Result<CronSeen> look_at(const Table& table, host::Host& host, std::stop_token stop) const {
    host::Command command = host::shell(std::string(kCommon) + kStatus, {name_, table.file, table.spool});
    command.timeout = Millis(20'000);
    const host::CommandResult result = TRY(host.run(command, stop));
    if (!result.ok()) return Error{Code::kUnavailable, "looking at cron jobs: " + result.why_not_ok(), ""};
    CronSeen seen;
    for (const auto& [fact, value] : TRY(facts_of(result.out))) {
      if (fact == "file") seen.file = true;
      if (fact == "parked") seen.parked = true;
      if (fact == "path") seen.path = value;
      if (fact == "job") seen.jobs.push_back("pid " + shortened(one_line(value), 200));
    }
    return seen;
  }

  const std::string name_;
};

}  // namespace

std::unique_ptr<driver::Driver> make_cron_driver() { return std::make_unique<CronDriver>("cron"); }
std::unique_ptr<driver::Driver> make_crontab_driver() { return std::make_unique<CronDriver>("crontab"); }

}  // namespace backout::drivers
