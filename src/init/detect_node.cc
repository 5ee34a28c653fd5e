// Node: package.json and its lock file.
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "init/detect.h"
#include "init/source.h"
#include "init/words.h"

namespace backout::init {

void detect_node(const Facts& facts, Draft& draft) {
  const std::string* text = project_text(facts, "package.json");
  if (text == nullptr) return;
  const auto package = parse_json(*text);
  if (!package || !package->is_object()) {
    draft.remarks.emplace_back("package.json is not valid JSON, so nothing was taken from it");
    return;
  }
  const Json& scripts = get(*package, "scripts");
  const std::string start = get_string(scripts, "start");
  const Json& dependencies = get(*package, "dependencies");
  const bool has_dependencies = dependencies.is_object() && !dependencies.empty();
  if (draft.kind.empty()) draft.kind = "Node";
  const struct {
    const char *lock, *command;
  } managers[] = {{"pnpm-lock.yaml", "pnpm install --frozen-lockfile"},
                  {"yarn.lock", "yarn install --frozen-lockfile"},
                  {"package-lock.json", "npm ci --no-audit --no-fund"},
                  {"npm-shrinkwrap.json", "npm ci --no-audit --no-fund"}};
  bool locked = false;
  for (const auto& [lock, command] : managers)
    if (!locked && has_file(facts, lock)) {
      locked = true;
      draft.build.push_back({command, lock});
    }
  if (!locked && has_dependencies)
    draft.build.push_back({"npm install --no-audit --no-fund", "package.json: dependencies, and no lock file"});
  if (!get_string(scripts, "build").empty()) draft.build.push_back({"npm run build", "package.json: scripts.build"});
  if (has_file(facts, "node_modules/") || locked || has_dependencies)
    draft.keep_builds.push_back({"node_modules", "package.json"});
  if (!start.empty() || has_file(facts, "server.js")) draft.needs_process = true;

  const std::vector<std::string> words = words_of(start);
  const std::string program = words.size() > 1 && words[0] == "node" ? words.back() : get_string(*package, "main");
  for (const std::string& file : {program, std::string("server.js"), std::string("index.js"), std::string("app.js")})
    if (const std::string* source = project_text(facts, file.starts_with("./") ? file.substr(2) : file))
      if (const auto port = port_in_source(*source))
        draft.fallback_ports.push_back({std::to_string(port->first), fmt::format("{}, line {}", file, port->second)});
}

}  // namespace backout::init
