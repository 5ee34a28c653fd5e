#include "drivers/compose/ready.h"

#include <algorithm>

#include "base/text.h"
#include "drivers/code/facts.h"
#include "drivers/compose/arguments.h"
#include "drivers/compose/looks.h"
#include "drivers/compose/project.h"

namespace backout::drivers::compose {
namespace {

constexpr uint64_t kRoom = 100'000'000;  // containers, their logs, and the daemon's own state

Finding finding(const char* id, Severity severity, std::string what, std::string next = "") {
  return {id, severity, "", "", std::move(what), std::move(next), Json::object()};
}

}  // namespace

driver::Readiness readiness(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                            std::stop_token stop) {
  using driver::Need;
  driver::Readiness readiness;
  const auto found = offering.seen.find(host.name().str());
  if (found == offering.seen.end()) return readiness;
  const Json& seen = found->second;
  const std::string tool = get_string(seen, "tool"), to = offering.to.str();
  readiness.needs.push_back({Need::Kind::kTool, "docker", "to bring " + to + " back"});
  if (tool == "docker-compose") readiness.needs.push_back({Need::Kind::kTool, tool, "to bring " + to + " back"});
  if (tool.empty())
    readiness.findings.push_back(finding("compose.tool", Severity::kRed,
                                         "there is neither docker-compose nor docker compose",
                                         "install the one that the project is run with"));
  const auto facts = look(host, docker_script(kLookForReady), {get_string(seen, "project"), to}, "", stop);
  if (!facts) {
    readiness.findings.push_back(
        finding("compose.docker", Severity::kRed, one_line(facts.error().message), "see it: docker info"));
    return readiness;
  }
  if (const std::string root = facts->text("root"); root.starts_with('/'))
    readiness.needs.push_back({Need::Kind::kRoom, root, "docker keeps containers there", "", kRoom});

  const auto saved = images_argument(get(get(offering.saved, "on_hosts"), host.name().str()), "images");
  const std::vector<std::string>& pinned = facts->all("pinned");
  const Json& present = get(seen, "present");
  for (const Image& image : saved ? *saved : std::vector<Image>()) {
    const bool here = std::find(present.begin(), present.end(), Json(image.image)) != present.end();
    if (here && std::find(pinned.begin(), pinned.end(), image.image) == pinned.end())
      readiness.findings.push_back(
          finding("compose.image", Severity::kWarning,
                  fmt::format("{} of {} is here, and nothing protects it from `docker image prune -a`", image.ref,
                              image.service),
                  "a checkpoint taken while " + to +
                      " runs protects it; do not prune containers that are called backout-keeps-*"));
    if (here) continue;
    bool gone = image.digest.empty();
    if (!gone && depth == driver::Depth::kProve) {
      const auto asked =
          host.run({.argv = {"docker", "manifest", "inspect", image.digest}, .timeout = Millis(30'000)}, stop);
      gone = !asked || !asked->ok();
    }
    readiness.findings.push_back(
        gone ? finding("compose.image", Severity::kRed,
                       fmt::format("the image of {} is gone here, and cannot be pulled: {}", image.service, image.ref),
                       "bring it back: docker load, or push it to its registry again")
             : finding("compose.image", Severity::kWarning,
                       fmt::format("the image of {} must be pulled: {}", image.service, image.digest),
                       "pull it now: docker pull " + image.digest));
  }
  for (const std::string& service : facts->all("deaf"))
    readiness.findings.push_back(finding("compose.stop", Severity::kWarning,
                                         service + " does not hear SIGTERM: each switch waits ten seconds for it",
                                         "in the compose file: init: true, or a stop_signal that it hears"));
  return readiness;
}

}  // namespace backout::drivers::compose
