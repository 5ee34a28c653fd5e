#include "app/retention/slots.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/retention/kept_databases.h"
#include "base/text.h"

namespace backout::app {
namespace {

bool has_postgresql(const Site& site) { return site.database && site.database->kind == "postgresql"; }

bool names(const Checkpoint& checkpoint, const std::string& slot) {
  return std::any_of(checkpoint.parts.begin(), checkpoint.parts.end(),
                     [&](const Json& part) { return get_string(get(part, "part"), "slot") == slot; });
}

/// Why the time is over in which somebody may ask what was written since a checkpoint; empty: it is not.
std::string over_because(const Checkpoint& checkpoint, const journal::Serving& serving,
                         const std::vector<journal::RunRow>& runs) {
  if (serving.current && serving.current->state == ReleaseState::kGood &&
      serving.current->deployed_at > checkpoint.taken_at)
    return serving.current->version.str() + " is known-good";
  for (const journal::RunRow& run : runs)
    if ((run.kind == RunKind::kRollback || run.kind == RunKind::kForward) && run.changed_at > checkpoint.taken_at &&
        run.state == "done")
      return run.id.str() + " went back";
  return "";
}

std::string due_because(const Workspace& workspace, const Json& slot, const Json& refused,
                        const std::vector<Checkpoint>& checkpoints, const std::vector<journal::RunRow>& runs) {
  const Json& config = workspace.site().database->args;
  if (!refused.empty())
    return "UPDATE and DELETE fail for its publication: " + one_line(refused.front().get<std::string>()) +
           " has lost its primary key";
  if (get_bool(slot, "lost")) return "the server has thrown away what it needs";
  const int64_t held = get_int(slot, "held"), most = get_int(config, "max_wal");
  if (most > 0 && held > most)
    return fmt::format("it holds {} of the server's log, and max_wal is {}",
                       bytes_for_people(static_cast<uint64_t>(held)), bytes_for_people(static_cast<uint64_t>(most)));
  if (std::any_of(runs.begin(), runs.end(), [](const journal::RunRow& run) { return run.open(); })) return "";
  if (get_string(config, "capture") != "slot") return "backout.yaml asks for none";
  if (checkpoints.empty() || !names(checkpoints.front(), get_string(slot, "name")))
    return "the newest checkpoint does not need it";
  const auto serving = workspace.journal().serving(workspace.site().id);
  return serving ? over_because(checkpoints.front(), *serving, runs) : "";
}

}  // namespace

std::vector<DueSlot> slots_due(const Workspace& workspace, const std::vector<Checkpoint>& checkpoints,
                               const std::vector<journal::RunRow>& runs) {
  std::vector<DueSlot> due;
  if (!has_postgresql(workspace.site())) return due;
  const auto seen = ask_server(workspace, "slots", Json::object());
  if (!seen) return due;
  for (const Json& slot : get(*seen, "slots"))
    if (std::string why = due_because(workspace, slot, get(*seen, "refused"), checkpoints, runs); !why.empty())
      due.push_back({get_string(slot, "name"), std::move(why)});
  return due;
}

Result<Json> slot_of_checkpoint(const Workspace& workspace) {
  const Site& site = workspace.site();
  if (!has_postgresql(site) || get_string(site.database->args, "capture") != "slot") return Json();
  const auto checkpoints = TRY(workspace.journal().checkpoints(site.id));
  if (checkpoints.empty()) return Json();
  const Checkpoint& newest = checkpoints.front();
  const auto serving = TRY(workspace.journal().serving(site.id));
  if (!over_because(newest, serving, TRY(workspace.journal().runs(site.id))).empty()) return Json();
  for (const Json& part : newest.parts)
    if (const std::string slot = get_string(get(part, "part"), "slot"); !slot.empty())
      return Json{{"slot", slot}, {"checkpoint", newest.id.str()}, {"since_ms", to_millis(newest.taken_at)}};
  return Json();
}

Result<void> drop_slot(const Workspace& workspace, const std::string& name) {
  TRY(ask_server(workspace, "drop-slots", {{"only", name}}));
  return {};
}

}  // namespace backout::app
