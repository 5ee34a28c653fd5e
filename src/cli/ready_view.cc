#include "cli/ready_view.h"

#include <fmt/format.h>

#include "app/history/ci.h"
#include "base/text.h"
#include "cli/plan_view.h"

namespace backout::cli {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string release_line(const Release& release, WallTime now) {
  std::string line = one_line(release.version.str());
  if (to_millis(release.deployed_at) != 0) line += ", deployed " + relative(release.deployed_at, now);
  if (!release.deployed_by.empty()) line += " by " + one_line(release.deployed_by);
  const bool watching = release.state == ReleaseState::kWatching;
  return line + ", " + (watching ? "not yet known-good" : std::string(name_of(release.state)));
}

std::string target_line(const Release& release, WallTime now) {
  std::string line = one_line(release.version.str());
  if (to_millis(release.state_since) != 0) line += ", marked known-good " + relative(release.state_since, now);
  if (!release.commit.empty()) line += ", commit " + one_line(release.commit).substr(0, 12);
  return line;
}

/// "2.1 GB, taken 12 min ago, restored and matched its manifest at 13:04:22"
std::string backup_line(const app::ReadyAnswer& answer, const Finding& backup) {
  if (backup.severity == Severity::kRed || !answer.checkpoint) return one_line(backup.what);
  std::string line = bytes_for_people(static_cast<uint64_t>(get_int(backup.evidence, "size"))) + ", taken " +
                     relative(answer.checkpoint->taken_at, answer.at);
  const std::string proved = get_string(backup.evidence, "proved_at");
  return line + (proved.empty() ? ", never restored" : ", restored and matched its manifest at " + one_line(proved));
}

std::string database_line(const Plan& plan) {
  const std::string why = one_line(plan.contract.database_why);
  const std::string rows = rows_view(plan.forecast);
  if (plan.contract.database_rung == "leave") return "compatible, is left alone: " + why;
  if (plan.contract.database_rung == "step-down") return "is stepped down, because " + why;
  if (plan.contract.database_rung == "restore")
    return "is restored, because " + why + (rows.empty() ? "" : "; " + rows);
  return why;
}

std::string time_line(const Forecast& forecast) {
  const std::string spans = "about " + for_people(forecast.total) + ", outage about " + for_people(forecast.outage);
  if (!app::measured(forecast)) return spans + " (a guess: not measured yet, go back once in a rehearsal)";
  return spans + " (" + forecast.source + ")";
}

Pairs facts_of(const app::ReadyAnswer& answer) {
  Pairs pairs;
  pairs.emplace_back("now", answer.current ? release_line(*answer.current, answer.at) : "not known to the journal");
  std::string target = answer.target ? target_line(*answer.target, answer.at) : "none";
  if (answer.plan && answer.plan->forecast.ci) target += ", " + one_line(app::ci_words(*answer.plan->forecast.ci));
  pairs.emplace_back("target", std::move(target));
  if (answer.plan) pairs.emplace_back("database", database_line(*answer.plan));
  if (const Finding* backup = app::backup_of(answer)) pairs.emplace_back("backup", backup_line(answer, *backup));
  if (answer.plan) pairs.emplace_back("time", time_line(answer.plan->forecast));
  for (const std::string& what : answer.not_built)  // "people: nobody is called"
    if (what.starts_with("people: ")) pairs.emplace_back("people", "not built yet: " + one_line(what.substr(8)));
  return pairs;
}

std::string place_of(const Finding& finding) {
  return finding.host.empty() || finding.host == "local" ? "" : one_line(finding.host) + ": ";
}

/// "  red   web-2: ... (room)" and, below it, what to do next.
std::string to_mend(const Finding& finding, const Style& style, size_t columns) {
  const bool red = finding.severity == Severity::kRed;
  std::string text;
  std::string mark = style.in(red ? Tone::kBad : Tone::kWarning, red ? "red " : "warn");
  for (const std::string& line :
       wrapped(fmt::format("{}{} ({})", place_of(finding), one_line(finding.what), finding.id), columns - 8)) {
    text += "  " + mark + "  " + line + "\n";
    mark = "    ";
  }
  std::string next = "next: ";
  for (const std::string& line : wrapped(one_line(finding.next), columns - 14)) {
    text += "        " + next + line + "\n";
    next = "      ";
  }
  return text;
}

}  // namespace

std::string view_of(const app::ReadyAnswer& answer, const Style& style, size_t columns, bool verbose) {
  const size_t width = std::max<size_t>(columns, 40);
  std::string text = style.in(answer.ready() ? Tone::kGood : Tone::kBad, answer.site.str() + " " + answer.says() + ".");
  text += fmt::format("   checked {}, took {}\n\n", to_hms(answer.at), for_people(answer.took));
  text += key_values(facts_of(answer), width);
  const auto red = answer.of(Severity::kRed), warnings = answer.of(Severity::kWarning);
  if (!red.empty() || !warnings.empty()) {
    const auto count = std::ssize(red) + std::ssize(warnings);
    text += fmt::format("\n{} to mend:\n", count == 1 ? "1 thing" : fmt::format("{} things", count));
    for (const Finding* finding : red) text += to_mend(*finding, style, width);
    for (const Finding* finding : warnings) text += to_mend(*finding, style, width);
  }
  if (!verbose) return text;
  text += "\nlooked at:\n";
  for (const Finding* finding : answer.of(Severity::kOk))
    text += fmt::format("  ok    {}{}{} ({})\n", place_of(*finding),
                        finding->about.empty() ? "" : one_line(finding->about) + ": ", one_line(finding->what),
                        finding->id);
  return text;
}

}  // namespace backout::cli
