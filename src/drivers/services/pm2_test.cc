#include "drivers/services/pm2.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/services/pm2_state.h"
#include "drivers/services/shop_for_tests.h"

namespace backout::drivers {
namespace {

using Kind = Instance::Kind;

// Of pm2 7.0.4, without most of its fields; env as it prints it: among them, with their values.
constexpr const char* kList =
    R"(>>>> In-memory PM2 is out-of-date, do:
[{"pid":16024,"name":"web","pm_id":0,"pm2_env":{"status":"online","restart_time":3,"unstable_restarts":0,"created_at":1795272698072,"pm_uptime":1795272698072,"pm_cwd":"/srv","pm_exec_path":"/srv/shop/current/app.js","exec_mode":"fork_mode","SECRET":"hush","pm_err_log_path":"/l/web-error.log","pm_out_log_path":"/l/web-out.log"}},{"pid":16048,"name":"clu","pm_id":1,"pm2_env":{"status":"online","unstable_restarts":0,"created_at":1795272698379,"pm_uptime":1795272702379,"pm_cwd":"/srv/shop/releases/v1","pm_exec_path":"/srv/shop/releases/v1/app.js","exec_mode":"cluster_mode","pm_err_log_path":"/l/clu-error-1.log","pm_out_log_path":"/dev/null"}},{"pid":0,"name":"clu","pm_id":2,"pm2_env":{"status":"launching","unstable_restarts":0,"exec_mode":"cluster_mode"}},{"pid":0,"name":"circle","pm_id":3,"pm2_env":{"status":"errored","restart_time":15,"unstable_restarts":4,"created_at":null,"pm_uptime":1795272701270,"exec_mode":"fork_mode"}},{"pid":"x","name":"odd"},7])";

TEST(Pm2List, InstancesAreUpComingOrDown) {
  const auto app = parse_pm2_list(kList, "clu");
  ASSERT_TRUE(app.has_value()) << app.error().message;
  ASSERT_EQ(app->instances.size(), 2U);
  EXPECT_EQ(app->instances[0].kind, Kind::kUp);
  EXPECT_EQ(app->instances[0].pid, 16048);
  EXPECT_EQ(app->instances[0].restarts, 1) << "up later than it was created";
  EXPECT_EQ(app->instances[1].kind, Kind::kComing);
  EXPECT_TRUE(app->instances[1].starting);
  EXPECT_FALSE(app->instances[0].starting);
  EXPECT_TRUE(app->cluster);
  EXPECT_TRUE(app->paths.contains("/srv/shop/releases/v1/app.js"));
  EXPECT_EQ(app->logs, std::vector<std::string>{"/l/clu-error-1.log"});

  const auto web = parse_pm2_list(kList, "web");
  EXPECT_EQ(web->instances.at(0).restarts, 0) << "restart_time counts those by hand too";
  EXPECT_FALSE(web->cluster);
  EXPECT_EQ(parse_pm2_list(kList, "circle")->instances.at(0).kind, Kind::kDown);
  EXPECT_EQ(parse_pm2_list(kList, "circle")->instances.at(0).restarts, 4);
  EXPECT_EQ(parse_pm2_list(kList, "odd")->instances.at(0).kind, Kind::kComing);
  EXPECT_TRUE(parse_pm2_list(kList, "we")->instances.empty());
  EXPECT_TRUE(parse_pm2_list("[]\n", "web")->instances.empty());
  for (const char* nothing : {"", "[PM2] Spawning PM2 daemon\n", "[{\"cut\": "})
    EXPECT_FALSE(parse_pm2_list(nothing, "web").has_value()) << nothing;
}

/// Answers with the version of its directory. "circle": ends after it has served for a while; "crash": at once.
constexpr const char* kApp = R"js(
const fs = require('fs'), http = require('http'), path = require('path');
const version = fs.readFileSync(path.join(__dirname, 'VERSION'), 'utf8').trim();
console.log('shop', version, 'starts');
setTimeout(() => process.exit(9), 240000).unref();
if (process.argv.includes('crash')) { console.error('no such table: orders'); process.exit(3); }
if (process.argv.includes('circle')) setTimeout(() => process.exit(3), 1800);
if (process.argv.includes('deaf')) process.on('SIGINT', () => {});
http.createServer((q, r) => r.end(version)).listen(Number(process.env.SHOP_PORT), '127.0.0.1');
)js";

