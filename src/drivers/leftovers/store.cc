#include "drivers/leftovers/store.h"

#include <charconv>

#include "base/text.h"
#include "driver/outer_environment.h"
#include "driver/secrets.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr const char* kBegin = R"sh(
fail() { printf '%s\n' "$1" >&2; exit 1; }
centiseconds() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
)sh";

// One script in redis itself, so that each act is whole or not at all. ARGV: verb, keys, suffix. What any run has set
// aside is never counted as left. A list that is there on both sides is joined, older jobs where they are taken first.
constexpr const char* kRedis = R"sh(
url=$1 keys=$2 suffix=$3
LUA=$(cat <<'END_OF_LUA'
if redis.replicate_commands then pcall(redis.replicate_commands) end
local verb, wanted, suffix, mark = ARGV[1], ARGV[2], ARGV[3], ':backout-parked:'
local function kind(k) return redis.call('TYPE', k).ok end
local function size(k)
  local of = {list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN', stream = 'XLEN'}
  local t = kind(k)
  if t == 'none' then return 0 end
  return of[t] and redis.call(of[t], k) or 1
end
local function matching(pattern)
  if not string.find(pattern, '[%*%?%[]') then
    return kind(pattern) == 'none' and {} or {pattern}
  end
  local found, cursor = {}, '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = page[1]
    for _, k in ipairs(page[2]) do found[k] = true end
  until cursor == '0'
  local list = {}
  for k in pairs(found) do list[#list + 1] = k end
  return list
end
local function left()
  local list = {}
  for _, k in ipairs(matching(wanted)) do if not string.find(k, mark, 1, true) then list[#list + 1] = k end end
  return list
end
local function aside()
  local list = {}
  for _, k in ipairs(matching(wanted .. suffix .. '*')) do
    local at = string.find(k, suffix, 1, true)
    local rest = at and string.sub(k, at + #suffix)
    if rest == '' or (rest and string.find(rest, '^%.%d+$')) then list[#list + 1] = {k, string.sub(k, 1, at - 1)} end
  end
  return list
end
if verb == 'aside' then
  for _, k in ipairs(left()) do
    local to, n = k .. suffix, 0
    if kind(k) == 'list' and kind(to) == 'list' then
      while redis.call('RPOPLPUSH', k, to) do end
    else
      while kind(to) ~= 'none' do n = n + 1; to = k .. suffix .. '.' .. n end
      redis.call('RENAME', k, to)
    end
  end
elseif verb == 'back' then
  for _, pair in ipairs(aside()) do
    local k, to = pair[1], pair[2]
    if kind(to) == 'none' then redis.call('RENAME', k, to)
    elseif kind(to) == 'list' and kind(k) == 'list' then
      while true do
        local job = redis.call('LPOP', k)
        if not job then break end
        redis.call('RPUSH', to, job)
      end
    end
  end
elseif verb == 'drop' then
  for _, pair in ipairs(aside()) do redis.call('DEL', pair[1]) end
end
local l, a = 0, 0
for _, k in ipairs(left()) do l = l + size(k) end
for _, pair in ipairs(aside()) do a = a + size(pair[1]) end
return l .. ' ' .. a
END_OF_LUA
)
command -v redis-cli >/dev/null 2>&1 || fail 'there is no redis-cli on this host'
ask() {
  said=$(redis-cli --no-auth-warning -u "$url" EVAL "$LUA" 0 "$1" "$keys" "$suffix" 2>&1 </dev/null) || fail "redis: $said"
  case $said in *[!0-9\ ]*|'') fail "redis: $said";; esac
  printf '%s\n' "$said"
}
counts() { ask counts; }
aside() { ask aside >/dev/null; }
back() { ask back >/dev/null; }
drop() { ask drop >/dev/null; }
)sh";

// Inside the directory itself, so that it works for a mount as well, and the directory keeps its owner and mode.
constexpr const char* kDirectory = R"sh(
directory=$1 suffix=$2
[ -d "$directory" ] && [ -x "$directory" ] || fail "there is no directory $directory, or it may not be looked into"
parked=$directory/.${suffix#:}
files() { find "$@" -print0 | tr -dc '\0' | wc -c; }
counts() {
  left=$(files "$directory" -mindepth 1 -path "$directory/.backout-parked*" -prune -o -mindepth 1 ! -type d)
  set_aside=0
  [ ! -d "$parked" ] || set_aside=$(files "$parked" -mindepth 1 ! -type d)
  echo "$left $set_aside"
}
move_all() { find "$1" -mindepth 1 -maxdepth 1 ! -name '.backout-parked*' -exec sh -c 'to=$1; shift; mv -f -- "$@" "$to"' sh "$2" {} +; }
aside() { mkdir -p -- "$parked" && chmod 700 "$parked" && move_all "$directory" "$parked" || fail "cannot move what is in $directory"; }
back() {
  [ -d "$parked" ] || return 0
  move_all "$parked" "$directory" && rmdir -- "$parked" || fail "cannot move back what is in $parked"
}
drop() { rm -rf -- "$parked" || fail "cannot delete $parked"; }
)sh";

constexpr const char* kRun = R"sh(
counts() { number=$( (become "$@") </dev/null | tail -n 1 ) || fail 'the count failed'
  number=$(printf '%s' "$number" | tr -d ' \t')
  case $number in ''|*[!0-9]*) fail "the count printed no number: $number";; esac
  echo "$number 0"; }
)sh";

Error invalid(const std::string& name, std::string_view what) {
  return {Code::kInvalid, fmt::format("leftovers: {}: {}", name, what), "see docs/services.md, leftovers"};
}

}  // namespace

