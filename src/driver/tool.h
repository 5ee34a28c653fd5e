// A driver's tool: verbs that `backout internal NAME VERB` does as processes of their own, so that they can be run
// through the shim like any other command, killed at any instant and run again.
//
// Arguments are one JSON object on standard input. Lines on standard output tell of progress; the last one is a JSON
// object: the evidence, or {"error": {code, message, next}}. Exit status: 0 done; 1 failed, nothing half-done is left;
// 2 wrong arguments; 3 refused (the world is not as expected).
#pragma once
#include <functional>
#include <iosfwd>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "host/host.h"

namespace backout::driver {

using Progress = std::function<void(std::string_view line)>;

struct ToolVerb {
  std::string_view name;
  Result<Json> (*run)(const Json& args, const Progress& progress);
};

/// The process: `args` is the verb alone. Errors go to `err`, on one line, with what to do next.
int run_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err,
             const std::function<Result<Json>(const std::string& verb, const Json& args, const Progress&)>& run);

/// The command that does it. `self`: the path of this program.
host::Command tool_command(const std::string& self, const std::string& name, const std::string& verb, const Json& args);

/// Runs it at once, for looks: the evidence, or the error as the tool gave it.
Result<Json> ask_tool(host::Host& host, const host::Command& command, const std::stop_token& stop);

/// {"sight": "holds" | "does-not-hold", "why", "evidence"}: what the verb `look` answers.
Json sight_json(bool holds, const std::string& why, const Json& evidence = Json::object());

}  // namespace backout::driver
