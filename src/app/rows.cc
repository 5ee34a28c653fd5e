#include "app/rows.h"

#include "base/text.h"
#include "database/sqlite/verbs.h"

namespace backout::app {

Json counted_now(const std::vector<Step>& database_steps, const Json& saved) {
  for (const Step& step : database_steps) {
    // A dump cannot be asked: with PostgreSQL prepare counts, when the restored database is there.
    if (step.action.driver != "sqlite" || step.action.verb != "diff") continue;
    Json args = step.action.args;
    args["target"] = get_string(saved, "backup");
    if (get(saved, "archive").is_object()) args["base"] = args["target"];  // restored for the plan, not yet for the run
    for (const char* key : {"result", "refuse_undecided"}) args.erase(key);
    auto counted = database::run_verb("diff", args, {});
    return counted ? std::move(*counted) : Json::object();
  }
  return Json::object();
}

void take_count(const Json& counted, Forecast& forecast) {
  if (get(counted, "rows").is_object()) forecast.rows = get(counted, "rows");
  for (const Json& sentence : get(counted, "not_carried")) forecast.not_carried.push_back(sentence.get<std::string>());
}

void refuse_undecided(const Json& counted, Contract& contract) {
  for (const Json& name : get(counted, "undecided"))
    contract.refusals.push_back(
        fmt::format("{0}: nearly all old rows have another value, probably by the migration and not by users; say in "
                    "backout.yaml what is right, under database.sqlite.tables: '{0}: leave' for the values of the "
                    "checkpoint, '{0}: carry' for those of now",
                    name.get<std::string>()));
}

}  // namespace backout::app
