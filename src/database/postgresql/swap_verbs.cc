#include "database/postgresql/swap_verbs.h"

#include "base/text.h"
#include "database/postgresql/create.h"
#include "database/postgresql/marks.h"
#include "database/postgresql/observe.h"
#include "database/postgresql/pooler.h"
#include "database/postgresql/rescue.h"
#include "database/postgresql/row_sequences.h"
#include "database/postgresql/sessions.h"
#include "database/postgresql/slot.h"
#include "database/postgresql/step_down_verbs.h"
#include "database/postgresql/swap.h"
#include "database/postgresql/verb_args.h"
#include "os/file.h"
#include "schema/postgresql/renames.h"

namespace backout::postgresql {
namespace {

/// What the rescue saw each table's counters at, when its snapshot was taken.
Result<Json> marks_then(const Json& rescue) {
  const std::string path = TRY(need_path(rescue, "record"));
  const Json written = TRY(parse_json(TRY(os::read_file(path))).with_context(path));
  return get(written, "marks");
}

/// Tables by the names that a carry knows them by: those of the restored database.
std::set<std::string> as_carried(const std::set<std::string>& moved, const Json& renamed) {
  const auto plain = [](const std::string& name) {
    return name.starts_with("public.") ? name.substr(std::string_view("public.").size()) : name;
  };
  std::set<std::string> names = moved;
  for (const auto& [before, now] : schema::postgresql::renames_from_json(renamed))
    if (moved.contains(plain(now.table))) names.insert(plain(before));
  return names;
}

/// The catalogue of what is going to be replaced, for the way forward: nobody can read it once it is closed.
Result<void> keep_catalog(const Json& args, const Server& server) {
  auto live = TRY(Connection::open(server, TRY(need(args, "database"))));
  const Json schema = TRY(schema_of(live));
  return os::write_file_atomic(TRY(need_path(args, "catalog")), canonical(schema) + "\n", 0600);
}

/// Arguments of another verb, for the same database.
Json with_server(Json inner, const Json& args) {
  for (const char* key : {"server", "maintenance", "secrets", "database"})
    if (args.contains(key)) inner[key] = get(args, key);
  return inner;
}

Result<SwapJob> job_of(const Json& args) {
  SwapJob job;
  job.server = TRY(server_of(args));
  job.maintenance = TRY(need(args, "maintenance"));
  job.database = TRY(need(args, "database"));
  job.incoming = TRY(need_our_database(args, "incoming"));
  job.keep = TRY(need_our_database(args, "keep"));
  job.marker = TRY(need_path(args, "marker"));
  return job;
}

}  // namespace

Result<Json> run_swap(const Json& args, const driver::Progress& progress) {
  SwapJob job = TRY(job_of(args));
  Json rescue_args = get(args, "rescue");
  rescue_args = with_server(std::move(rescue_args), args);
  Json carried_again;
  std::set<std::string> moved;
  job.unchanged = [&](Connection& live, Connection& incoming, std::string& why) -> Result<bool> {
    moved = changed_since(TRY(marks_then(rescue_args)), TRY(marks_of(live)));
    why = join({moved.begin(), moved.end()}, ", ");
    if (!moved.empty()) return false;
    TRY(raise_sequences(live, incoming));
    return true;
  };
  job.again = [&]() -> Result<void> {
    if (get(args, "step_down").is_object()) {  // a copy is stepped down anew: its rows were rewritten by nobody else
      carried_again = TRY(run_step_down(with_server(get(args, "step_down"), args), progress));
      return {};
    }
    rescue_args["only"] = as_carried(moved, get(rescue_args, "renamed"));
    carried_again = TRY(rescue_rows(rescue_args, progress));
    return {};
  };
  auto maintenance = TRY(Connection::open(job.server, job.maintenance));
  if (const auto note = TRY(read_note(maintenance, job.incoming))) {
    TRY_VOID(open_database(maintenance, job.database));  // a killed try left it closed
    TRY_VOID(keep_catalog(args, job.server));
    // What followed the live database ends here, whatever becomes of the swap; a copy or a dump brought publications.
    TRY(drop_slots(job.server, job.database).with_context("what followed the writes to " + job.database));
    TRY_VOID(drop_publications(job.server, job.incoming));
    job.dressing = dress_statements(job.database, note->dress);
  }
  PausedPoolers paused(poolers_of(args), progress);
  Json evidence = TRY(swap(job, progress));
  if (Json told = paused.resume(); !told.empty()) evidence["poolers"] = std::move(told);
  if (carried_again.is_object())
    for (const auto& [key, value] : carried_again.items()) evidence[key] = value;
  return evidence;
}

Result<Json> run_swap_back(const Json& args, const driver::Progress& progress) {
  SwapBackJob job;
  job.server = TRY(server_of(args));
  job.maintenance = TRY(need(args, "maintenance"));
  job.database = TRY(need(args, "database"));
  job.keep = TRY(need_our_database(args, "keep"));
  job.aside = TRY(need_our_database(args, "aside"));
  job.marker = TRY(need_path(args, "marker"));
  PausedPoolers paused(poolers_of(args), progress);
  Json evidence = TRY(swap_back(job));
  if (Json told = paused.resume(); !told.empty()) evidence["poolers"] = std::move(told);
  return evidence;
}

Result<Json> look_at_swap_verb(const Json& args, bool swapped) {
  const SwapSight seen = TRY(look_at_swap(TRY(server_of(args)), TRY(need(args, "maintenance")),
                                          TRY(need(args, "database")), TRY(need_path(args, "marker"))));
  if (!seen.open) return sight(false, TRY(need(args, "database")) + " is closed to connections");
  return sight(seen.swapped == swapped, seen.why);
}

}  // namespace backout::postgresql
