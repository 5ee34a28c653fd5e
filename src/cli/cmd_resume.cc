#include "app/acting/session.h"
#include "cli/finish.h"
#include "cli/opened.h"
#include "cli/stage.h"

namespace backout::cli {
namespace {

Result<int> take_up(const Globals& globals, const std::string& run, run::Wish wish) {
  const auto workspace = TRY(open(globals));
  Stage stage(globals);
  return finish(globals, stage, *workspace, TRY(app::take_up(*workspace, RunId(run), wish, stage.acting())));
}

int left_with(const Result<int>& exit) { return exit ? *exit : fail(exit.error()); }

}  // namespace

int resume(const Globals& globals, const std::string& run) {
  const auto exit = take_up(globals, run, run::Wish::kCarryOn);
  if (!exit && exit.error().code == Code::kNotFound && run.empty()) {
    // Nothing unfinished: not an error, so that a script may always say `resume`.
    if (!globals.quiet) std::fprintf(stderr, "backout: %s\n", exit.error().message.c_str());
    return 0;
  }
  return left_with(exit);
}
int abort_run(const Globals& globals, const std::string& run) {
  return left_with(take_up(globals, run, run::Wish::kTurnBack));
}
int retry(const Globals& globals, const std::string& run) {
  return left_with(take_up(globals, run, run::Wish::kTryAgain));
}

}  // namespace backout::cli
