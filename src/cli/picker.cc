#include "cli/picker.h"

#include <cstdio>

#include "app/history/candidates.h"
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

/// "v0, junk and 3 more"
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  if (names.size() <= kShown) return join(names, ", ");
  return join({names.begin(), names.begin() + kShown}, ", ") + fmt::format(" and {} more", names.size() - kShown);
}

/// Lists what `rollback VERSION` takes, and says what it would not.
Error nobody_chooses(const std::vector<app::Candidate>& candidates) {
  std::vector<app::Candidate> taken;
  std::vector<std::string> unknown, bad;
  for (const app::Candidate& each : candidates) {
    if (!each.release)
      unknown.push_back(one_line(each.version.str()));
    else if (each.refused)
      bad.push_back(one_line(each.version.str()));
    else
      taken.push_back(each);
  }
  std::fprintf(stderr, "%s", list_of(taken).c_str());
  if (!unknown.empty())
    std::fprintf(stderr,
                 "  left out: %zu that the journal does not know (%s); on a terminal, --pick records the one chosen\n",
                 unknown.size(), some_of(unknown).c_str());
  if (!bad.empty())
    std::fprintf(stderr, "  left out: %zu marked bad (%s); one that is good after all: backout good VERSION\n",
                 bad.size(), some_of(bad).c_str());
  if (taken.empty())
    return {Code::kRefused,
            "there is no release that can be named, and nobody can choose: standard input is not a "
            "terminal",
            "see what there is: backout releases"};
  return {Code::kRefused, "nobody can choose: standard input is not a terminal",
          "name one: backout rollback VERSION --reason \"...\""};
}

}  // namespace

Result<Version> picked(const app::Workspace& workspace) {
  const std::vector<app::Candidate> candidates = TRY(app::candidates(workspace));
  if (candidates.empty())
    return Error{Code::kRefused, "there is no other release to choose", "see what there is: backout releases"};
  if (!can_ask()) return nobody_chooses(candidates);
  const std::string list = list_of(candidates);
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