class Pm2Test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string source = BACKOUT_SOURCE_DIR;
    conformance::LocalHost local;
    const auto result =
        local.host->run({.argv = {source + "/tests/support/pm2.sh", source}, .timeout = Millis(120'000)});
    if (result && result->ok()) program = std::string(trimmed(result->out));
    if (result) why = result->err;
  }
  void SetUp() override {
    ASSERT_FALSE(program.empty()) << "no PM2 to test against: " << why;
    std::filesystem::create_directory(home);
    for (const char* version : {"v1", "v2"}) write_text(shop.path + "/releases/" + version + "/app.js", kApp);
  }
  void TearDown() override {
    if (program.empty()) return;
    sh("pid=$(cat \"$PM2_HOME/pm2.pid\"); \"$PM2\" kill; i=0; while kill -0 \"$pid\" && [ $i -lt 100 ] && "
       "! grep -q '^State:.*Z' /proc/$pid/status; do sleep 0.05; i=$((i + 1)); done");
  }

  void ecosystem(const std::string& fields = "") const {
    for (const char* version : {"v1", "v2"})
      write_text(shop.path + "/releases/" + version + "/ecosystem.config.js",
                 "module.exports = {apps: [{name: 'shop', script: 'app.js', env: {SHOP_PORT: '" +
                     std::to_string(shop.port) + "'}, " + fields + "}, {name: 'other', script: 'no.js'}]};");
  }
  std::string sh(const std::string& script) const {
    host::Command command = host::shell(script);
    command.env = {{"PM2_HOME", home}, {"PM2", program}, {"SHOP_PORT", std::to_string(shop.port)}};
    const auto result = local.host->run(command, {});
    return result ? result->out + result->err : "";
  }
  Json subject(int drain_ms = 3000) const {
    return {{"name", "shop"},    {"app", "shop"},        {"home", home},       {"program", program},
            {"port", shop.port}, {"drain_ms", drain_ms}, {"startup_ms", 8000}, {"code", shop.code()}};
  }
  Json from_ecosystem() const {
    Json args = subject();
    args["cwd"] = shop.path + "/current";
    args["ecosystem"] = shop.path + "/current/ecosystem.config.js";
    return args;
  }
  static Action action(const std::string& verb, Json args, const std::string& version = "v1") {
    args["version"] = version;
    return {"pm2", verb, std::move(args)};
  }
  host::CommandResult apply(const Action& what) const {
    const auto result = conformance::apply(*driver, what, *local.host);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  Sight look(const Action& what) const { return driver->verify(what, *local.host, {}); }

  static inline std::string program, why;
  conformance::LocalHost local;
  conformance::ScratchDirectory dir;
  Shop shop;
  std::string home = dir / "home";
  std::unique_ptr<driver::Driver> driver = make_pm2_driver();
};

TEST_F(Pm2Test, ConformsFromAnEcosystemInClusterMode) {
  ecosystem("instances: 2, exec_mode: 'cluster'");
  conformance::conforms(
      *driver, {.action = action("start", from_ecosystem()),
                .undo = action("stop", from_ecosystem()),
                .reset = [this] { apply(action("stop", from_ecosystem())); },
                .done = [this] { return shop.version_served() == "v1"; },
                .bad = {action("start", {{"name", "x"}, {"app", "all"}}),
                        action("start", {{"name", "x"}, {"app", "7"}}), action("stop", {{"name", "x"}, {"app", "-x"}})},
                .kills = 2,
                .settle = Millis(500)});
}

TEST_F(Pm2Test, ConformsWhenStoppingAndBack) {
  sh("cd / && \"$PM2\" start '" + shop.path + "/current/app.js' --name shop");
  conformance::conforms(*driver, {.action = action("stop", subject()),
                                  .undo = action("start", subject()),
                                  .reset = [this] { EXPECT_TRUE(apply(action("start", subject())).ok()); },
                                  .done = [this] { return shop.version_served().empty(); },
                                  .kills = 1,
                                  .settle = Millis(500)});
}

TEST_F(Pm2Test, ARestartFollowsCurrentAndWhatWasSavedIsSavedAgain) {
  shop.switch_to("v2");
  sh("cd / && \"$PM2\" start '" + shop.path + "/current/app.js' --name shop && \"$PM2\" save");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  shop.switch_to("v1");
  Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("before the code was switched"), std::string::npos) << sight.why;
  EXPECT_NE(sight.why.find("PM2 says online"), std::string::npos) << sight.why;
  const auto saved = std::filesystem::last_write_time(home + "/dump.pm2");
  ASSERT_TRUE(apply(action("start", subject())).ok());
  // One that PM2 restarted by itself meanwhile must have lived for some seconds.
  EXPECT_TRUE(comes_true([&] {
    sight = look(action("serves", subject()));
    return sight.kind == SightKind::kHolds;
  })) << sight.why;
  EXPECT_EQ(shop.version_served(), "v1");
  EXPECT_GT(std::filesystem::last_write_time(home + "/dump.pm2"), saved);
}

TEST_F(Pm2Test, OneThatIsKeptInItsReleaseIsRefusedUnlessAnEcosystemIsThere) {
  ecosystem();
  shop.switch_to("v2");
  sh("cd '" + shop.path + "/current' && \"$PM2\" start ecosystem.config.js --only shop");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  driver::Offering offering{.from = Version("v2"), .to = Version("v1"), .subject = subject(), .hosts = {"local"}};
  offering.seen["local"] = *driver->observe(offering.subject, *local.host, {});
  const auto refused = driver->offer(offering);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("so a restart brings that release back"), std::string::npos);
  // A restart all the same is seen for what it is.
  shop.switch_to("v1");
  apply(action("start", subject()));
  EXPECT_NE(look(action("serves", subject())).why.find("runs from v2, expected v1"), std::string::npos)
      << look(action("serves", subject())).why;

  offering.subject = from_ecosystem();
  offering.seen["local"] = *driver->observe(offering.subject, *local.host, {});
  EXPECT_TRUE(driver->offer(offering).has_value());
  ASSERT_TRUE(apply(action("start", from_ecosystem())).ok());
  EXPECT_EQ(look(action("serves", from_ecosystem())).kind, SightKind::kHolds)
      << look(action("serves", from_ecosystem())).why;
  EXPECT_EQ(shop.version_served(), "v1");
}

