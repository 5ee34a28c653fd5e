#include "app/retention/kept_databases.h"

#include "app/site/subject.h"
#include "driver/tool.h"

namespace backout::app {

Result<Json> ask_server(const Workspace& workspace, const std::string& verb, Json more) {
  for (const Subject& subject : subjects_of(workspace.site())) {
    if (subject.part != plan::Part::kDatabase || subject.driver != "postgresql") continue;
    for (const char* key : {"server", "maintenance", "secrets"})
      if (subject.config.contains(key)) more[key] = get(subject.config, key);
    if (!more.contains("database")) more["database"] = get_string(subject.config, "database");
    const driver::Driver* driver = TRY(workspace.registry().find(subject.driver));
    host::Host& host = *workspace.hosts().at(subject.hosts.front());
    return driver::ask_tool(host, TRY(driver->command({subject.driver, verb, more}, host)), {});
  }
  return Json::object();
}

Result<std::vector<KeptDatabase>> kept_databases(const Workspace& workspace) {
  std::vector<KeptDatabase> kept;
  const Json seen = TRY(ask_server(workspace, "kept", Json::object()));
  for (const Json& each : get(seen, "kept"))
    kept.push_back({get_string(each, "name"), get_string(each, "run"), get_int(each, "oid"), get_int(each, "size")});
  return kept;
}

Result<void> drop_kept(const Workspace& workspace, const std::string& name) {
  TRY(ask_server(workspace, "discard", {{"database", name}}));
  for (const KeptDatabase& each : TRY(kept_databases(workspace)))
    if (each.name == name) return Error{Code::kInternal, "the database " + name + " is there still", "see psql -l"};
  return {};
}

}  // namespace backout::app
