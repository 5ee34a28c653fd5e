#include <cstdio>

#include "app/resolving.h"
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

}  // namespace

int resolve(const Globals& globals, const std::string& release, const app::Cause& given) {
  const auto done = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    app::Cause cause = given;
    if (trimmed(cause.cause).empty() && can_ask() && !globals.json) ask_for(cause, release);
    const app::Resolved resolved = TRY(app::resolve(*workspace, release, cause));
    if (globals.json) {
      Json ids = Json::array();
      for (const Release& each : resolved.releases) ids.push_back(each.id.str());
      print_json({{"release", resolved.version.str()},
                  {"releases", std::move(ids)},
                  {"incident", resolved.incident},
                  {"cause", trimmed(cause.cause)},
                  {"fix", trimmed(cause.fix)},
                  {"missed", trimmed(cause.missed)},
                  {"prevent", trimmed(cause.prevent)}});
      return 0;
    }
    if (globals.quiet) return 0;
    std::printf("%s: its cause is recorded%s; it may be deployed again\n", one_line(resolved.version.str()).c_str(),
                resolved.incident.empty() ? "" : (" with " + resolved.incident).c_str());
    if (trimmed(cause.missed).empty()) std::printf("  still open: why did testing not catch it? (--missed)\n");
    if (trimmed(cause.prevent).empty()) std::printf("  still open: what will catch it next time? (--prevent)\n");
    return 0;
  }();
  return done ? *done : fail(done.error());
}

}  // namespace backout::cli
