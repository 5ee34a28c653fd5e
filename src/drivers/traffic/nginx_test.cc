#include "drivers/traffic/nginx.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/services/shop_for_tests.h"
#include "drivers/traffic/door_block.h"

namespace backout::drivers {
namespace {

/// A private nginx in front of a shop, at ports of its own.
class NginxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::access("/usr/sbin/nginx", X_OK), 0) << "install nginx-light (apt-get install nginx-light)";
    shop.stranger(shop.path + "/releases/v1");
    ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v1"; }));
    write_text(page, "<h1>The shop is being repaired</h1>\n");
    std::filesystem::permissions(page, std::filesystem::perms(0644));
    write_text(include, "");
    write_text(configuration, configured());
    ASSERT_EQ(nginx("").exit_status, 0);
    ASSERT_TRUE(comes_true([&] { return ask("/").status == 200; }));
  }
  void TearDown() override {
    const pid_t master = std::atoi(read_text(shop.path + "/nginx.pid").c_str());
    if (master <= 1) return;
    ::kill(master, SIGTERM);
    EXPECT_TRUE(comes_true([&] { return !std::filesystem::exists(shop.path + "/nginx.pid"); }));
  }

  std::string configured() const {
    std::string temporary;
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      temporary += fmt::format(" {}_temp_path {}/{};", kind, shop.path, kind);
    return fmt::format(
        "worker_processes 2; pid {0}/nginx.pid; error_log {0}/error.log;\nevents {{ worker_connections 256; }}\n"
        "http {{ access_log off;{1}\n server {{ listen 127.0.0.1:{2};\n  error_page 500 502 503 504 /50x.html;\n  "
        "include {3};\n"
        "  location / {{ proxy_pass http://127.0.0.1:{4}; }} }} }}\n",
        shop.path, temporary, port, include, shop.port);
  }
  host::CommandResult nginx(const std::string& words) {
    host::Command command{.argv = {"/usr/sbin/nginx", "-c", configuration}};
    for (const std::string& word : split(words, ' '))
      if (!word.empty()) command.argv.push_back(word);
    const auto result = local.host->run(command);
    EXPECT_TRUE(result.has_value());
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  os::HttpResponse ask(const std::string& path, const std::string& method = "GET") const {
    const auto answer = os::http({.method = method, .url = front() + path, .body = method == "POST" ? "order=1" : ""});
    return answer ? *answer : os::HttpResponse{};
  }
  std::string front() const { return "http://127.0.0.1:" + std::to_string(port); }
  Json subject(bool with_url = true, bool with_page = true) const {
    Json args = {{"include", include},
                 {"test", {"/usr/sbin/nginx", "-q", "-t", "-c", configuration}},
                 {"reload", {"/usr/sbin/nginx", "-s", "reload", "-c", configuration}}};
    if (with_page) args["page"] = page;
    if (with_url) args["public_url"] = front() + "/";
    return args;
  }
  static Action action(const std::string& verb, const Json& args) { return {"nginx", verb, args}; }
  host::CommandResult apply(const Action& what) {
    const auto result = conformance::apply(*driver, what, *local.host);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  Sight look(const Action& what) { return driver->verify(what, *local.host, {}); }
  bool becomes(const Action& what) {
    return comes_true([&] { return look(what).kind == SightKind::kHolds; });
  }

  Shop shop;
  int port = free_port();
  std::string include = shop.path + "/door.conf", page = shop.path + "/maintenance.html",
              configuration = shop.path + "/nginx.conf";
  conformance::LocalHost local;
  std::unique_ptr<driver::Driver> driver = make_nginx_driver();
};

TEST_F(NginxTest, Conforms) {
  conformance::conforms(
      *driver,
      {.action = action("close", subject()),
       .undo = action("open", subject()),
       .reset =
           [this] {
             apply(action("open", subject()));
             EXPECT_TRUE(becomes(action("open", subject())));
           },
       .done = [this] { return ask("/").status == 503 && read_text(include).find("closed") != std::string::npos; },
       .as_before = [this] { return ask("/").status == 200 && read_text(include).find("closed") == std::string::npos; },
       .bad = {action("close", {{"include", "relative"}, {"test", {"true"}}, {"reload", {"true"}}}),
               action("close", {{"include", include}, {"page", "/a\"b"}, {"test", {"true"}}, {"reload", {"true"}}})},
       .kills = 3,
       .settle = Millis(300)});
}

TEST_F(NginxTest, AClosedDoorAnswersEveryPathAndMethodWithThePage) {
  ASSERT_TRUE(apply(action("close", subject())).ok());
  ASSERT_TRUE(becomes(action("close", subject())));
  for (const char* path : {"/", "/order", "/deep/er?x=1", "/50x.html", "/.backout/door/closed", "/.backout/door/else"})
    for (const char* method : {"GET", "POST", "HEAD", "DELETE"}) {
      const auto answer = ask(path, method);
      EXPECT_EQ(answer.status, 503) << method << " " << path;
      EXPECT_EQ(answer.headers.count(std::string(kDoorHeader)), 1U) << method << " " << path;
      EXPECT_EQ(answer.headers.at("retry-after"), "30");
      if (method != std::string("HEAD")) {
        EXPECT_NE(answer.body.find("being repaired"), std::string::npos) << method << " " << path << " " << answer.body;
      }
    }
  EXPECT_NE(ask("/.backout/door/page").body, "v1") << "no path leads past the door";
  ASSERT_TRUE(apply(action("open", subject())).ok());
  ASSERT_TRUE(becomes(action("open", subject())));
  EXPECT_EQ(ask("/").body, "v1");
}

TEST_F(NginxTest, APageThatIsNotThereIsOneSentenceAndStill503) {
  std::filesystem::remove(page);
  ASSERT_TRUE(apply(action("close", subject())).ok());
  ASSERT_TRUE(becomes(action("close", subject()))) << look(action("close", subject())).why;
  EXPECT_EQ(ask("/x", "POST").status, 503);
  EXPECT_NE(ask("/x").body.find("short repair"), std::string::npos) << ask("/x").body;
}

TEST_F(NginxTest, WithoutAPageItIsOneSentence) {
  ASSERT_TRUE(apply(action("close", subject(true, false))).ok());
  ASSERT_TRUE(becomes(action("close", subject(true, false))));
  EXPECT_NE(ask("/x", "POST").body.find("short repair"), std::string::npos);
}

TEST_F(NginxTest, A503OfTheApplicationIsNotTheDoor) {
  // The file says closed, nginx still runs with what it had.
  write_text(include, *closed_block(page));
  EXPECT_EQ(look(action("close", subject())).kind, SightKind::kDoesNotHold);
  write_text(configuration, replaced(configured(), "location / {", "location / { return 503;"));
  write_text(include, "");
  ASSERT_EQ(nginx("-s reload").exit_status, 0);
  ASSERT_TRUE(comes_true([&] { return ask("/").status == 503; }));
  write_text(include, *closed_block(page));
  const Sight sight = look(action("close", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("without the door's header"), std::string::npos) << sight.why;
}

TEST_F(NginxTest, AConfigurationThatNginxRefusesPutsTheOldContentBack) {
  write_text(include, "# ours\n");
  write_text(configuration, configured() + "nonsense;\n");
  const auto result = apply(action("close", subject()));
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.err.find("does not accept"), std::string::npos) << result.err;
  EXPECT_EQ(read_text(include), "# ours\n");
  EXPECT_EQ(look(action("close", subject())).kind, SightKind::kDoesNotHold);
}

TEST_F(NginxTest, ADeadMasterFailsTheStepAndChangesNothing) {
  const pid_t master = std::atoi(read_text(shop.path + "/nginx.pid").c_str());
  ::kill(master, SIGTERM);
  ASSERT_TRUE(comes_true([&] { return !std::filesystem::exists(shop.path + "/nginx.pid"); }));
  for (const bool with_url : {true, false}) {
    EXPECT_FALSE(apply(action("close", subject(with_url))).ok());
    EXPECT_EQ(read_text(include), "");
    EXPECT_EQ(look(action("close", subject(with_url))).kind, SightKind::kDoesNotHold);
    EXPECT_FALSE(apply(action("open", subject(with_url))).ok());
    EXPECT_EQ(look(action("open", subject(with_url))).kind, SightKind::kDoesNotHold);
  }
}

TEST_F(NginxTest, WithoutAPublicUrlTheReloadIsLookedForAndSaidSo) {
  write_text(include, *closed_block(page));
  EXPECT_EQ(look(action("close", subject(false))).kind, SightKind::kDoesNotHold) << "in place, but nobody told nginx";
  write_text(include, "");
  ASSERT_TRUE(apply(action("close", subject(false))).ok());
  const Sight sight = look(action("close", subject(false)));
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_NE(sight.why.find("was not looked at"), std::string::npos) << sight.why;
}

TEST_F(NginxTest, WhatTheFileHeldBeforeComesBackWithItsMode) {
  write_text(include, "# a rule of the team\n");
  std::filesystem::permissions(include, std::filesystem::perms(0640));
  ASSERT_TRUE(apply(action("close", subject())).ok());
  ASSERT_TRUE(apply(action("close", subject())).ok());
  ASSERT_TRUE(apply(action("open", subject())).ok());
  EXPECT_EQ(read_text(include), "# a rule of the team\n");
  EXPECT_EQ(std::filesystem::status(include).permissions(), std::filesystem::perms(0640));
  EXPECT_FALSE(std::filesystem::exists(shop.path + "/.door.conf.backout-before"));
}

TEST_F(NginxTest, OffersToCloseAndToOpen) {
  driver::Offering offering{.from = Version("v2"),
                            .to = Version("v1"),
                            .subject = subject(false),
                            .hosts = {"local"},
                            .public_url = "http://shop/"};
  const auto steps = conformance::offers_well(*driver, offering);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].id.str(), "close-door");
  EXPECT_EQ(steps[0].undo->verb, "open");
  EXPECT_EQ(steps[1].phase, Phase::kOpen);
  EXPECT_FALSE(steps[1].undo.has_value());
  EXPECT_EQ(get_string(steps[0].action.args, "public_url"), "http://shop/");
}

}  // namespace
}  // namespace backout::drivers
