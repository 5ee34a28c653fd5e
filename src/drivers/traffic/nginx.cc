#include "drivers/traffic/nginx.h"

#include "base/hash.h"
#include "base/text.h"
#include "driver/outer_environment.h"
#include "drivers/traffic/door_block.h"
#include "drivers/traffic/nginx_ready.h"
#include "os/http.h"

namespace backout::drivers {
namespace {

constexpr int kAnswers = 3;  // in a row: one new worker says nothing about the old ones

// Arguments: verb, include, content, number of words of the test command, the test and the reload command.
// Beside the include: .NAME.backout-before (content before the door was closed), .NAME.backout-loaded (hash of the
// content that nginx was last told to load; gone while that is under way).
constexpr const char* kMove = R"sh(
verb=$1 include=$2 content=$3 words=$4; shift 4
fail() { printf '%s\n' "$1" >&2; exit 1; }
first() { n=$1; shift; for word do shift; [ "$n" -gt 0 ] && set -- "$@" "$word"; n=$((n - 1)); done; (become "$@"); }
rest() { n=$1; shift; shift "$n"; (become "$@"); }

[ -L "$include" ] && include=$(readlink -f -- "$include")
directory=${include%/*} name=${include##*/}
before=$directory/.$name.backout-before loaded=$directory/.$name.backout-loaded new=$directory/.$name.backout-new
closed() { [ -f "$1" ] && read -r mark <"$1" && [ "$mark" = '# backout door: closed' ]; }
# Atomic and durable; keeps owner and mode of what it replaces.
put() {
  rm -f -- "$new"
  { [ ! -e "$include" ] || cp -p -- "$include" "$new"; } && cat >"$new" && sync -- "$new" &&
    mv -f -- "$new" "$include" && sync -- "$directory"
}

was= existed=
[ -e "$include" ] && { existed=yes; was=$(cat -- "$include"; echo .) || fail "cannot read $include"; was=${was%.}; }
rm -f -- "$loaded"
case $verb in
close)
  if [ -e "$include" ] && ! closed "$include"; then
    cp -p -- "$include" "$new" && sync -- "$new" && mv -f -- "$new" "$before" || fail "cannot keep what $include holds"
  fi
  printf '%s' "$content" | put || fail "cannot write $include";;
open)
  if closed "$include" || [ ! -e "$include" ]; then
    if [ -e "$before" ] && ! closed "$before"; then put <"$before"; else printf '%s' "$content" | put; fi || fail "cannot write $include"
  fi;;
esac

put_back() {
  if [ -n "$existed" ]; then printf '%s' "$was" | put; else rm -f -- "$include"; fi || echo "and $include could not be put back" >&2
}
first "$words" "$@" || { put_back; fail 'nginx does not accept its configuration: the door stays as it was'; }
rest "$words" "$@" || { put_back; fail 'nginx could not be reloaded: the door stays as it was'; }
sha256sum <"$include" | cut -d ' ' -f 1 >"$new" && mv -f -- "$new" "$loaded" || fail "cannot write $loaded"
[ "$verb" = close ] || rm -f -- "$before"
)sh";

struct NginxDoor {
  std::string include, page, public_url;
  std::vector<std::string> test, reload;
};

Error invalid(std::string message) { return {Code::kInvalid, "nginx door: " + std::move(message), "see docs/door.md"}; }

Result<std::vector<std::string>> words_from(const Json& args, std::string_view key) {
  const Json& given = get(args, key);
  std::vector<std::string> words;
  if (given.is_array())
    for (const Json& word : given)
      if (word.is_string()) words.push_back(word.get<std::string>());
  if (words.empty() || words.size() != given.size() || words.front().empty())
    return invalid(fmt::format("'{}' must be a command as a list of words", key));
  return words;
}

Result<NginxDoor> door_from(const Json& args) {
  if (!args.is_object()) return invalid("needs an object of settings");
  NginxDoor door{.include = get_string(args, "include"),
                 .page = get_string(args, "page"),
                 .public_url = get_string(args, "public_url")};
  if (!door.include.starts_with('/') || door.include.ends_with('/'))
    return invalid("'include' must be the absolute path of a file");
  TRY(closed_block(door.page));
  door.test = TRY(words_from(args, "test"));
  door.reload = TRY(words_from(args, "reload"));
  return door;
}

std::string beside(const std::string& include, std::string_view what) {
  const size_t slash = include.rfind('/');
  return fmt::format("{}/.{}.backout-{}", include.substr(0, slash), include.substr(slash + 1), what);
}

class NginxDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "nginx"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"close", StepKind::kEffect, true, true}, {"open", StepKind::kEffect, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) return std::vector<Step>{};
    TRY(door_from(offering.subject));
    const std::string driver(name());
    Json args = offering.subject;
    if (get_string(args, "public_url").empty() && !offering.public_url.empty())
      args["public_url"] = offering.public_url;
    const Patience patience{20, Millis(250)};  // a reload is asynchronous: old workers finish first
    const Step close{.id = StepId("close-door"),
                     .phase = Phase::kClose,
                     .title = "nginx shows the maintenance page",
                     .hosts = offering.hosts,
                     .action = {driver, "close", args},
                     .undo = Action{driver, "open", args},
                     .repeatable = true,
                     .has_probe = true,
                     .patience = patience};
    const Step open{.id = StepId("open-door"),
                    .phase = Phase::kOpen,
                    .title = "nginx serves the site again",
                    .hosts = offering.hosts,
                    .action = {driver, "open", args},
                    .repeatable = true,
                    .has_probe = true,
                    .patience = patience};
    return std::vector<Step>{close, open};
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token) const override {
    const NginxDoor door = TRY(door_from(subject));
    const auto content = host.read(door.include);
    if (!content && content.error().code == Code::kNotFound)
      return Error{Code::kNotFound, door.include + " does not exist",
                   "create it empty and include it in nginx.conf: see docs/door.md"};
    if (!content) return content.error();
    return Json{{"door", is_closed_block(*content) ? "closed" : "open"}};
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    const NginxDoor door = TRY(door_from(action.args));
    if (action.verb != "close" && action.verb != "open") return invalid("no command for '" + action.verb + "'");
    const std::string content = action.verb == "close" ? TRY(closed_block(door.page)) : open_block();
    std::vector<std::string> arguments = {action.verb, door.include, content, std::to_string(door.test.size())};
    arguments.insert(arguments.end(), door.test.begin(), door.test.end());
    arguments.insert(arguments.end(), door.reload.begin(), door.reload.end());
    return host::shell(std::string(driver::kOuterEnvironment) + kMove, std::move(arguments));
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto door = door_from(action.args);
    if (!door) return Sight::cannot_tell(door.error().message);
    if (action.verb != "close" && action.verb != "open")
      return Sight::cannot_tell("nginx door: nothing to look at for '" + action.verb + "'");
    const bool closing = action.verb == "close";
    const auto content = host.read(door->include);
    if (!content && content.error().code != Code::kNotFound) return Sight::cannot_tell(content.error().message);
    if (!content) return Sight::does_not_hold(door->include + " does not exist");
    if (is_closed_block(*content) != closing)
      return Sight::does_not_hold(fmt::format("{} holds the {} door", door->include, closing ? "open" : "closed"));
    if (closing && *content != *closed_block(door->page))
      return Sight::does_not_hold(door->include + " holds another maintenance block than the configured one");
    return door->public_url.empty() ? by_configuration(*door, *content, host, stop) : by_answers(*door, closing, stop);
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    return nginx_readiness(offering.subject, host, std::move(stop));
  }

 private:
  static Sight by_answers(const NginxDoor& door, bool closing, std::stop_token stop) {
    Json evidence = {{"url", door.public_url}};
    for (int i = 0; i < kAnswers && !stop.stop_requested(); ++i) {
      const auto answer = os::http({.url = door.public_url, .timeout = Millis(5'000)});
      if (!answer && answer.error().code == Code::kInvalid) return Sight::cannot_tell(answer.error().message);
      if (!answer)
        return Sight::does_not_hold(fmt::format("{} does not answer: {}", door.public_url, answer.error().message),
                                    evidence);
      const auto header = answer->headers.find(std::string(kDoorHeader));
      const bool ours = header != answer->headers.end() && header->second == kDoorClosed;
      evidence["status"] = answer->status;
      evidence["door"] = ours ? "closed" : "open";
      if (closing && !ours)
        return Sight::does_not_hold(fmt::format("{} answers {} without the door's header: users are not outside",
                                                door.public_url, answer->status),
                                    evidence);
      if (closing && answer->status != 503)
        return Sight::does_not_hold(
            fmt::format("{} answers {} behind the closed door, not 503", door.public_url, answer->status), evidence);
      if (!closing && ours)
        return Sight::does_not_hold(door.public_url + " still shows the maintenance page", evidence);
    }
    return Sight::holds(fmt::format("{} {}", door.public_url, closing ? "shows the maintenance page" : "is open"),
                        evidence);
  }

  static Sight by_configuration(const NginxDoor& door, const std::string& content, host::Host& host,
                                std::stop_token stop) {
    const auto loaded = host.read(beside(door.include, "loaded"));
    if (!loaded && loaded.error().code != Code::kNotFound) return Sight::cannot_tell(loaded.error().message);
    if (!loaded || trimmed(*loaded) != sha256_hex(content))
      return Sight::does_not_hold(door.include + " is in place, but nginx was not told to load it");
    const auto tested = host.run({.argv = door.test, .timeout = Millis(20'000)}, stop);
    if (!tested) return Sight::cannot_tell(tested.error().message);
    if (!tested->ok()) return Sight::does_not_hold("nginx does not accept its configuration: " + tested->why_not_ok());
    return Sight::holds(fmt::format(
        "{} is in place and nginx was reloaded; no public_url is configured, so its answer was not looked at",
        door.include));
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_nginx_driver() { return std::make_unique<NginxDriver>(); }

}  // namespace backout::drivers
