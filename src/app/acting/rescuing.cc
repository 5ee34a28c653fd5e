#include "app/acting/rescuing.h"

#include <filesystem>

#include "app/history/runs.h"
#include "app/history/target.h"
#include "app/site/subject.h"
#include "base/text.h"
#include "driver/tool.h"
#include "os/file.h"
#include "run/lease_keeper.h"

namespace backout::app {
namespace {

struct Ground {
  Subject subject;
  Json seen;
  Json saved = Json::object();
  Version target;
  std::string checkpoint;
};

Result<Ground> database_of(const Workspace& workspace) {
  for (Subject& subject : subjects_of(workspace.site())) {
    if (subject.part != plan::Part::kDatabase) continue;
    Ground ground;
    const Seen seen = TRY(observe(workspace, subject));
    ground.seen = seen.begin()->second;
    if (!get_bool(ground.seen, "exists")) return Error{Code::kNotFound, "there is no database", "backout ready"};
    ground.subject = std::move(subject);
    return ground;
  }
  return Error{Code::kInvalid, "no database is configured", "say it in backout.yaml, database:"};
}

Result<Ground> ground_of(const Workspace& workspace, const Version& target) {
  Ground ground = TRY(database_of(workspace));
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  const Release from = TRY(current_release(journal, site));
  ground.target = TRY(target_release(journal, site, from, target, RunKind::kRollback)).version;
  const auto checkpoints = TRY(journal.checkpoints(site));
  const Checkpoint* checkpoint = checkpoint_for(checkpoints, ground.target);
  if (checkpoint == nullptr)
    return Error{Code::kNotFound, "no checkpoint was taken while " + ground.target.str() + " ran",
                 "another release: backout releases"};
  ground.saved = saved_part(*checkpoint, ground.subject);
  ground.checkpoint = checkpoint->id.str();
  if (get_string(ground.saved, "backup").empty())
    return Error{Code::kUnsupported,
                 "what " + ground.checkpoint + " has of the database cannot be asked without opening it",
                 "another release: backout releases"};
  return ground;
}

/// What the driver's tool needs of both sides.
Json both_sides(const Ground& ground) {
  const Json& config = ground.subject.config;
  Json args = Json::object();
  args["tables"] = get(config, "tables").is_object() ? get(config, "tables") : Json::object();
  if (ground.subject.driver == "sqlite") {
    args["live"] = get_string(ground.seen, "file");
    args["base"] = get_string(ground.saved, "base", get_string(ground.saved, "backup"));
    args["target"] = get_string(ground.saved, "backup");
    return args;
  }
  const std::string name = get_string(ground.seen, "database");
  args["live"] = name;
  args["scratch"] = name.substr(0, 28) + "__backout_" + random_hex(4) + "_rows";
  for (const char* key : {"backup", "manifest", "manifest_sha256"}) args[key] = get_string(ground.saved, key);
  for (const char* key : {"server", "maintenance", "secrets", "fill", "jobs"})
    if (config.contains(key)) args[key] = get(config, key);
  return args;
}

Result<Json> ask_database(const Workspace& workspace, const Ground& ground, const std::string& verb, const Json& args) {
  const driver::Driver* driver = TRY(workspace.registry().find(ground.subject.driver));
  host::Host& host = *workspace.hosts().at(ground.subject.hosts.front());
  return driver::ask_tool(host, TRY(driver->command({ground.subject.driver, verb, args}, host)), {});
}

void name_ground(const Ground& ground, Json& evidence) {
  evidence["target"] = ground.target.str();
  evidence["checkpoint"] = ground.checkpoint;
}

Result<std::string> whole_path(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  if (failed || path.empty()) return Error{Code::kInvalid, "'" + one_line(path) + "' is no path", ""};
  std::string text = whole.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

Result<void> note(const Workspace& workspace, Json body) {
  body["by"] = workspace.actor();
  TRY(workspace.journal().append(workspace.site().id, 0, {{EventType::kNote, std::move(body)}}));
  return {};
}

Result<Json> apply_to(const Workspace& workspace, const Ground& ground, const std::string& from, bool dry) {
  Json args{{"from", from}, {"dry_run", dry}};
  const Json& config = ground.subject.config;
  args["live"] = get_string(ground.seen, ground.subject.driver == "sqlite" ? "file" : "database");
  for (const char* key : {"server", "maintenance", "secrets", "fill"})
    if (config.contains(key)) args[key] = get(config, key);
  if (!dry) args["conflicts"] = from + ".not-applied.jsonl";
  return ask_database(workspace, ground, "apply", args);
}

}  // namespace

int64_t rows_in(const Json& counts_by_table) {
  int64_t rows = 0;
  for (const auto& [table, counts] : counts_by_table.items())
    for (const auto& [kind, count] : counts.items())
      if (count.is_number_integer()) rows += count.get<int64_t>();
  return rows;
}

Result<Json> count_rescue(const Workspace& workspace, const Version& target) {
  const Ground ground = TRY(ground_of(workspace, target));
  Json args = both_sides(ground);
  args["exact"] = true;
  args["limit_ms"] = 300'000;
  Json counted = TRY(ask_database(workspace, ground, ground.subject.driver == "sqlite" ? "diff" : "count", args));
  name_ground(ground, counted);
  return counted;
}

Result<Json> export_rescue(const Workspace& workspace, const Version& target, const std::string& directory) {
  const Ground ground = TRY(ground_of(workspace, target));
  Json args = both_sides(ground);
  const std::string path = TRY(whole_path(directory));
  args["directory"] = path;
  Json exported = TRY(ask_database(workspace, ground, "export", args));
  name_ground(ground, exported);
  const std::string sha256 = TRY(os::sha256_of_file(path + "/manifest.json"));
  TRY_VOID(
      note(workspace, {{"text", fmt::format("{} that users wrote since {} were exported to {}",
                                            counted(rows_in(get(exported, "rows")), "row"), ground.checkpoint, path)},
                       {"exported", path},
                       {"manifest_sha256", sha256}}));
  return exported;
}

Result<Json> try_apply(const Workspace& workspace, const std::string& from) {
  return apply_to(workspace, TRY(database_of(workspace)), TRY(whole_path(from)), true);
}

Result<Applied> apply_rescue(const Workspace& workspace, const std::string& from) {
  const std::string path = TRY(whole_path(from));
  std::stop_source lost;
  const auto lease = TRY(run::LeaseKeeper::take(workspace.journal(), workspace.site().id, "rescue apply", lost));
  if (const auto open = TRY(unfinished(workspace))) return is_unfinished(*open, TRY(told(workspace, *open)));
  const Ground ground = TRY(database_of(workspace));
  TRY_VOID(workspace.hosts()
               .at(ground.subject.hosts.front())
               ->claim({workspace.site().id.str(), workspace.journal().id(), lease->token()}));
  TRY_VOID(note(workspace, {{"text", "rows of " + path + " are being applied to the live database"}}));
  Applied applied{.evidence = TRY(apply_to(workspace, ground, path, false))};
  // The second look: what went in is there, and nothing else is left to do.
  const auto again = apply_to(workspace, ground, path, true);
  applied.proved = again && rows_in(get(*again, "applied")) == 0;
  TRY_VOID(note(workspace, {{"text", fmt::format("{} of {} were applied, {} not{}",
                                                 counted(rows_in(get(applied.evidence, "applied")), "row"), path,
                                                 get_int(applied.evidence, "conflict_count"),
                                                 applied.proved ? "" : "; a second look does not find them all")}}));
  return applied;
}

}  // namespace backout::app
