#include "drivers/command/probe.h"

#include "base/text.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {

std::string last_line(const host::CommandResult& result) {
  for (const std::string* text : {&result.out, &result.err}) {
    const std::string_view said = trimmed(*text);
    if (!said.empty()) return shortened(one_line(trimmed(said.substr(said.rfind('\n') + 1))), 200);
  }
  return "";
}

Sight look_by_probe(const Json& args, std::string_view key, host::Host& host, std::stop_token stop) {
  if (get(args, key).is_null()) return Sight::cannot_tell("no probe is configured");
  const auto command = command_argument(args, key);
  if (!command) return Sight::cannot_tell(command.error().message);
  const auto result = host.run(*command, std::move(stop));
  if (!result) return Sight::cannot_tell("the probe could not be run: " + one_line(result.error().message));
  const std::string said = last_line(*result);
  const std::string words = said.empty() ? "" : ": " + said;
  if (result->ok()) return Sight::holds("the probe says yes" + words);
  if (result->signal == 0 && !result->timed_out && !result->cancelled && result->exit_status == 1)
    return Sight::does_not_hold("the probe says no (exit status 1)" + words);
  return Sight::cannot_tell("the probe gave no answer: " + result->why_not_ok());
}

Sight opposite(Sight sight) {
  if (sight.kind == SightKind::kHolds) {
    sight.kind = SightKind::kDoesNotHold;
  } else if (sight.kind == SightKind::kDoesNotHold) {
    sight.kind = SightKind::kHolds;
  }
  return sight;
}

}  // namespace backout::drivers
