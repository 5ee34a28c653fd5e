#include "drivers/services/pm2_state.h"

#include "base/text.h"

namespace backout::drivers {
namespace {

Instance::Kind kind_of(std::string_view status) {
  if (status == "online") return Instance::Kind::kUp;
  if (status == "stopped" || status == "errored") return Instance::Kind::kDown;
  return Instance::Kind::kComing;  // launching, stopping, "waiting restart", one-launch-status
}

/// Times are milliseconds of the host's clock. `created_at` is when somebody last started it, `pm_uptime` when PM2 did.
int64_t restarts_of(const Json& env) {
  const int64_t unstable = get_int(env, "unstable_restarts");
  const int64_t created = get_int(env, "created_at"), up = get_int(env, "pm_uptime");
  constexpr int64_t kSameStart = 500;
  return std::max<int64_t>(unstable, created > 0 && up > created + kSameStart ? 1 : 0);
}

}  // namespace

Result<Pm2App> parse_pm2_list(std::string_view output, std::string_view name) {
  Json list;
  for (const std::string& line : split(output, '\n')) {  // PM2 may print remarks around it
    const std::string_view text = trimmed(line);
    if (!text.starts_with("[{") && text != "[]") continue;
    if (auto parsed = parse_json(text); parsed && parsed->is_array()) list = std::move(*parsed);
  }
  if (!list.is_array()) return Error{Code::kCorrupt, "pm2 jlist printed no list", ""};
  Pm2App app;
  std::set<std::string> errors, outputs;
  for (const Json& one : list) {
    if (get_string(one, "name") != name) continue;
    const Json& env = get(one, "pm2_env");
    const std::string status = get_string(env, "status");
    Instance instance{.name = std::string(name), .state = status.empty() ? "without a status" : status};
    instance.kind = kind_of(status);
    instance.given_up = instance.kind == Instance::Kind::kDown;
    instance.starting = status == "launching";
    instance.pid = get_int(one, "pid");
    instance.restarts = restarts_of(env);
    app.instances.push_back(std::move(instance));
    app.cluster |= get_string(env, "exec_mode") == "cluster_mode";
    for (const char* key : {"pm_cwd", "pm_exec_path"}) app.paths.insert(get_string(env, key));
    errors.insert(get_string(env, "pm_err_log_path"));
    outputs.insert(get_string(env, "pm_out_log_path"));
  }
  if (app.instances.size() > 1)
    for (size_t i = 0; i < app.instances.size(); ++i) app.instances[i].name += fmt::format(" ({})", i + 1);
  for (const std::set<std::string>& files : {errors, outputs})
    for (const std::string& file : files)
      if (file.starts_with('/') && file != "/dev/null" &&
          std::find(app.logs.begin(), app.logs.end(), file) == app.logs.end())
        app.logs.push_back(file);
  return app;
}

}  // namespace backout::drivers
