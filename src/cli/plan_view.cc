#include "cli/plan_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/history/ci.h"
#include "base/text.h"
#include "cli/terminal.h"

namespace backout::cli {
namespace {

std::string part_line(std::string_view part, const Plan& plan) {
  if (part == "prepare") return "  prepare   the site keeps running; can be abandoned freely\n";
  if (part == "cutover" && plan.forecast.outage <= Millis(0)) return "  cutover   under traffic, no door\n";
  if (part == "cutover") {
    const std::vector<Step>& steps = plan.contract.steps;
    const bool opens =
        std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.phase == Phase::kOpen; });
    return opens ? "  cutover   users are outside until the door opens\n"
                 : "  cutover   users are outside until the services run again: there is no door\n";
  }
  return "  settle    the new state serves\n";
}

std::string step_line(size_t number, const Step& step, const Forecast& forecast, size_t name_width) {
  const auto span = forecast.per_step.find(step.id.str());
  std::string line = fmt::format("  {:3}  {}  {}", number, padded(step.id.str(), name_width), one_line(step.title));
  if (!step.hosts.empty() && step.hosts != std::vector<std::string>{"local"}) line += "  on " + join(step.hosts, ", ");
  if (span != forecast.per_step.end() && span->second > Millis(0)) line += "   " + for_people(span->second);
  if (step.phase == Phase::kOpen) return line + "   from here on, going back is a new plan\n";
  if (step.undo) line += "   undo: " + step.undo->verb;
  return line + "\n";
}

std::string database_line(const Contract& contract) {
  const std::string why = one_line(contract.database_why);
  if (contract.database_rung == "restore")
    return "  + database  is restored beside, rows are carried over, then it is swapped in, because " + why + "\n";
  if (contract.database_rung == "step-down")
    return "  + database  is stepped down: the release's migrations are undone on a copy, which is swapped in, "
           "because " +
           why + "\n";
  if (contract.database_rung == "leave") return "  ~ database  is left alone: " + why + "\n";
  return "  ~ database  " + why + "\n";
}

/// "    rows of orders: 12 inserted, 3 changed, 1 deleted (compared with the checkpoint's copy, row by row)"
std::string rows_lines(const Forecast& forecast) {
  std::string text;
  for (const auto& [table, how] : forecast.counted.items()) {
    const Json& counts = get(forecast.rows, table);
    if (!counts.is_object() && get_string(how, "how") != "unknown") continue;
    text += "    rows of " + one_line(table) + ": ";
    if (counts.is_object())
      text += fmt::format("{}{} inserted, {} changed, {} deleted", get_bool(how, "exact", true) ? "" : "about ",
                          get_int(counts, "insert"), get_int(counts, "update"), get_int(counts, "delete"));
    else
      text += "not counted";
    text += " (" + one_line(get_string(how, "why")) + ")\n";
  }
  if (!forecast.not_counted.empty()) text += "    rows not counted: " + one_line(forecast.not_counted) + "\n";
  return text;
}

/// What CI says of the target; a rollback to one that never passed opens an incident of its own.
std::string ci_lines(const Plan& plan) {
  if (!plan.forecast.ci) return "";
  const Contract& contract = plan.contract;
  if (!app::never_passed(*plan.forecast.ci))
    return fmt::format("  ~ target  {}  {}\n", one_line(contract.to.str()), app::ci_words(*plan.forecast.ci));
  std::string text = fmt::format("  ! target  {}\n", one_line(app::never_passed_words(contract.to, *plan.forecast.ci)));
  if (contract.kind == RunKind::kRollback) text += "    going back to it opens an incident of its own\n";
  return text;
}

}  // namespace

std::string view_of(const Forecast& forecast) {
  return fmt::format("about {}, outage about {}", for_people(forecast.total), for_people(forecast.outage));
}

std::string rows_view(const Forecast& forecast) {
  if (forecast.rows.empty() && forecast.counted.empty())
    return forecast.not_counted.empty() ? "" : "rows to carry over not counted";
  int64_t rows = 0, tables = 0, unknown = 0;
  for (const auto& [table, counts] : forecast.rows.items()) {
    int64_t here = 0;
    for (const auto& [kind, count] : counts.items())
      if (count.is_number()) here += count.get<int64_t>();
    rows += here;
    if (here > 0) ++tables;
  }
  bool exact = true;
  for (const auto& [table, how] : forecast.counted.items()) {
    exact = exact && get_bool(how, "exact", true);
    if (get_string(how, "how") == "unknown") ++unknown;
  }
  std::string text =
      fmt::format("{}{} in {} to carry over", exact ? "" : "about ", counted(rows, "row"), counted(tables, "table"));
  return unknown == 0 ? text : text + ", " + counted(unknown, "table") + " not counted";
}

std::string view_of(const Plan& plan) {
  const Contract& contract = plan.contract;
  std::string text = fmt::format("Plan {}  {}  {} -> {}       {}", plan.id, contract.site.str(),
                                 one_line(contract.from.str()), one_line(contract.to.str()), view_of(plan.forecast));
  if (const std::string rows = rows_view(plan.forecast); !rows.empty()) text += ", " + rows;
  text += fmt::format("\n                (times: {})\n\n", plan.forecast.source);
  size_t name_width = 12;
  for (const Step& step : contract.steps) name_width = std::max(name_width, display_width(step.id.str()));
  std::string part;
  size_t number = 0;
  for (const Step& step : contract.steps) {
    if (part != part_of(step.phase)) {
      part = part_of(step.phase);
      text += part_line(part, plan);
    }
    text += step_line(++number, step, plan.forecast, name_width);
  }
  text += "\n" + database_line(contract);
  for (const std::string& line : plan.forecast.downs)
    text += (line.starts_with("- ") ? "          " + one_line(line.substr(2)) : "    down " + one_line(line)) + "\n";
  text += rows_lines(plan.forecast);
  for (const std::string& sentence : plan.forecast.not_carried) text += "    ! " + one_line(sentence) + "\n";
  for (const std::string& sentence : plan.forecast.put_aside)
    text += (sentence.starts_with("- ") ? "      " : "  ! code  ") + one_line(sentence) + "\n";
  text += ci_lines(plan);
  text += fmt::format("  - {}  is kept\n", one_line(contract.from.str()));
  if (!plan.forecast.next_time.empty())
    text += fmt::format("  before {} serves again (docs/releases.md):\n", one_line(contract.to.str()));
  for (const Condition& each : plan.forecast.next_time)
    text += fmt::format("    [{}] {}\n", each.met ? "x" : " ", one_line(each.what));
  if (contract.refusals.empty()) {
    text += fmt::format("  Nothing has been changed. Run exactly this: backout rollback --plan {} --reason \"...\"\n",
                        plan.id);
  } else {
    text += "  This plan may not be run:\n";
    for (const std::string& refusal : contract.refusals) text += "    " + one_line(refusal) + "\n";
  }
  return text;
}

}  // namespace backout::cli
