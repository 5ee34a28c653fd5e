#include "drivers/services/look.h"

#include <charconv>

#include "base/text.h"
#include "drivers/services/look_script.h"

namespace backout::drivers {
namespace {

/// The next word of `line`, which loses it and one space.
std::string_view next_word(std::string_view& line) {
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "1741234567.123456789" or "1741234567" seconds as microseconds.
int64_t microseconds(std::string_view text) {
  const size_t point = text.find('.');
  const auto whole = number(text.substr(0, point));
  if (!whole) return 0;
  std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
  fraction.resize(6, '0');
  return *whole * 1'000'000 + number(fraction).value_or(0);
}

std::string without_deleted(std::string_view path) {
  static constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(path);
}

class LookParser {
 public:
  void take(std::string_view line) {
    const std::string_view fact = next_word(line);
    if (fact == "process") return take_process(line);
    if (fact == "listen") return take_listener(line);
    if (fact == "holds") return take_holder(line);
    if (fact == "unit") return take_unit(line);
    if (fact == "name" || fact == "cwd" || fact == "exe" || fact == "arg") return take_detail(fact, line);
    take_single(fact, std::string(line));
  }

  Result<Look> done() && {
    if (!ended_) return Error{Code::kCorrupt, "looking at the processes ended half-way", ""};
    for (auto& [inode, listener] : by_inode_) look_.listeners.push_back(std::move(listener));
    for (std::set<int64_t>* pids : {&look_.cgroup, &look_.marked})
      std::erase_if(*pids, [this](int64_t pid) { return look_.living(pid) == nullptr; });
    return std::move(look_);
  }

 private:
  void take_process(std::string_view line) {
    ProcessSeen seen;
    const auto pid = number(next_word(line));
    const std::string_view state = next_word(line);
    const auto parent = number(next_word(line)), group = number(next_word(line)), session = number(next_word(line));
    const auto started = number(next_word(line));
    if (!pid || state.size() != 1 || !parent || !group || !session || !started) return;
    look_.processes[*pid] = {*pid, *parent, *group, *session, state[0], *started};
  }
  void take_listener(std::string_view line) {
    const auto inode = number(next_word(line));
    if (inode) by_inode_[*inode].address = line;
  }
  void take_holder(std::string_view line) {
    const auto pid = number(next_word(line)), inode = number(next_word(line));
    if (pid && inode) by_inode_[*inode].holders.insert(*pid);
  }
  void take_unit(std::string_view line) {
    const size_t equals = line.find('=');
    if (equals != std::string_view::npos) look_.unit[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  void take_detail(std::string_view fact, std::string_view line) {
    const auto pid = number(next_word(line));
    if (!pid) return;
    ProcessDetail& detail = look_.details[*pid];
    if (fact == "name") detail.name = one_line(line);
    if (fact == "cwd") detail.cwd = without_deleted(line);
    if (fact == "exe") detail.exe = without_deleted(line);
    if (fact == "arg") detail.arguments.emplace_back(line);
  }
  PidfileSeen& pidfile() { return look_.pidfile ? *look_.pidfile : look_.pidfile.emplace(); }

  void take_single(std::string_view fact, const std::string& value) {
    if (fact == "now") look_.now = microseconds(value);
    if (fact == "uptime") look_.uptime = microseconds(value);
    if (fact == "ticks") look_.ticks_per_second = std::max<int64_t>(1, number(value).value_or(100));
    if (fact == "boot") look_.boot = value;
    if (fact == "pidfile") pidfile().pid = number(value).value_or(0);
    if (fact == "pidfile.started") pidfile().started_ticks = number(value).value_or(-1);
    if (fact == "pidfile.boot") pidfile().boot = value;
    if (fact == "pidfile.stopping") pidfile().stopping = true;
    if (fact == "pidfile.written") pidfile().written = microseconds(value);
    if (fact == "pidfile.unreadable") look_.unreadable = one_line(value);
    if (fact == "unit.error") look_.unit_error = one_line(value);
    if (fact == "cgroup") look_.cgroup.insert(number(value).value_or(0));
    if (fact == "marked") look_.marked.insert(number(value).value_or(0));
    if (fact == "code.root") look_.code.root = value;
    if (fact == "code.target") look_.code.target = value;
    if (fact == "code.current") look_.code.current = value;
    if (fact == "code.switched") look_.code.switched = microseconds(value);
    if (fact == "end") ended_ = true;
  }

  Look look_;
  std::map<int64_t, Listener> by_inode_;
  bool ended_ = false;
};

bool holder_is_hidden(const Look& look) {
  return std::any_of(look.listeners.begin(), look.listeners.end(), [](const Listener& l) { return l.holders.empty(); });
}

}  // namespace

const ProcessSeen* Look::living(int64_t pid) const {
  const auto found = processes.find(pid);
  return found != processes.end() && found->second.alive() ? &found->second : nullptr;
}

int64_t Look::started(const ProcessSeen& process) const {
  return now - uptime + process.started_ticks * 1'000'000 / ticks_per_second;
}

const ProcessSeen* Look::named_by_pidfile() const {
  const ProcessSeen* process = pidfile && pidfile->pid > 1 ? living(pidfile->pid) : nullptr;
  if (process == nullptr) return nullptr;
  if (pidfile->started_ticks)
    return *pidfile->started_ticks == process->started_ticks && pidfile->boot == boot ? process : nullptr;
  // A wall clock that was set since makes every old process look new; who holds the port is the service all the same.
  return started(*process) <= pidfile->written + kStartGrain || holds_the_port(process->pid) ? process : nullptr;
}

bool Look::holds_the_port(int64_t pid) const {
  return std::any_of(listeners.begin(), listeners.end(),
                     [&](const Listener& listener) { return listener.holders.contains(pid); });
}

std::set<int64_t> Look::family(int64_t root) const {
  std::set<int64_t> members;
  for (const auto& [pid, process] : processes)
    if (process.alive() && (pid == root || process.session == root || process.group == root)) members.insert(pid);
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, process] : processes)
      if (process.alive() && members.contains(process.parent)) grown |= members.insert(pid).second;
  }
  return members;
}

Result<Look> parse_look(std::string_view output) {
  LookParser parser;
  for (const std::string& line : split(output, '\n')) parser.take(line);
  return std::move(parser).done();
}

host::Command look_command(const LookAt& at) {
  std::string kind = "pids", name;
  if (!at.unit.empty()) {
    kind = "unit", name = at.unit;
  } else if (!at.pidfile.empty()) {
    kind = "pidfile", name = at.pidfile;
  } else {
    for (const int64_t pid : at.pids) name += std::to_string(pid) + " ";
  }
  std::vector<std::string> arguments = {std::to_string(at.port), at.code.layout, at.code.path, at.version,
                                        std::move(kind),         std::move(name)};
  arguments.insert(arguments.end(), at.marks.begin(), at.marks.end());
  host::Command command = host::shell(kLookScript, std::move(arguments));
  command.timeout = Millis(20'000);
  command.output_limit = 8U << 20;
  return command;
}

Result<Look> look(const LookAt& at, host::Host& host, std::stop_token stop) {
  const auto once = [&](const host::Command& command) -> Result<Look> {
    const host::CommandResult result = TRY(host.run(command, stop));
    if (!result.ok()) return Error{Code::kUnavailable, "looking at the processes: " + result.why_not_ok(), ""};
    return parse_look(result.out);
  };
  host::Command command = look_command(at);
  Look seen = TRY(once(command));
  if (at.user.empty() || !holder_is_hidden(seen)) return seen;
  command.user = at.user;  // whoever the service runs as can see what its processes have open
  return once(command);
}

}  // namespace backout::drivers
