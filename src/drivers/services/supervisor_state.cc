#include "drivers/services/supervisor_state.h"

#include <charconv>
#include <cstdio>

#include "base/text.h"

namespace backout::drivers {
namespace {

bool is_state(std::string_view word) {
  static constexpr std::string_view kStates[] = {"STOPPED",  "STARTING", "RUNNING", "BACKOFF",
                                                 "STOPPING", "EXITED",   "FATAL",   "UNKNOWN"};
  return std::find(std::begin(kStates), std::end(kStates), word) != std::end(kStates);
}

Instance::Kind kind_of(std::string_view state) {
  if (state == "RUNNING") return Instance::Kind::kUp;
  if (state == "STOPPED" || state == "EXITED" || state == "FATAL") return Instance::Kind::kDown;
  return Instance::Kind::kComing;  // UNKNOWN too: neither up nor down may be believed
}

/// "group:process" or "process" as it stands for both.
std::pair<std::string_view, std::string_view> parts_of(std::string_view shown) {
  const size_t colon = shown.find(':');
  if (colon == std::string_view::npos) return {shown, shown};
  return {shown.substr(0, colon), shown.substr(colon + 1)};
}

/// Milliseconds since some fixed day, of a local time: only differences mean anything.
std::optional<int64_t> local_millis(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, milli = 0;
  const std::string copy(text.substr(0, 23));
  if (std::sscanf(copy.c_str(), "%d-%d-%d %d:%d:%d,%d", &year, &month, &day, &hour, &minute, &second, &milli) < 6)
    return std::nullopt;
  const std::chrono::sys_days days = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
                                     std::chrono::day(static_cast<unsigned>(day));
  return days.time_since_epoch().count() * 86'400'000LL + ((hour * 60 + minute) * 60 + second) * 1000LL + milli;
}

}  // namespace

bool SupervisorProgram::means(std::string_view shown) const {
  if (shown == text) return true;
  const auto [group, process] = parts_of(shown);
  if (text.ends_with(":*")) return group == std::string_view(text).substr(0, text.size() - 2);
  if (text.find(':') == std::string::npos) return group == text;
  const auto [wanted_group, wanted] = parts_of(text);
  return group == wanted_group && process == wanted;
}

std::string SupervisorProgram::spec(const std::vector<std::string>& shown) const {
  if (text.ends_with(":*")) return text;
  const bool whole = std::any_of(shown.begin(), shown.end(), [&](const std::string& name) {
    return name != text && text.find(':') == std::string::npos && means(name);
  });
  return whole ? text + ":*" : text;
}

std::vector<std::string> SupervisorProgram::marks(const std::vector<std::string>& shown,
                                                  const std::string& server_url) const {
  const std::string told = spec(shown);
  const auto [group, process] = parts_of(told);
  std::vector<std::string> marks = {"SUPERVISOR_GROUP_NAME=" + std::string(group)};
  if (process != "*") marks.push_back("SUPERVISOR_PROCESS_NAME=" + std::string(process));
  if (!server_url.empty()) marks.push_back("SUPERVISOR_SERVER_URL=" + server_url);
  return marks;
}

Result<std::vector<Instance>> parse_supervisor_status(std::string_view output, const SupervisorProgram& program) {
  std::vector<Instance> instances;
  bool any = false;
  for (const std::string& line : split(output, '\n')) {
    std::vector<std::string> words = split(line, ' ');
    std::erase_if(words, [](const std::string& word) { return word.empty(); });
    if (words.size() < 2 || !is_state(words[1])) continue;
    any = true;
    if (!program.means(words[0])) continue;
    Instance instance{.name = words[0], .state = words[1], .kind = kind_of(words[1])};
    instance.given_up = words[1] == "FATAL" || words[1] == "STOPPED";
    instance.starting = words[1] == "STARTING";
    if (words.size() > 3 && words[2] == "pid")
      std::from_chars(words[3].data(), words[3].data() + words[3].size(), instance.pid);
    else if (words.size() > 2)
      instance.state += ", " + join({words.begin() + 2, words.end()}, " ");
    instances.push_back(std::move(instance));
  }
  if (!any && !trimmed(output).empty())
    return Error{Code::kUnavailable, "supervisord does not answer: " + shortened(one_line(trimmed(output)), 200), ""};
  return instances;
}

int64_t supervisor_restarts(std::string_view log, std::string_view name, std::string_view now, Millis window,
                            std::string_view after) {
  const auto end = local_millis(now);
  if (!end) return 0;
  const int64_t begin = std::max(*end - window.count(), local_millis(after).value_or(0));
  const std::string process(parts_of(name).second);
  bool exited = false;
  int64_t restarts = 0;
  for (const std::string& line : split(log, '\n')) {
    const auto at = local_millis(line);
    if (!at) continue;
    if (line.find(" exited: " + process + " (") != std::string::npos) exited = true;
    // Somebody's hand: a stop, or a start after it was given up.
    if (line.find(" stopped: " + process + " (") != std::string::npos) exited = false, restarts = 0;
    if (line.find(" gave up: " + process + " ") != std::string::npos) exited = false, restarts = 0;
    if (line.find(" spawned: '" + process + "' ") == std::string::npos) continue;
    if (exited && *at >= begin) ++restarts;
    exited = false;
  }
  return restarts;
}

}  // namespace backout::drivers
