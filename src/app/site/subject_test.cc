#include "app/site/subject.h"

#include <gtest/gtest.h>

namespace backout::app {
namespace {

TEST(Subjects, EveryCheckHasAName) {
  Site site;
  site.hosts = {{.name = "web-1"}, {.name = "web-2"}};
  site.base_url = "http://{host}:8000";
  CheckConfig by_path{.name = "/health 200", .kind = "http", .args = {{"path", "/health"}}};
  CheckConfig log{.name = "no errors", .kind = "log", .args = {{"file", "/var/log/shop.log"}}};
  site.checks = {by_path, log};
  std::vector<std::string> names;
  for (const Subject& subject : subjects_of(site))
    if (subject.part == plan::Part::kCheck) names.push_back(subject.name);
  EXPECT_EQ(names, (std::vector<std::string>{"/health 200 on web-1", "/health 200 on web-2", "no errors on web-1",
                                             "no errors on web-2"}));
}

}  // namespace
}  // namespace backout::app