TEST_F(Pm2Test, OneThatDoesNotStartShowsItsOwnLastWordsAndNoSecret) {
  ecosystem("args: 'crash', max_restarts: 2, min_uptime: 1000");
  host::CommandResult started = apply(action("start", from_ecosystem()));
  EXPECT_FALSE(started.ok());
  EXPECT_NE(started.err.find("no such table: orders"), std::string::npos) << started.err;
  const Sight sight = look(action("serves", from_ecosystem()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.evidence["log"].dump().find("no such table: orders"), std::string::npos) << sight.evidence.dump();
  EXPECT_EQ((started.out + started.err + sight.evidence.dump()).find("SHOP_PORT"), std::string::npos);
}

TEST_F(Pm2Test, OnlineAgainAndAgainIsNotService) {
  ecosystem("args: 'circle'");
  apply(action("start", from_ecosystem()));
  ASSERT_TRUE(comes_true([&] { return look(action("serves", from_ecosystem())).kind == SightKind::kDoesNotHold; }));
  for (int i = 0; i < 6; ++i) {
    const Sight sight = look(action("serves", from_ecosystem()));
    EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << sight.why << sight.evidence.dump();
    std::this_thread::sleep_for(Millis(300));
  }
}

TEST_F(Pm2Test, OneThatIgnoresItsSignalIsKilledAfterItsDrain) {
  ecosystem("args: 'deaf', kill_timeout: 60000");
  ASSERT_TRUE(apply(action("start", from_ecosystem())).ok());
  const auto stopped = apply(action("stop", subject(500)));
  EXPECT_TRUE(stopped.ok()) << stopped.err;
  EXPECT_NE(stopped.out.find("KILL"), std::string::npos) << stopped.out;
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kHolds) << look(action("stop", subject())).why;
}

TEST_F(Pm2Test, WhatWasComingUpWhenThePlanWasMadeCountsAsRunning) {
  ecosystem("wait_ready: true, listen_timeout: 20000");
  EXPECT_EQ(get_bool(*driver->observe(from_ecosystem(), *local.host, {}), "running", true), false);
  sh("\"$PM2\" ping; cd " + shop.path + "/current; \"$PM2\" start ecosystem.config.js --only shop >/dev/null 2>&1 &");
  ASSERT_TRUE(comes_true([&] { return sh("\"$PM2\" jlist").find("\"status\":\"launching\"") != std::string::npos; }));
  EXPECT_EQ(get_bool(*driver->observe(from_ecosystem(), *local.host, {}), "running", false), true);
}

TEST_F(Pm2Test, ALookStartsNoDaemon) {
  EXPECT_EQ(driver->observe(subject(), *local.host, {}).error().code, Code::kNotFound);
  EXPECT_EQ(get_bool(*driver->observe(from_ecosystem(), *local.host, {}), "running", true), false);
  EXPECT_EQ(look(action("stop", from_ecosystem())).kind, SightKind::kHolds);
  EXPECT_EQ(look(action("serves", from_ecosystem())).kind, SightKind::kDoesNotHold);
  EXPECT_FALSE(apply(action("start", subject())).ok());
  EXPECT_FALSE(std::filesystem::exists(home + "/pm2.pid"));
  Json args = subject();
  args["program"] = "/no/such/pm2";
  EXPECT_EQ(look(action("serves", args)).kind, SightKind::kCannotTell);
}

}  // namespace
}  // namespace backout::drivers
