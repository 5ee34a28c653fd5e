#include "drivers/services/service_ready.h"

namespace backout::drivers {

using driver::Need;

driver::Readiness process_readiness(const driver::Offering& offering, const std::string& host) {
  const Json& subject = offering.subject;
  const std::string user = get_string(subject, "user"), why = "to start " + get_string(subject, "name", host);
  driver::Readiness readiness;
  for (const char* key : {"log", "pidfile"})
    if (const std::string path = get_string(subject, key); path.starts_with('/'))
      readiness.needs.push_back({Need::Kind::kWritable, path, why, user});
  const Json& start = get(subject, "start");
  if (!start.is_array() || start.empty() || !start.front().is_string()) return readiness;
  std::string program = start.front().get<std::string>();
  if (program.find('/') != std::string::npos && !program.starts_with('/')) {
    // It belongs to the release, and a release that is not there yet is built first.
    const std::string current = get_string(get(subject, "code"), "path") + "/current";
    std::string cwd = get_string(subject, "cwd");
    if (get_string(get(subject, "code"), "layout") != "releases" || !cwd.starts_with(current)) {
      if (cwd.starts_with('/')) program = cwd + "/" + program;
    } else {
      return readiness;
    }
  }
  if (program.find('/') == std::string::npos || program.starts_with('/'))
    readiness.needs.push_back({Need::Kind::kTool, program, why, user});
  return readiness;
}

driver::Readiness tool_readiness(const std::string& tool, const std::string& why) {
  return {{{Need::Kind::kTool, tool, why}}, {}};
}

}  // namespace backout::drivers
