#include "database/postgresql/verbs.h"

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/apply_rows.h"
#include "database/postgresql/backup.h"
#include "database/postgresql/export_rows.h"
#include "database/postgresql/keep.h"
#include "database/postgresql/load.h"
#include "database/postgresql/observe.h"
#include "database/postgresql/ready.h"
#include "database/postgresql/recover.h"
#include "database/postgresql/rescue.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/sessions.h"
#include "database/postgresql/slot.h"
#include "database/postgresql/slot_count.h"
#include "database/postgresql/step_down_verbs.h"
#include "database/postgresql/swap_verbs.h"
#include "database/postgresql/try_sql.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

Result<Json> look_at_schema(const Json& args) {
  auto connection = TRY(Connection::open(TRY(server_of(args)), TRY(need(args, "database"))));
  const Json seen = TRY(schema_of(connection));
  const bool same = get_string(seen, "schema_hash") == TRY(need(args, "schema_hash"));
  return sight(same,
               same ? "the database has the schema of the checkpoint"
                    : "the database does not have the schema of the checkpoint",
               {{"schema_hash", get(seen, "schema_hash")}});
}

Result<Json> look_at_counted(const Json& args) {
  const auto text = os::read_file(TRY(need_path(args, "result")));
  const auto parsed = text ? parse_json(*text) : Result<Json>(text.error());
  if (!parsed) return sight(false, parsed.error().message);
  return sight(true, "counted", *parsed);
}

/// Its record is the last thing that a rescue writes, when everything is carried and proved.
Result<Json> look_at_rescued(const Json& args) {
  const auto text = os::read_file(TRY(need_path(args, "record")));
  const auto record = text ? parse_json(*text) : Result<Json>(text.error());
  if (!record) return sight(false, record.error().message);
  auto maintenance = TRY(Connection::open(TRY(server_of(args)), get_string(args, "maintenance", "postgres")));
  const auto target = TRY(find_database(maintenance, TRY(need(args, "target"))));
  if (!target || target->oid != get_int(*record, "target_oid"))
    return sight(false, "the database that rows were carried into is not there any more");
  return sight(true, "the rows were carried and compared", get(*record, "evidence"));
}

constexpr driver::ToolVerb kVerbs[] = {
    {"backup", run_backup},
    {"verify-backup", run_verify_backup},
    {"restore", run_restore},
    {"diff", diff_rows},
    {"count", count_rows},
    {"export", export_rows},
    {"apply", apply_rows},
    {"kept", [](const Json& args, const driver::Progress&) { return list_kept(args); }},
    {"rescue", rescue_rows},
    {"try-down", run_try_down},
    {"step-down", run_step_down},
    {"swap", run_swap},
    {"swap-back", run_swap_back},
    {"keep", [](const Json& args, const driver::Progress&) { return keep(args); }},
    {"discard", run_discard},
    {"try-sql", run_try_sql},
    {"load", run_load},
    {"recover", run_recover},
    {"prove-point", run_prove_point},
    {"discard-side", run_discard_side},
    {"slots", run_slots},
    {"drop-slots", run_drop_slots},
    {"read-slot", run_read_slot},
    {"discard-tests", run_discard_tests},
    {"observe", [](const Json& args, const driver::Progress&) { return observe(args); }},
    {"ready", [](const Json& args, const driver::Progress&) { return look_at_readiness(args); }},
    {"look", [](const Json& args, const driver::Progress&) -> Result<Json> {
       return look_at(TRY(need(args, "verb")), get(args, "args"));
     }}};

struct Look {
  std::string_view verb;
  Result<Json> (*look)(const Json& args);
};
constexpr Look kLooks[] = {{"backup", look_at_backup},
                           {"verify-backup", look_at_verified},
                           {"restore", look_at_restored},
                           {"diff", look_at_counted},
                           {"rescue", look_at_rescued},
                           {"try-down", look_at_tried},
                           {"step-down", look_at_stepped_down},
                           {"stepped-down", look_at_live_stepped_down},
                           {"swap", [](const Json& args) { return look_at_swap_verb(args, true); }},
                           {"swap-back", [](const Json& args) { return look_at_swap_verb(args, false); }},
                           {"keep", look_at_kept},
                           {"discard", look_at_discarded},
                           {"load", look_at_load},
                           {"recover", look_at_recovered},
                           {"prove-point", look_at_proved_point},
                           {"discard-side", look_at_discarded_side},
                           {"drop-slots", look_at_slots_dropped},
                           {"schema-is", look_at_schema}};

}  // namespace

Result<Json> run_verb(const std::string& verb, const Json& args, const driver::Progress& progress) {
  for (const driver::ToolVerb& entry : kVerbs)
    if (entry.name == verb) return entry.run(args, progress).with_context(verb);
  std::vector<std::string> names;
  for (const driver::ToolVerb& entry : kVerbs) names.emplace_back(entry.name);
  return Error{Code::kInvalid, "there is no verb '" + verb + "'", "verbs: " + join(names, ", ")};
}

Result<Json> look_at(const std::string& verb, const Json& args) {
  for (const Look& entry : kLooks)
    if (entry.verb == verb) return entry.look(args);
  return Error{Code::kInvalid, "there is nothing to look at for '" + verb + "'", ""};
}

int run_postgresql_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  return driver::run_tool(args, in, out, err, &run_verb);
}

}  // namespace backout::postgresql
