#include "model/site.h"

#include <gtest/gtest.h>

namespace backout {
namespace {

TEST(UserCommandJson, ComesBackAsItWent) {
  const UserCommand command{.argv = {"/bin/sh", "-c", "echo \"$A\""},
                            .cwd = "app",
                            .user = "deploy",
                            .env = {{"A", "é b"}},
                            .timeout = Millis(1500)};
  const Json value = to_json(command);
  EXPECT_EQ(value["timeout_ms"], 1500);
  const Result<UserCommand> back = user_command_from_json(value);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), value);
  EXPECT_EQ(back->env.at("A"), "é b");
}

TEST(UserCommandJson, LeavesOutWhatWasNotSaidAndRefusesNonsense) {
  EXPECT_EQ(to_json(UserCommand{.argv = {"true"}}), (Json{{"argv", {"true"}}, {"timeout_ms", 60'000}}));
  for (const char* broken :
       {"{}", R"({"argv":[]})", R"({"argv":"ls"})", R"({"argv":[1]})", R"({"argv":["x"],"env":[1]})", "7"})
    EXPECT_FALSE(user_command_from_json(*parse_json(broken))) << broken;
}

TEST(Subjects, CarryTheShapesThatDriversDocument) {
  const CodeConfig code{.layout = "in-place", .path = "/srv/shop", .git = "/srv/shop.git", .user = "deploy"};
  EXPECT_EQ(driver_of(code), "checkout");
  EXPECT_EQ(subject_of(code), (Json{{"path", "/srv/shop"},
                                    {"git", "/srv/shop.git"},
                                    {"user", "deploy"},
                                    {"build", Json::array()},
                                    {"config", Json::array()}}));

  const ServiceConfig service{.name = "web", .kind = "systemd", .args = {{"unit", "web.service"}}, .port = 80};
  Site site{.code = code};
  const Json told = subject_of(service, site);
  EXPECT_EQ(told["drain_ms"], 10'000);
  EXPECT_EQ(told["port"], 80);
  EXPECT_EQ(told["code"], (Json{{"layout", "in-place"}, {"path", "/srv/shop"}}));
  EXPECT_FALSE(subject_of(service, Site()).contains("code"));
  site.hosts = {{.name = "web-1"}, {.name = "web-2"}, {.name = "jobs"}};
  site.code->hosts = {"web-1", "web-2"};
  EXPECT_EQ(code_for(site, service), CodeOnHosts::kSome);
  EXPECT_FALSE(subject_of(service, site).contains("code")) << "it is on all hosts, the code is not";
  EXPECT_FALSE(subject_of(ServiceConfig{.name = "worker", .hosts = {"jobs"}}, site).contains("code"));
  EXPECT_TRUE(subject_of(ServiceConfig{.name = "web", .hosts = {"web-2"}}, site).contains("code"));

  EXPECT_EQ(driver_of(DoorConfig{.kind = "command"}), "door-command");
  EXPECT_EQ(driver_of(CheckConfig{.kind = "run"}), "run-check");
}

TEST(Subjects, ACheckGivenAsAPathIsAskedAtTheBase) {
  const CheckConfig check{.name = "/v 200", .kind = "http", .args = {{"path", "/v"}, {"status", 200}}};
  EXPECT_EQ(subject_of(check, "http://{host}:80")["url"], "http://{host}:80/v");
  EXPECT_FALSE(subject_of(check, "").contains("path"));

  Site site{.base_url = "http://127.0.0.1:1"};
  EXPECT_EQ(hosts_of(site).at(0).name, "local");
  EXPECT_EQ(base_url_for(site, HostConfig{.name = "a"}), "http://127.0.0.1:1");
  EXPECT_EQ(base_url_for(site, HostConfig{.name = "a", .url = "http://a"}), "http://a");
}

}  // namespace
}  // namespace backout
