#include "drivers/traffic/nginx_workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "os/file.h"
#include "os/plain_file.h"
#include "os/proc.h"

namespace backout::drivers {
namespace {

constexpr int64_t kGrain = 30;   // milliseconds: of the ticks in which a start is told, and of reading two clocks
constexpr int64_t kNew = 1'000;  // milliseconds: so long after a file was written its reload may be under way
constexpr Millis kWaited{500}, kBetweenReadings{2};

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

/// Ages in milliseconds.
struct Ages {
  bool runs = false;
  std::vector<int64_t> files;    // in the order of the includes
  std::vector<int64_t> workers;  // that take connections
  /// A worker is from before the newest file.
  bool has_old() const {
    const auto newest = std::min_element(files.begin(), files.end());
    return newest != files.end() &&
           std::any_of(workers.begin(), workers.end(), [&](int64_t age) { return age > *newest + kGrain; });
  }
  bool is_new() const { return !files.empty() && *std::min_element(files.begin(), files.end()) < kNew; }
};

Result<Ages> ages_there(host::Host& host, const std::string& pid_file, const std::vector<std::string>& includes,
                        const std::stop_token& stop) {
  std::vector<std::string> arguments = {pid_file, std::to_string(kGrain)};
  arguments.insert(arguments.end(), includes.begin(), includes.end());
  host::Command command = host::shell(kWorkers, std::move(arguments));
  command.timeout = Millis(20'000);
  const std::string out = TRY(host.run(command, stop)).out;
  const std::vector<std::string> lines = split(trimmed(out), '\n');
  if (lines.empty() || lines.back() != "end")
    return Error{Code::kInternal, "nginx's workers could not be looked at: " + shortened(one_line(out), 120), ""};
  Ages ages;
  ages.runs = lines.front() != "none";
  for (const std::string& line : lines) {
    const int64_t age = std::atoll(line.substr(line.find(' ') + 1).c_str());
    if (line.starts_with("file ")) ages.files.push_back(age);
    if (line.starts_with("worker ")) ages.workers.push_back(age);
  }
  if (ages.runs && ages.files.size() != includes.size())
    return Error{Code::kInternal, "nginx's files could not be looked at: " + shortened(one_line(out), 120), ""};
  return ages;
}

/// The wall clock is read before the boot clock, so that a pause between the two makes a worker look older.
Result<Ages> ages_here(const std::string& pid_file, const std::vector<std::string>& includes) {
  Ages ages;
  const auto said = os::read_file(pid_file, 64);
  const pid_t master = said ? std::atoi(said->c_str()) : 0;
  if (master <= 0 || !os::facts_of(master)) return ages;
  ages.runs = true;
  const int64_t now = to_millis(system_clock().wall());
  const int64_t up = system_clock().boot().count();
  for (const std::string& include : includes) ages.files.push_back(now - TRY(os::look_at_file(include)).modified_ms);
  for (const pid_t child : os::children_of(master)) {
    const std::string title = os::title_of(child);
    if (title.find("worker process") == std::string::npos ||
        title.find("worker process is shutting down") != std::string::npos)
      continue;
    if (const auto facts = os::facts_of(child)) ages.workers.push_back(up - os::millis_of_ticks(facts->start_time));
  }
  return ages;
}

/// ages_here(), as soon as no old worker takes connections any more, or no reload can be under way.
Result<Ages> ages_here_settled(const std::string& pid_file, const std::vector<std::string>& includes,
                               const std::stop_token& stop) {
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    Ages ages = TRY(ages_here(pid_file, includes));
    if (!ages.has_old() || !ages.is_new() || stop.stop_requested() ||
        std::chrono::steady_clock::now() - began > kWaited)
      return ages;
    std::this_thread::sleep_for(kBetweenReadings);
  }
}

}  // namespace

Result<std::string> amiss_in_workers(host::Host& host, const std::string& pid_file,
                                     const std::vector<std::string>& includes, const std::stop_token& stop) {
  const Ages ages =
      TRY(host.is_local() ? ages_here_settled(pid_file, includes, stop) : ages_there(host, pid_file, includes, stop));
  if (!ages.runs) return "nginx does not run: there is no process as " + pid_file + " says";
  for (const int64_t age : ages.workers)
    for (size_t i = 0; i < includes.size(); ++i)
      if (age > ages.files[i] + kGrain) return includes[i] + " was written after nginx last loaded its configuration";
  return ages.workers.empty() ? std::string("nginx has no worker that takes connections") : std::string();
}

}  // namespace backout::drivers
