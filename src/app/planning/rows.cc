#include "app/planning/rows.h"

#include "base/text.h"
#include "database/sqlite/verbs.h"
#include "driver/tool.h"

namespace backout::app {
namespace {

Result<Json> count_sqlite(Json args, const Json& saved) {
  args["target"] = get_string(saved, "backup");
  if (get(saved, "archive").is_object()) args["base"] = args["target"];  // restored for the plan, not yet for the run
  for (const char* key : {"result", "refuse_undecided"}) args.erase(key);
  return database::run_verb("diff", args, {});
}

/// On the live database and the checkpoint's files: nothing is restored for a plan.
Result<Json> count_postgresql(const Workspace& workspace, const Step& step, const Json& saved, Millis limit) {
  if (!get(saved, "manifest").is_string())
    return Error{Code::kUnsupported, "the kept database cannot be asked without opening it; prepare counts", ""};
  Action action = step.action;
  action.verb = "count";
  for (const char* key : {"backup", "manifest", "manifest_sha256"}) action.args[key] = get_string(saved, key);
  for (const char* key : {"result", "refuse_undecided", "target", "known"}) action.args.erase(key);
  action.args["limit_ms"] = limit.count();
  host::Host& host = *workspace.hosts().at(step.hosts.empty() ? "local" : step.hosts.front());
  const driver::Driver* driver = TRY(workspace.registry().find(action.driver));
  return driver::ask_tool(host, TRY(driver->command(action, host)), {});
}

}  // namespace

Json counted_now(const Workspace& workspace, const std::vector<Step>& database_steps, const Json& saved, Millis limit) {
  for (const Step& step : database_steps) {
    if (step.action.verb != "diff") continue;
    auto counted = step.action.driver == "sqlite" ? count_sqlite(step.action.args, saved)
                                                  : count_postgresql(workspace, step, saved, limit);
    if (!counted) return {{"failed", counted.error().message}};
    return *std::move(counted);
  }
  return Json::object();
}

void take_count(const Json& counted, Forecast& forecast) {
  if (get(counted, "rows").is_object()) forecast.rows = get(counted, "rows");
  for (const char* list : {"changes", "not_carried"})
    for (const Json& sentence : get(counted, list)) forecast.not_carried.push_back(sentence.get<std::string>());
  for (const auto& [table, how] : get(counted, "compared").items())
    if (forecast.rows.contains(table) || (!get_bool(how, "exact", true) && !get(counted, "left").contains(table)))
      forecast.counted[table] = how;
  for (const auto& [table, counts] : forecast.rows.items())
    if (!forecast.counted.contains(table))
      forecast.counted[table] = {
          {"how", "merge"}, {"why", "compared with the checkpoint's copy, row by row"}, {"exact", true}};
  forecast.not_counted = get_string(counted, "failed");
}

void refuse_undecided(const Json& counted, const std::string& database, Contract& contract) {
  for (const Json& name : get(counted, "undecided"))
    contract.refusals.push_back(
        fmt::format("{0}: nearly all old rows have another value, probably by the migration and not by users; say in "
                    "backout.yaml what is right, under database.{1}.tables: '{0}: leave' for the values of the "
                    "checkpoint, '{0}: carry' for those of now",
                    name.get<std::string>(), database));
}

}  // namespace backout::app
