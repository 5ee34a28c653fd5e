#include "watch/services/usage.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace backout::watch {
namespace {

constexpr size_t kMostMinutes = 60;

// Arguments: pids of roots. "ticks N", "page N"; "process ROOT PID TICKS PAGES THREADS", "files ROOT USED LIMIT".
constexpr const char* kUsageScript = R"sh(
LC_ALL=C; export LC_ALL
echo "ticks $(getconf CLK_TCK 2>/dev/null || echo 100)"
echo "page $(getconf PAGESIZE 2>/dev/null || echo 4096)"
tree=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="$*" '{
  pid = $1; rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ")
  if (f[1] == "Z") next
  parent[pid] = f[2]; line[pid] = (f[12] + f[13]) " " f[22] " " f[18] }
  END { n = split(roots, r, " ")
    for (i = 1; i <= n; i++) if (r[i] in line) for (pid in line) {
      at = pid
      for (depth = 0; depth < 50 && at != r[i] && at in parent; depth++) at = parent[at]
      if (at == r[i]) print "process", r[i], pid, line[pid] } }')
[ -n "$tree" ] && printf '%s\n' "$tree"
printf '%s\n' "$tree" | head -n 200 | while read -r word root pid rest; do
  [ -n "$pid" ] || continue
  limit=$(sed -n 's/^Max open files *\([0-9]*\) .*/\1/p' "/proc/$pid/limits" 2>/dev/null)
  used=$(ls "/proc/$pid/fd" 2>/dev/null | wc -l)
  [ -z "$limit" ] || [ "$used" -eq 0 ] || echo "files $root $used $limit"
done
echo end
)sh";

double value_in(const std::vector<std::string>& words, size_t at) {
  return at < words.size() ? std::strtod(words[at].c_str(), nullptr) : 0;
}

}  // namespace

host::Command look_at_processes(const std::vector<int64_t>& pids) {
  std::vector<std::string> words;
  for (const int64_t pid : pids) words.push_back(std::to_string(pid));
  host::Command command = host::shell(kUsageScript, std::move(words));
  command.timeout = Millis(10'000);
  command.output_limit = 4U << 20;
  return command;
}

std::map<int64_t, Usage> usage_in(std::string_view out) {
  std::map<int64_t, Usage> by_root;
  double ticks = 100, page = 4096;
  for (size_t start = 0; start < out.size();) {
    const size_t end = std::min(out.find('\n', start), out.size());
    const std::vector<std::string> words = split(out.substr(start, std::min<size_t>(end - start, 200)), ' ');
    start = end + 1;
    if (words[0] == "ticks" && value_in(words, 1) > 0) ticks = value_in(words, 1);
    if (words[0] == "page" && value_in(words, 1) > 0) page = value_in(words, 1);
    if (words.size() < 4 || by_root.size() > 1000) continue;
    const auto root = static_cast<int64_t>(value_in(words, 1));
    if (words[0] == "process" && words.size() == 6) {
      Usage& usage = by_root[root];
      usage.cpu_seconds += value_in(words, 3) / ticks;
      usage.rss += value_in(words, 4) * page;
      usage.threads += static_cast<int64_t>(value_in(words, 5));
      ++usage.processes;
    }
    if (words[0] == "files" && value_in(words, 3) > 0) {
      Usage& usage = by_root[root];
      const double used = value_in(words, 2), limit = value_in(words, 3);
      usage.files += static_cast<int64_t>(used);
      usage.files_share = std::max(usage.files_share, 100 * used / limit);
      if (usage.files_limit == 0 || limit < static_cast<double>(usage.files_limit))
        usage.files_limit = static_cast<int64_t>(limit);
    }
  }
  return by_root;
}

void add_to_trend(Json& trend, int64_t minute, double value) {
  if (!trend.is_array()) trend = Json::array();
  const auto fits = [](const Json& each) {
    return each.is_array() && each.size() == 2 && each[0].is_number() && each[1].is_number();
  };
  if (!trend.empty() && (!fits(trend.back()) || trend.back()[0].get<int64_t>() > minute)) trend = Json::array();
  if (!trend.empty() && trend.back()[0].get<int64_t>() == minute)
    trend.back()[1] = std::min(trend.back()[1].get<double>(), value);
  else
    trend.push_back({minute, value});
  while (trend.size() > kMostMinutes) trend.erase(trend.begin());
}

Growth growth_of(const Json& trend, double share, double least) {
  Growth growth;
  if (std::ssize(trend) < kTrendMinutes) return growth;
  for (const Json& each : trend)
    if (!each.is_array() || each.size() != 2 || !each[0].is_number() || !each[1].is_number()) return growth;
  const auto first = static_cast<size_t>(kWarmUpMinutes), count = trend.size() - first;
  std::array<double, 5> lowest{};
  for (size_t part = 0; part < lowest.size(); ++part) {
    lowest[part] = INFINITY;
    for (size_t at = first + count * part / 5; at < first + count * (part + 1) / 5; ++at)
      lowest[part] = std::min(lowest[part], trend[at][1].get<double>());
  }
  growth.from = lowest.front();
  growth.to = lowest.back();
  const double minutes = trend.back()[0].get<double>() - trend[first][0].get<double>();
  growth.per_hour = minutes > 0 ? (growth.to - growth.from) / minutes * 60 * 5 / 4 : 0;
  growth.clear = growth.to >= growth.from * (1 + share) && growth.to >= growth.from + least;
  for (size_t part = 1; part < lowest.size(); ++part) growth.clear &= lowest[part] >= lowest[part - 1] * 1.01;
  return growth;
}

}  // namespace backout::watch