Result<Leftover> leftover_from(const Json& args) {
  if (!args.is_object()) return invalid("?", "not an object");
  Leftover leftover{.args = args};
  leftover.name = TRY(text_argument(args, "name"));
  leftover.kind = get_string(args, "kind");
  leftover.rule = get_string(args, "rule");
  leftover.stage = get_string(args, "stage", "rest");
  leftover.otherwise = get_string(args, "otherwise", "park");
  leftover.within = Millis(get_int(args, "within_ms", 30'000));
  leftover.suffix = ":" + get_string(args, "aside", "backout-parked:{run}");
  const auto among = [](const std::string& word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (!among(leftover.kind, {"redis", "directory", "run"})) return invalid(leftover.name, "no such kind");
  if (!among(leftover.rule, {"drain", "park", "flush", "leave"})) return invalid(leftover.name, "no such rule");
  if (!among(leftover.otherwise, {"park", "flush", "leave"})) return invalid(leftover.name, "no such 'otherwise'");
  if (leftover.within.count() < 0) return invalid(leftover.name, "'within' is negative");
  return leftover;
}

Result<Counts> parse_counts(std::string_view output) {
  const std::string_view text = trimmed(output);
  const std::string last(trimmed(text.substr(text.rfind('\n') + 1)));
  Counts counts;
  const char* end = last.data() + last.size();
  const auto [after, failure] = std::from_chars(last.data(), end, counts.left);
  if (failure != std::errc() || counts.left < 0)
    return Error{Code::kCorrupt, "the count printed no number: " + shortened(one_line(last), 100), ""};
  if (after != end && *after == ' ') std::from_chars(after + 1, end, counts.aside);
  return counts;
}

Result<host::Command> store_command(const Leftover& leftover, const std::string& body) {
  const Json& args = leftover.args;
  if (leftover.kind == "run") {
    host::Command count = TRY(command_argument(args, "count"));
    std::vector<std::string> words = std::move(count.argv);
    host::Command command =
        host::shell(std::string(driver::kOuterEnvironment) + kBegin + kRun + body, std::move(words));
    command.cwd = count.cwd;
    command.user = count.user;
    command.env = count.env;
    command.timeout = count.timeout;
    return command;
  }
  host::Command command;
  if (leftover.kind == "directory") {
    std::string path = TRY(path_argument(args, "path"));
    command = host::shell(std::string(kBegin) + kDirectory + body, {std::move(path), leftover.suffix});
  } else {
    std::string url = TRY(text_argument(args, "url"));
    std::string keys = TRY(text_argument(args, "keys"));
    const auto secrets = TRY(driver::secret_places(get(args, "secrets")).with_context(leftover.name));
    command = host::shell(std::string(kBegin) + kRedis + body, {std::move(url), std::move(keys), leftover.suffix});
    TRY_VOID(driver::reveal(secrets, command.env).with_context(leftover.name));
  }
  command.timeout = Millis(60'000);
  return command;
}

}  // namespace backout::drivers
