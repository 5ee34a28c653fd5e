// PM2: what its daemon runs (the list of `pm2 jlist`, or the one that `pm2 save` wrote), else an ecosystem file.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "init/detect.h"
#include "init/words.h"

namespace backout::init {
namespace {

constexpr int64_t kDefaultKillTimeout = 1600;

std::string text_of(const Json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const std::string text = get_string(object, key); !text.empty()) return text;
  return "";
}

int port_of_env(const Json& environment) {
  const Json& port = get(environment, "PORT");
  if (port.is_number_integer()) return static_cast<int>(port.get<int64_t>());
  return port.is_string() ? port_in(port.get<std::string>()).value_or(0) : 0;
}

/// One process of pm2, from any of its JSON forms: jlist, dump.pm2, an ecosystem's apps.
void add(const Facts& facts, const Json& process, const FileFact& file, const std::string& home, Draft& draft) {
  if (!process.is_object()) return;
  const Json& environment = process.contains("pm2_env") ? get(process, "pm2_env") : process;
  const std::string directory = text_of(environment, {"pm_cwd", "cwd"});
  const std::string script = text_of(environment, {"pm_exec_path", "script"});
  const bool of_daemon = !home.empty();
  if (of_daemon && !mentions(facts, directory) && !mentions(facts, script)) return;
  if (!of_daemon && directory.starts_with('/') && !mentions(facts, directory)) return;
  std::string name = text_of(process, {"name"});
  if (name.empty()) name = text_of(environment, {"name"});
  if (name.empty()) name = base_name(script.substr(0, script.rfind('.')));
  for (const Service& other : draft.services)
    if (name.empty() || (other.form == "pm2" && other.head == name)) return;  // a cluster: one name, many processes
  Service service{.form = "pm2", .head = name, .role = role_of(name, script), .where = file.path};
  if (of_daemon) {
    service.more.emplace_back("home", home);
    const size_t user = home.rfind("/home/");  // whose daemon it is: another user's is asked as that user
    if (user != std::string::npos && home.find('/', user + 6) != std::string::npos)
      service.more.emplace_back("user", home.substr(user + 6, home.find('/', user + 6) - user - 6));
  }
  if (service.role == Role::kWeb) {
    service.port = port_of_env(environment);
    if (service.port == 0) service.port = port_of_env(get(environment, "env"));
    if (service.port == 0) service.port = port_of_env(get(environment, "env_production"));
    if (service.port != 0) service.port_where = file.path + ": PORT";
  }
  if (const int64_t wait = get_int(environment, "kill_timeout"); wait > 10'000 && wait > kDefaultKillTimeout)
    service.drain = Millis(wait);
  draft.services.push_back(std::move(service));
}

/// `name: 'web'` of an ecosystem file, which is a program: only what stands there as plain text is seen.
Json apps_of_javascript(std::string_view text) {
  Json apps = Json::array();
  for (const std::string_view line : lines_of(text)) {
    const std::string_view plain = trimmed(line);
    if (plain.starts_with("//")) continue;
    for (const char* key : {"name", "script", "cwd", "PORT", "kill_timeout"}) {
      for (size_t at = plain.find(key); at != std::string_view::npos; at = plain.find(key, at + 1)) {
        if (at > 0 && std::string_view(" {,'\"\t").find(plain[at - 1]) == std::string_view::npos) continue;
        size_t after = at + std::string_view(key).size();
        if (after < plain.size() && (plain[after] == '\'' || plain[after] == '"')) ++after;
        after = plain.find_first_not_of(' ', after);
        if (after == std::string_view::npos || plain[after] != ':') continue;
        const std::string_view rest = trimmed(plain.substr(after + 1));
        std::string value = !rest.empty() && (rest.front() == '\'' || rest.front() == '"')
                                ? quoted_after(rest, 0)
                                : std::string(rest.substr(0, rest.find_first_of(" ,}")));
        if (std::string_view(key) == "name") apps.push_back(Json::object());
        if (apps.empty()) apps.push_back(Json::object());
        if (std::string_view(key) == "kill_timeout")
          apps.back()[key] = port_in(value).value_or(0);
        else if (!apps.back().contains(key))
          apps.back()[key] = value;
        break;
      }
    }
  }
  std::erase_if(apps.get_ref<Json::array_t&>(), [](const Json& app) { return !app.contains("name"); });
  return apps;
}

}  // namespace

void detect_pm2(const Facts& facts, Draft& draft) {
  for (const FileFact& file : facts.pm2) {  // path: HOME/dump.pm2, or HOME/jlist for what the daemon said
    auto list = parse_json(file.text);
    if (const size_t begin = file.text.find("[{"); !list && begin != std::string::npos)  // pm2 says more before it
      list = parse_json(file.text.substr(begin));
    if (list && list->is_array())
      for (const Json& process : *list) add(facts, process, file, parent_of(file.path), draft);
  }
  const auto runs_by_pm2 = [](const Service& service) { return service.form == "pm2"; };
  if (std::any_of(draft.services.begin(), draft.services.end(), runs_by_pm2)) return;
  for (const char* name : {"ecosystem.config.js", "ecosystem.config.cjs", "pm2.config.js", "pm2.config.cjs",
                           "ecosystem.config.json", "ecosystem.json", "pm2.json", "process.json"}) {
    const std::string* text = project_text(facts, name);
    if (text == nullptr) continue;
    const FileFact file{facts.code + "/" + name, *text};
    const auto json = parse_json(*text);
    const Json apps = !json ? apps_of_javascript(*text) : json->contains("apps") ? get(*json, "apps") : *json;
    if (apps.is_array())
      for (const Json& app : apps) add(facts, app, file, "", draft);
    else
      add(facts, apps, file, "", draft);
  }
}

}  // namespace backout::init
