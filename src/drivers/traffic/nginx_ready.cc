#include "drivers/traffic/nginx_ready.h"

#include "base/text.h"

namespace backout::drivers {

driver::Readiness nginx_readiness(const Json& subject, host::Host& host, std::stop_token stop) {
  using driver::Need;
  driver::Readiness readiness;
  const std::string include = get_string(subject, "include"), page = get_string(subject, "page");
  const std::string directory = include.substr(0, std::max<size_t>(include.rfind('/'), 1));
  readiness.needs = {{Need::Kind::kWritable, directory, "to close the door"},
                     {Need::Kind::kWritable, include, "to close the door"}};
  if (!page.empty()) readiness.needs.push_back({Need::Kind::kReadable, page, "to show it while the door is closed"});
  for (const char* key : {"test", "reload"})
    if (const Json& words = get(subject, key); words.is_array() && !words.empty() && words.front().is_string())
      readiness.needs.push_back({Need::Kind::kTool, words.front().get<std::string>(), "to close the door"});
  std::vector<std::string> test;
  for (const Json& word : get(subject, "test"))
    if (word.is_string()) test.push_back(word.get<std::string>());
  if (test.empty()) return readiness;
  const auto tested = host.run({.argv = test, .timeout = Millis(20'000)}, std::move(stop));
  if (tested && tested->ok()) {
    readiness.findings.push_back(
        {"door.test", Severity::kOk, "", "", "nginx accepts its configuration", "", Json::object()});
  } else if (!tested || (tested->exit_status != 127 && tested->exit_status != 126)) {  // else the program is amiss
    readiness.findings.push_back({"door.test", Severity::kRed, "", "",
                                  "nginx does not accept its configuration: " +
                                      (tested ? tested->why_not_ok() : one_line(tested.error().message)),
                                  "see it: " + join(test, " ") + "; until it does, no door can be closed",
                                  Json::object()});
  }
  return readiness;
}

}  // namespace backout::drivers
