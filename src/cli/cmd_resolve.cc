#include <cstdio>

#include "app/history/resolving.h"
#include "app/watching/auto_deploys.h"
#include "base/text.h"
#include "cli/opened.h"
#include "cli/progress_view.h"

namespace backout::cli {
namespace {

/// The root-cause questions, one after the other; an empty answer is none.
void ask_for(app::Cause& cause, const std::string& release) {
  struct Question {
    const char* words;
    std::string* answer;
  };
  std::printf("Before %s goes out again (an empty line leaves a question open):\n", one_line(release).c_str());
  for (const Question& question :
       {Question{"What failed, and why?", &cause.cause}, Question{"What was done about it?", &cause.fix},
        Question{"Why did testing not catch it?", &cause.missed},
        Question{"What will catch it, or prevent it, next time?", &cause.prevent}})
    if (question.answer->empty())
      if (const auto words = typed_line(std::string("  ") + question.words)) *question.answer = *words;
}

Json deploys_json(const app::ResumedDeploys& resumed) {
  Json list = Json::array();
  for (const app::ResumedDeploy& each : resumed.deploys)
    list.push_back({{"step", each.step}, {"host", each.host}, {"resumed", each.done}, {"why", each.why}});
  return list;
}

void print_deploys(const app::ResumedDeploys& resumed) {
  for (const app::ResumedDeploy& each : resumed.deploys)
    if (each.done)
      std::printf("  %s\n", each.why.c_str());
    else
      std::printf("  DOES NOT GO ON: %s on %s: %s\n", each.step.c_str(), each.host.c_str(), each.why.c_str());
  if (!resumed.waits_for.empty())
    std::printf("  what deploys by itself stays paused until %s is resolved, too\n",
                one_line(resumed.waits_for).c_str());
}

}  // namespace

int resolve(const Globals& globals, const std::string& release, const app::Cause& given) {
  const auto done = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    app::Cause cause = given;
    if (trimmed(cause.cause).empty() && can_ask() && !globals.json) ask_for(cause, release);
    const app::Resolved resolved = TRY(app::resolve(*workspace, release, cause));
    const app::ResumedDeploys resumed = TRY(app::resume_deploys(*workspace));
    const bool all_go_on =
        std::all_of(resumed.deploys.begin(), resumed.deploys.end(), [](const auto& each) { return each.done; });
    const int exit = all_go_on ? 0 : 5;
    if (globals.json) {
      Json ids = Json::array();
      for (const Release& each : resolved.releases) ids.push_back(each.id.str());
      Json value = {{"release", resolved.version.str()}, {"releases", std::move(ids)},
                    {"incident", resolved.incident},     {"cause", trimmed(cause.cause)},
                    {"fix", trimmed(cause.fix)},         {"missed", trimmed(cause.missed)},
                    {"prevent", trimmed(cause.prevent)}};
      if (!resumed.deploys.empty()) value["auto_deploys"] = deploys_json(resumed);
      if (!resumed.waits_for.empty()) value["stay_paused_for"] = resumed.waits_for;
      print_json(std::move(value));
      return exit;
    }
    if (!all_go_on)
      std::fprintf(stderr,
                   "backout: something that deploys by itself could not be let go on; then again: backout resolve %s\n",
                   one_line(resolved.version.str()).c_str());
    if (globals.quiet) return exit;
    std::printf("%s: its cause is recorded%s; it may be deployed again\n", one_line(resolved.version.str()).c_str(),
                resolved.incident.empty() ? "" : (" with " + resolved.incident).c_str());
    if (trimmed(cause.missed).empty()) std::printf("  still open: why did testing not catch it? (--missed)\n");
    if (trimmed(cause.prevent).empty()) std::printf("  still open: what will catch it next time? (--prevent)\n");
    print_deploys(resumed);
    return exit;
  }();
  return done ? *done : fail(done.error());
}

}  // namespace backout::cli
