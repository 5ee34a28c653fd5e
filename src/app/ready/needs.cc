#include "app/ready/needs.h"

#include <algorithm>
#include <charconv>

#include "app/ready/first_program.h"
#include "base/text.h"

namespace backout::app::ready {
namespace {

using driver::Need;

// Arguments: kind and what, for each need. Prints "NUMBER word ...", then "path PATH" and "end".
constexpr std::string_view kLook = R"sh(
LC_ALL=C; export LC_ALL
above() { at=$1; while [ ! -e "$at" ] && [ "$at" != / ]; do at=${at%/*}; at=${at:-/}; done; }
number=0
while [ $# -ge 2 ]; do
  kind=$1 what=$2; shift 2
  said=ok
  case $kind in
  tool)
    case $what in
    /*) [ -f "$what" ] && [ -x "$what" ] || said=missing ;;
    *) command -v -- "$what" >/dev/null 2>&1 || said=missing ;;
    esac ;;
  readable)
    if [ ! -e "$what" ] && [ ! -L "$what" ]; then said=missing; elif [ ! -r "$what" ]; then said=denied; fi ;;
  writable)
    above "$what"
    if [ "$at" != "$what" ] && [ ! -d "$at" ]; then said="not-a-directory $at"
    elif [ ! -w "$at" ]; then said="denied $at"
    elif [ -d "$at" ] && [ ! -x "$at" ]; then said="denied $at"; fi ;;
  room)
    above "$what"
    said="room $(stat -f -c '%a %S %d %c' -- "$at" 2>/dev/null) $(stat -L -c %d -- "$at" 2>/dev/null) $at" ;;
  esac
  printf '%s %s\n' "$number" "$said"
  number=$((number + 1))
done
printf 'path %s\nend\n' "$PATH"
)sh";

std::string_view word_of(Need::Kind kind) {
  switch (kind) {
    case Need::Kind::kTool: return "tool";
    case Need::Kind::kReadable: return "readable";
    case Need::Kind::kWritable: return "writable";
    case Need::Kind::kRoom: return "room";
  }
  return "";
}

int64_t number_in(const std::string& text) {
  int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string as_user(const Need& need) { return need.user.empty() ? "" : " by " + need.user; }

std::string purpose(const Need& need) { return need.why.empty() ? "" : ", needed " + need.why; }

Finding amiss(const Need& need, std::string id, std::string what, std::string next) {
  return {std::move(id), Severity::kRed, need.what, "", std::move(what), std::move(next), Json::object()};
}

/// What the script says of room: "room AVAILABLE BLOCKSIZE FREEFILES FILES DEVICE PLACE".
struct Room {
  uint64_t free = 0;
  int64_t free_files = -1, all_files = -1;
  std::string device, place;
};
std::optional<Room> room_of(const std::string& said) {
  const std::vector<std::string> words = split(said, ' ');
  if (words.size() < 7 || words[0] != "room" || number_in(words[1]) < 0 || number_in(words[2]) <= 0)
    return std::nullopt;
  return Room{static_cast<uint64_t>(number_in(words[1])) * static_cast<uint64_t>(number_in(words[2])),
              number_in(words[3]), number_in(words[4]), words[5], join({words.begin() + 6, words.end()}, " ")};
}

/// What all of one disk's needs add up to.
struct Wanted {
  Room room;
  uint64_t bytes = 0, files = 0;
  std::set<std::string> what, why;
};

Finding judge_disk(const Wanted& wanted) {
  const Room& room = wanted.room;
  std::string where = *wanted.what.begin();
  if (wanted.what.size() > 1) where += fmt::format(" and {} more", counted(std::ssize(wanted.what) - 1, "place"));
  const std::string why = join({wanted.why.begin(), wanted.why.end()}, "; ");
  Finding found{"room",
                Severity::kOk,
                *wanted.what.begin(),
                "",
                "",
                "",
                {{"free", room.free}, {"needed", wanted.bytes}, {"free_files", room.free_files}}};
  found.what = fmt::format("the disk of {} has {} free, {} needed ({})", where, bytes_for_people(room.free),
                           bytes_for_people(wanted.bytes) + " are", why);
  if (room.free < wanted.bytes) {
    found.severity = Severity::kRed;
    found.next = "make room: see what is large with du -xh " + shell_quoted(room.place) + " | sort -h | tail";
  } else if (room.all_files > 0 && static_cast<uint64_t>(std::max<int64_t>(room.free_files, 0)) < wanted.files) {
    found.id = "room.files";
    found.severity = Severity::kRed;
    found.what = fmt::format("the disk of {} has room for {} more, {} are needed ({})", where,
                             counted(std::max<int64_t>(room.free_files, 0), "file"), wanted.files, why);
    found.next = "remove files there: it is out of inodes (df -i " + shell_quoted(room.place) + ")";
  }
  return found;
}

std::vector<Finding> judge_rooms(const std::vector<Need>& needs, const std::map<size_t, std::string>& seen) {
  std::vector<Finding> findings;
  std::map<std::string, Wanted> by_device;
  for (size_t i = 0; i < needs.size(); ++i) {
    const Need& need = needs[i];
    if (need.kind != Need::Kind::kRoom) continue;
    const auto said = seen.find(i);
    const auto room = said == seen.end() ? std::nullopt : room_of(said->second);
    if (!room) {
      findings.push_back(amiss(need, "room", "how much room there is for " + need.what + " could not be seen",
                               "look there: df " + shell_quoted(need.what)));
      continue;
    }
    Wanted& wanted = by_device[room->device];
    wanted.room = *room;
    wanted.bytes += need.bytes;
    wanted.files += need.files;
    wanted.what.insert(need.what);
    if (!need.why.empty()) wanted.why.insert(need.why);
  }
  for (const auto& [device, wanted] : by_device) findings.push_back(judge_disk(wanted));
  return findings;
}

std::optional<Finding> judge(const Need& need, const std::string& said, const std::string& search_path) {
  const std::vector<std::string> words = split(said, ' ');
  const std::string place = words.size() > 1 ? said.substr(words[0].size() + 1) : need.what;
  switch (need.kind) {
    case Need::Kind::kTool:
      if (words[0] == "ok") return std::nullopt;
      return amiss(need, "tool", fmt::format("there is no {}{}", need.what, purpose(need)),
                   need.what.starts_with('/') ? "put it there, or correct the path in backout.yaml"
                                              : "install it, or add its directory to PATH, which is " + search_path);
    case Need::Kind::kReadable:
      if (words[0] == "ok") return std::nullopt;
      if (words[0] == "missing")
        return amiss(need, "readable", fmt::format("{} is gone{}", need.what, purpose(need)),
                     "put it back, or correct the path in backout.yaml");
      return amiss(need, "readable", fmt::format("{} cannot be read{}{}", need.what, as_user(need), purpose(need)),
                   "see who may: ls -l " + shell_quoted(need.what));
    case Need::Kind::kWritable:
      if (words[0] == "ok") return std::nullopt;
      if (words[0] == "not-a-directory")
        return amiss(need, "writable", fmt::format("{} cannot be made, because {} is no directory", need.what, place),
                     "correct the path in backout.yaml");
      return amiss(need, "writable", fmt::format("{} cannot be written{}{}", place, as_user(need), purpose(need)),
                   "see who may, and whether the file system is read-only: ls -ld " + shell_quoted(place) + "; mount");
    case Need::Kind::kRoom: break;  // judge_rooms
  }
  return std::nullopt;
}

/// Every kind that was met, in one line each.
void tell_met(std::vector<Finding>& findings, Need::Kind kind, const std::set<std::string>& met) {
  if (met.empty()) return;
  const std::vector<std::string> names(met.begin(), met.end());
  std::string what;
  if (kind == Need::Kind::kTool) what = "there: ";
  if (kind == Need::Kind::kReadable) what = "can be read: ";
  if (kind == Need::Kind::kWritable) what = "can be written: ";
  findings.push_back({std::string(word_of(kind)), Severity::kOk, "", "", what + join(names, ", "), "", Json::object()});
}

/// One user's needs: what the host says.
std::vector<Finding> look_as(const std::string& user, const std::vector<Need>& needs, host::Host& host,
                             std::stop_token stop) {
  std::vector<std::string> words;
  for (const Need& need : needs) {
    words.emplace_back(word_of(need.kind));
    words.push_back(need.what);
  }
  host::Command command = host::shell(std::string(kLook), std::move(words));
  command.user = user;
  command.timeout = Millis(20'000);
  const auto result = host.run(command, std::move(stop));
  const std::string why = !result ? one_line(result.error().message) : result->ok() ? "" : result->why_not_ok();
  const auto seen = result && result->ok() ? parse_needs(result->out) : Result<std::map<size_t, std::string>>(Error{});
  if (!seen) {
    const std::string said = why.empty() ? "its answer was cut off" : why;
    if (user.empty())
      return {{"host.look", Severity::kRed, "", "", "looking there failed: " + said,
               "it needs a POSIX sh, coreutils and /proc", Json::object()}};
    return {
        {"user", Severity::kRed, user, "", fmt::format("nothing can be run as {}: {}", user, said),
         fmt::format("make the user, or allow it: root needs runuser, another login a sudoers rule without password "
                     "(try: sudo -n -u {} true)",
                     user),
         Json::object()}};
  }
  std::string search_path;
  for (const std::string& line : split(result->out, '\n'))
    if (line.starts_with("path ")) search_path = one_line(line.substr(5));
  std::vector<Finding> findings = judge_needs(needs, *seen, search_path);
  if (!user.empty())
    findings.push_back({"user", Severity::kOk, user, "", "commands can be run as " + user, "", Json::object()});
  return findings;
}

bool is_shell(std::string_view program) {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  return name == "sh" || name == "bash" || name == "dash";
}

bool is_interpreter(std::string_view program) {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  for (const std::string_view known : {"sh", "bash", "dash", "python", "python3", "ruby", "node", "php", "perl"})
    if (name == known) return true;
  return false;
}

}  // namespace

Result<std::map<size_t, std::string>> parse_needs(std::string_view output) {
  std::map<size_t, std::string> seen;
  bool whole = false;
  for (const std::string& line : split(output, '\n')) {
    whole = whole || line == "end";
    const size_t space = line.find(' ');
    size_t number = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + std::min(space, line.size()), number);
    if (space == std::string::npos || parsed.ec != std::errc() || parsed.ptr != line.data() + space) continue;
    seen[number] = one_line(line.substr(space + 1));
  }
  if (!whole) return Error{Code::kCorrupt, "the answer was cut off", ""};
  return seen;
}

std::vector<Finding> judge_needs(const std::vector<Need>& needs, const std::map<size_t, std::string>& seen,
                                 const std::string& search_path) {
  std::vector<Finding> findings;
  std::map<Need::Kind, std::set<std::string>> met;
  std::set<std::pair<std::string, std::string>> told;  // two steps may need the same; it is amiss once
  for (size_t i = 0; i < needs.size(); ++i) {
    if (needs[i].kind == Need::Kind::kRoom) continue;
    const auto said = seen.find(i);
    auto finding = judge(needs[i], said == seen.end() ? "unseen" : said->second, search_path);
    if (!finding) {
      met[needs[i].kind].insert(needs[i].what);
    } else if (told.insert({finding->id, finding->about}).second) {
      findings.push_back(std::move(*finding));
    }
  }
  for (const auto& [kind, names] : met) tell_met(findings, kind, names);
  for (Finding& finding : judge_rooms(needs, seen)) findings.push_back(std::move(finding));
  return findings;
}

std::vector<Finding> look_at_needs(const std::vector<Need>& needs, host::Host& host, std::stop_token stop) {
  std::map<std::string, std::vector<Need>> by_user;
  for (const Need& need : needs) by_user[need.kind == Need::Kind::kRoom ? "" : need.user].push_back(need);
  std::vector<Finding> findings;
  for (const auto& [user, theirs] : by_user)
    for (Finding& finding : look_as(user, theirs, host, stop)) findings.push_back(std::move(finding));
  return findings;
}

std::vector<Need> needs_of_command(const std::vector<std::string>& argv, const std::string& cwd,
                                   const std::string& user, const std::string& why) {
  FirstProgram first{argv, cwd};
  std::vector<Need> needs;
  if (argv.size() >= 3 && is_shell(argv[0]) && argv[1] == "-c") {
    first = first_program(argv[2], cwd);
    if (argv[0] != "sh" && argv[0] != "/bin/sh") needs.push_back({Need::Kind::kTool, argv[0], why, user});
  }
  const std::vector<std::string>& words = first.words;
  if (words.empty() || !is_plain_word(words[0])) return needs;
  std::string program = words[0];
  if (program.find('/') != std::string::npos && !program.starts_with('/')) {
    if (!first.cwd.starts_with('/')) return needs;
    program = first.cwd + "/" + program;
  }
  needs.push_back({Need::Kind::kTool, program, why, user});
  if (words.size() > 1 && is_interpreter(program) && words[1].starts_with('/') && is_plain_word(words[1]))
    needs.push_back({Need::Kind::kReadable, words[1], why, user});
  return needs;
}

}  // namespace backout::app::ready
