#include "drivers/services/unit_state.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace backout::drivers {
namespace {

std::string field(const Look& look, const std::string& key) {
  const auto found = look.unit.find(key);
  return found == look.unit.end() ? "" : one_line(found->second);
}

int64_t number_field(const Look& look, const std::string& key) {
  const std::string text = field(look, key);
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string claimed(const UnitState& state) {
  std::string text = fmt::format("{} ({})", state.active, state.sub);
  if (!state.result.empty() && state.result != "success") text += ", result " + state.result;
  if (state.restarts > 0) text += fmt::format(", restarted {} by systemd", counted(state.restarts, "time"));
  return text;
}

}  // namespace

UnitState unit_state(const Look& look) {
  return {.load = field(look, "LoadState"),
          .active = field(look, "ActiveState"),
          .sub = field(look, "SubState"),
          .result = field(look, "Result"),
          .invocation = field(look, "InvocationID"),
          .main_pid = number_field(look, "MainPID"),
          .restarts = number_field(look, "NRestarts"),
          .needs_reload = field(look, "NeedDaemonReload") == "yes",
          .job = number_field(look, "Job")};
}

std::optional<std::string> why_not_active(const std::string& name, const UnitState& state) {
  if (state.load == "not-found") return fmt::format("there is no unit for {}", name);
  if (state.load != "loaded") return fmt::format("the unit of {} is {}", name, state.load);
  if (state.active == "activating" && state.sub == "auto-restart")
    return fmt::format("{} crashes and is restarted by systemd in a circle: {}", name, claimed(state));
  if (state.active != "active") return fmt::format("{} is {}", name, claimed(state));
  if (state.sub == "exited") return fmt::format("{} is active, but its process has exited", name);
  return std::nullopt;
}

std::optional<std::string> why_not_inactive(const std::string& name, const UnitState& state) {
  if (state.load == "not-found") return fmt::format("there is no unit for {}", name);
  if (state.active == "inactive" || state.active == "failed") return std::nullopt;
  return fmt::format("{} is {}", name, claimed(state));
}

}  // namespace backout::drivers
