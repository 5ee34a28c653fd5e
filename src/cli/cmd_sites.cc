#include <unistd.h>

#include <cstdio>

#include "app/history/sites.h"
#include "base/text.h"
#include "cli/moments.h"
#include "cli/opened.h"
#include "cli/terminal.h"

namespace backout::cli {
namespace {

constexpr size_t kWidth = 80;  // where it is not a terminal

std::string now_of(const app::SiteLine& line) {
  if (!line.current) return "not known";
  return one_line(line.current->version.str()) + " " + std::string(name_of(line.current->state));
}

/// The known-good version, and when one such served last.
std::string good_of(const app::SiteLine& line, WallTime now) {
  if (!line.known_good) return "none";
  std::string text = one_line(line.known_good->version.str());
  if (line.last_good) text += *line.last_good == now ? " now" : " " + day_of(*line.last_good, now);
  return text;
}

std::string rollback_of(const app::SiteLine& line, WallTime now) {
  if (!line.rollback) return "-";
  const journal::RunRow& run = line.rollback->run;
  return fmt::format("{} {} -> {} {}", day_of(run.started_at, now), one_line(run.from.str()), one_line(run.to.str()),
                     run.state);
}

/// What somebody must still do about a site.
std::vector<std::string> open_of(const app::SiteLine& line) {
  std::vector<std::string> open;
  if (line.unfinished) {
    const journal::RunRow& run = *line.unfinished;
    open.push_back(fmt::format("unfinished: {} {} {} -> {}: {}",
                               run.incident.empty() ? run.id.str() : run.incident.str(), name_of(run.kind),
                               one_line(run.from.str()), one_line(run.to.str()), one_line(run.why)));
  }
  std::set<std::string> told;
  for (const journal::RollbackRow& rollback : line.unresolved)
    if (told.insert(rollback.run.from.str()).second)
      open.push_back(fmt::format("open: {}: why {} failed is not recorded", rollback.run.incident.str(),
                                 one_line(rollback.run.from.str())));
  return open;
}

size_t width_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  size_t sum = widths.empty() ? 0 : 2 * (widths.size() - 1);
  for (const size_t width : widths) sum += width;
  return sum;
}

/// A table where it fits, else a paragraph for each site.
std::string matrix_view(const std::vector<app::SiteLine>& lines, WallTime now, size_t width) {
  static const std::vector<std::string> kTitles = {"site", "now", "known-good", "last rollback"};
  std::vector<std::vector<std::string>> rows{kTitles};
  for (const app::SiteLine& line : lines)
    rows.push_back({one_line(line.site.str()), now_of(line), good_of(line, now), rollback_of(line, now)});
  const bool fits = width_of(rows) <= width;
  std::vector<size_t> widths(kTitles.size(), 0);
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  std::string text;
  const auto say = [&](const std::string& words) { text += cut_to(words, width) + "\n"; };
  for (size_t at = fits ? 0 : 1; at < rows.size(); ++at) {
    if (fits) {
      std::string row;
      for (size_t i = 0; i < rows[at].size(); ++i)
        row += i + 1 == rows[at].size() ? rows[at][i] : padded(rows[at][i], widths[i] + 2);
      say(row);
    } else {
      say(rows[at][0]);
      for (size_t i = 1; i < kTitles.size(); ++i) say("  " + padded(kTitles[i], 15) + rows[at][i]);
    }
    if (at == 0) continue;
    for (const std::string& open : open_of(lines[at - 1]))
      for (const std::string& piece : wrapped(open, width > 4 ? width - 4 : 1)) say("  ! " + piece);
  }
  return text;
}

}  // namespace

int sites(const Globals& globals) {
  const auto shown = [&]() -> Result<int> {
    const auto journal = TRY(app::journal_at(globals.where));
    const WallTime now = system_clock().wall();
    const std::vector<app::SiteLine> lines = TRY(app::site_matrix(*journal, now));
    if (globals.json) {
      Json list = Json::array();
      for (const app::SiteLine& line : lines) list.push_back(app::to_json(line));
      print_json({{"state_directory", journal->directory()}, {"sites", std::move(list)}});
      return 0;
    }
    if (lines.empty())
      std::printf("no site is recorded in %s yet\n  next: backout record VERSION\n",
                  one_line(journal->directory()).c_str());
    if (!lines.empty())
      std::printf("%s",
                  matrix_view(lines, now, isatty(STDOUT_FILENO) != 0 ? columns_of(STDOUT_FILENO) : kWidth).c_str());
    return 0;
  }();
  return shown ? *shown : fail(shown.error());
}

}  // namespace backout::cli
