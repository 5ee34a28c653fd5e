#include "cli/verify_view.h"

#include <cstdio>

#include "app/watching/baking.h"
#include "base/text.h"
#include "cli/opened.h"
#include "cli/progress_view.h"

namespace backout::cli {

std::string_view word_of(const app::Look& look) {
  if (look.manual) return "ask";
  switch (look.sight.kind) {
    case SightKind::kHolds: return "holds";
    case SightKind::kDoesNotHold: return "FAILS";
    case SightKind::kCannotTell: return "UNSEEN";
  }
  return "";
}

Json looks_json(const app::Checked& checked) {
  Json looks = Json::array();
  for (const app::Look& each : checked.looks)
    looks.push_back({{"step", each.step},
                     {"host", each.host},
                     {"result", word_of(each)},
                     {"why", each.sight.why},
                     {"evidence", each.sight.evidence}});
  return looks;
}

std::string versions_in_words(const std::map<std::string, std::string>& by_host) {
  std::vector<std::string> parts;
  std::set<std::string> different;
  for (const auto& [host, version] : by_host) {
    parts.push_back(one_line(host + " " + version));
    different.insert(version);
  }
  if (parts.size() < 2) return "";
  return (different.size() > 1 ? "MIXED versions: " : "versions: ") + join(parts, ", ");
}

namespace {

/// "; 1 question to people was not asked (--ask)"
std::string unasked(const app::Checked& checked) {
  const auto open =
      std::count_if(checked.looks.begin(), checked.looks.end(), [](const app::Look& look) { return look.manual; });
  if (open == 0) return "";
  return fmt::format("; {} to people {} not asked (--ask)", counted(open, "question"), open == 1 ? "was" : "were");
}

}  // namespace

Result<int> look_and_tell(const Globals& globals, const app::Workspace& workspace, const LookOptions& options) {
  TerminalAsker asker;
  if (options.ask && !can_ask())
    return Error{Code::kRefused, "nobody can be asked: standard input is not a terminal",
                 "a waiting run is answered with: backout verify --answer STEP yes|no"};
  const bool talk = !globals.json && !globals.quiet;
  const auto show = [&](const app::Look& each) {
    if (talk)
      std::printf("  %-6s %s on %s: %s\n", std::string(word_of(each)).c_str(), each.step.c_str(), each.host.c_str(),
                  one_line(each.manual ? each.title : each.sight.why).c_str());
  };
  const app::Checked checked =
      TRY(app::check_now(workspace, options.version, false, show, options.ask ? &asker : nullptr));
  const app::Baking baking = options.promote ? TRY(app::bake(workspace, checked, options.evidence)) : app::Baking{};
  const int exit = checked.all_hold() ? 0 : 1;
  if (globals.json) {
    Json value = {{"release", checked.version.str()},
                  {"verified", checked.all_hold()},
                  {"versions", checked.versions()},
                  {"looks", looks_json(checked)},
                  {"promoted", baking.promoted ? baking.says : ""},
                  {"bake", baking.says}};
    if (!options.backups.is_null()) value["backups"] = options.backups;
    print_json(std::move(value));
    return exit;
  }
  if (const std::string versions = versions_in_words(checked.versions()); talk && !versions.empty())
    std::printf("  %s\n", versions.c_str());
  if (checked.blind())
    std::fprintf(stderr,
                 "NOT verified: there was nothing to look at, and no data is never good\n  next: add checks to %s\n",
                 workspace.site().file.c_str());
  else if (exit == 0 && talk)
    std::printf("Verified: %s serves, every look held%s.\n", one_line(checked.version.str()).c_str(),
                unasked(checked).c_str());
  else if (exit != 0)
    std::fprintf(stderr, "NOT verified: %s does not serve as it should\n  go back: backout plan\n",
                 one_line(checked.version.str()).c_str());
  if (!baking.says.empty() && talk) std::printf("%s\n", one_line(baking.says).c_str());
  return exit;
}

}  // namespace backout::cli
