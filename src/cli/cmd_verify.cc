#include <cstdio>

#include "app/backup_keeping.h"
#include "app/baking.h"
#include "app/checking.h"
#include "app/ci.h"
#include "app/releasing.h"
#include "app/retention.h"
#include "base/text.h"
#include "cli/opened.h"

namespace backout::cli {
namespace {

std::string_view word(const app::Look& look) {
  if (look.manual) return "ask";
  switch (look.sight.kind) {
    case SightKind::kHolds: return "holds";
    case SightKind::kDoesNotHold: return "FAILS";
    case SightKind::kCannotTell: return "UNSEEN";
  }
  return "";
}

/// The rest of the timer's work: a CI result that was still open, files whose time is over.
Result<void> keep_up(const Globals& globals, const app::Workspace& workspace) {
  const journal::Serving serving = TRY(workspace.journal().serving(workspace.site().id));
  const auto& current = serving.current;
  const bool open = current && (!current->ci || current->ci->state == CiState::kPending);
  if (open) TRY(app::refresh_ci(workspace, *current));
  for (const app::Expired& each : TRY(app::expired(workspace))) {
    if (!globals.json && !globals.quiet)
      std::printf("deletes %s: %s\n", one_line(each.directory).c_str(), one_line(each.says).c_str());
    TRY_VOID(app::expire(workspace, each));
  }
  return {};
}

Result<int> look(const app::Workspace& workspace, const Globals& globals, const std::string& version,
                 const app::Kept* kept) {
  const bool promote = kept != nullptr;
  const Version wanted = version.empty() ? Version() : TRY(app::checked_version(version));
  const bool talk = !globals.json && !globals.quiet;
  const app::Checked checked = TRY(app::check_now(workspace, wanted, false, [&](const app::Look& each) {
    if (talk)
      std::printf("  %-6s %s on %s: %s\n", std::string(word(each)).c_str(), each.step.c_str(), each.host.c_str(),
                  one_line(each.manual ? each.title : each.sight.why).c_str());
  }));
  const app::Baking baking = promote ? TRY(app::bake(workspace, checked)) : app::Baking{};
  if (promote) TRY_VOID(keep_up(globals, workspace));
  const int exit = checked.all_hold() ? 0 : 1;
  if (globals.json) {
    Json looks = Json::array();
    for (const app::Look& each : checked.looks)
      looks.push_back({{"step", each.step},
                       {"host", each.host},
                       {"result", word(each)},
                       {"why", each.sight.why},
                       {"evidence", each.sight.evidence}});
    Json value = {{"release", checked.version.str()},
                  {"verified", checked.all_hold()},
                  {"looks", std::move(looks)},
                  {"promoted", baking.promoted ? baking.says : ""},
                  {"bake", baking.says}};
    if (kept != nullptr) value["backups"] = {{"done", kept->lines}, {"problems", kept->problems}};
    print_json(std::move(value));
    return exit;
  }
  if (checked.blind())
    std::fprintf(stderr,
                 "NOT verified: there was nothing to look at, and no data is never good\n  next: add checks to %s\n",
                 workspace.site().file.c_str());
  else if (exit == 0 && talk)
    std::printf("Verified: %s serves, every look held.\n", one_line(checked.version.str()).c_str());
  else if (exit != 0)
    std::fprintf(stderr, "NOT verified: %s does not serve as it should\n  go back: backout plan\n",
                 one_line(checked.version.str()).c_str());
  if (!baking.says.empty() && talk) std::printf("%s\n", one_line(baking.says).c_str());
  return exit;
}

app::Kept keep_backups(const app::Workspace& workspace, const Globals& globals) {
  const bool talk = !globals.json && !globals.quiet;
  auto kept = app::keep_backups(workspace, [&](const std::string& line) {
    if (talk && globals.verbose) std::printf("    %s\n", one_line(line).c_str());
  });
  if (!kept) {
    app::Kept none;
    none.problems.push_back("backups could not be looked after: " + kept.error().message);
    kept = std::move(none);
  }
  for (const std::string& line : kept->lines)
    if (talk) std::printf("  %s\n", one_line(line).c_str());
  for (const std::string& problem : kept->problems) std::fprintf(stderr, "  ! %s\n", one_line(problem).c_str());
  return std::move(*kept);
}

}  // namespace

int verify(const Globals& globals, const std::string& version) {
  const auto exit = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    return look(*workspace, globals, version, nullptr);
  }();
  return exit ? *exit : fail(exit.error());
}

/// Backups first: they are kept whether or not the release serves.
int tick(const Globals& globals) {
  const auto exit = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    const app::Kept kept = keep_backups(*workspace, globals);
    const auto looked = look(*workspace, globals, "", &kept);
    if (!looked) return fail(looked.error());
    return *looked == 0 && !kept.problems.empty() ? 1 : *looked;
  }();
  return exit ? *exit : fail(exit.error());
}

}  // namespace backout::cli
