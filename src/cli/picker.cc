#include "cli/picker.h"

#include <cstdio>

#include "app/candidates.h"
#include "base/text.h"
#include "cli/progress_view.h"
#include "cli/release_words.h"
#include "cli/terminal.h"

namespace backout::cli {
namespace {

std::string list_of(const std::vector<app::Candidate>& candidates) {
  const WallTime now = system_clock().wall();
  size_t width = 8;
  for (const app::Candidate& each : candidates) width = std::max(width, display_width(each.version.str()));
  std::string text;
  for (size_t i = 0; i < candidates.size(); ++i)
    text += fmt::format("  {:>3}  {}  {}\n", candidates[i].refused ? "-" : std::to_string(i + 1),
                        padded(one_line(candidates[i].version.str()), width), words_of(candidates[i], now));
  return text;
}

}  // namespace

Result<Version> picked(const app::Workspace& workspace) {
  const std::vector<app::Candidate> candidates = TRY(app::candidates(workspace));
  if (candidates.empty())
    return Error{Code::kRefused, "there is no other release to choose", "see what there is: backout releases"};
  const std::string list = list_of(candidates);
  if (!can_ask()) {
    std::fprintf(stderr, "%s", list.c_str());
    return Error{Code::kRefused, "nobody can choose: standard input is not a terminal",
                 "name one: backout rollback VERSION --reason \"...\""};
  }
  std::printf("Where to?\n%s", list.c_str());
  const std::string typed = TRY(typed_line(fmt::format("Number (1-{}), or nothing to leave it:", candidates.size())));
  const bool number = !typed.empty() && typed.size() < 4 && typed.find_first_not_of("0123456789") == std::string::npos;
  const size_t chosen = number ? static_cast<size_t>(std::stoi(typed)) : 0;
  if (chosen < 1 || chosen > candidates.size())
    return Error{Code::kRefused,
                 typed.empty() ? "nothing was chosen; nothing was begun"
                               : "'" + one_line(typed) + "' is none of them; nothing was begun",
                 ""};
  const app::Candidate& candidate = candidates[chosen - 1];
  if (!candidate.release) TRY_VOID(app::record_found(workspace, candidate));
  return candidate.version;
}

}  // namespace backout::cli
