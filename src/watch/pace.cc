#include "watch/pace.h"

#include <algorithm>

#include "base/text.h"

namespace backout::watch {

bool Pace::is_due(const Json& position, WallTime now) const {
  const int64_t asked = get_int(position, "asked_ms"), at = to_millis(now);
  // A look that comes a little early counts: else every look at every second would be every second one.
  return asked == 0 || at < asked || at - asked >= every_.count() - 100;
}

Seen Pace::nothing_new(const Json& position) {
  Seen seen;
  seen.position = position;
  seen.blind = get_string(position, "blind");
  return seen;
}

void Pace::asked(Seen& seen, WallTime now) {
  seen.position["asked_ms"] = to_millis(now);
  if (seen.blind.empty())
    seen.position.erase("blind");
  else
    seen.position["blind"] = seen.blind;
}

Seen blind(const Json& position, std::string_view why) {
  Seen seen;
  if (position.is_object()) seen.position = position;
  seen.blind = told(why);
  return seen;
}

bool is_same_release(std::string_view said, std::string_view version) {
  const auto bare = [](std::string_view text) {
    if (text.size() > 1 && (text[0] == 'v' || text[0] == 'V') && text[1] >= '0' && text[1] <= '9')
      text.remove_prefix(1);
    return text;
  };
  said = bare(said), version = bare(version);
  if (said.empty() || version.empty()) return false;
  if (said == version) return true;
  const auto [shorter, longer] = said.size() < version.size() ? std::pair(said, version) : std::pair(version, said);
  return shorter.size() >= 7 && longer.starts_with(shorter) &&
         longer.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

WallTime second_of(WallTime at) { return std::chrono::floor<std::chrono::seconds>(at); }

std::string told(std::string_view untrusted) {
  // one_line() grows text: a bad byte becomes three.
  return shortened(one_line(untrusted.substr(0, 1000)), 297);
}

}  // namespace backout::watch
