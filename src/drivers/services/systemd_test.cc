#include "drivers/services/systemd.h"

#include <gtest/gtest.h>

#include "conformance/conformance.h"
#include "drivers/checks/http.h"
#include "drivers/services/shop_for_tests.h"
#include "drivers/services/unit_state.h"
#include "support/systemd_host.h"

namespace backout::drivers {
namespace {

class SystemdTest : public testing_support::SystemdFixture<SystemdTest> {
 protected:
  void SetUp() override {
    SystemdFixture::SetUp();
    if (!inside) return;
    shop.emplace(container->shared());
  }
  void TearDown() override {
    if (!inside) return;
    sh("systemctl stop shop.service; systemctl kill -s KILL shop.service; systemctl reset-failed; rm -f "
       "/etc/systemd/system/shop.service");
  }

  void unit(const std::string& service, const std::string& flags = "", const std::string& more = "") {
    sh("cat >/etc/systemd/system/shop.service; systemctl daemon-reload",
       "[Unit]\nStartLimitIntervalSec=0\n" + more + "\n[Service]\nWorkingDirectory=" + shop->path +
           "/current\nExecStart=/usr/bin/python3 app.py " + std::to_string(shop->port) + " " + flags + "\n" + service +
           "\n");
  }
  std::string sh(const std::string& script, const std::string& input = "") {
    host::Command command = host::shell(script);
    command.stdin_text = input;
    const auto result = inside->run(command, {});
    EXPECT_TRUE(result.has_value());
    return result ? result->out + result->err : "";
  }
  Json subject(int drain_ms = 2000) const {
    return {{"name", "shop"},       {"unit", "shop.service"}, {"port", shop->port},
            {"drain_ms", drain_ms}, {"startup_ms", 5000},     {"code", shop->code()}};
  }
  static Action action(const std::string& verb, Json args, const std::string& version = "v1") {
    args["version"] = version;
    return {"systemd", verb, std::move(args)};
  }
  host::CommandResult apply(const Action& what) {
    const auto result = conformance::apply(*driver, what, *inside);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  Sight look(const Action& what) { return driver->verify(what, *inside, {}); }

  std::optional<Shop> shop;
  std::unique_ptr<driver::Driver> driver = make_systemd_driver();
};

TEST_F(SystemdTest, ConformsWhenStartingAndBack) {
  unit("");
  conformance::conforms(*driver, {.action = action("start", subject()),
                                  .undo = action("stop", subject()),
                                  .reset = [this] { apply(action("stop", subject())); },
                                  .done = [this] { return shop->version_served() == "v1"; },
                                  .bad = {action("start", {{"name", "x"}, {"unit", "-x"}}),
                                          action("stop", {{"name", "x"}, {"unit", "a/b"}})},
                                  .kills = 2,
                                  .settle = Millis(300),
                                  .hosts = {&*inside}});
}

TEST_F(SystemdTest, ConformsWhenStoppingAndBack) {
  unit("");
  conformance::conforms(*driver, {.action = action("stop", subject()),
                                  .undo = action("start", subject()),
                                  .reset = [this] { EXPECT_TRUE(apply(action("start", subject())).ok()); },
                                  .done = [this] { return shop->version_served().empty(); },
                                  .kills = 2,
                                  .settle = Millis(300),
                                  .hosts = {&*inside}});
}

TEST_F(SystemdTest, OneThatIgnoresTermIsKilledAfterItsDrain) {
  unit("", "deaf child");
  ASSERT_TRUE(apply(action("start", subject())).ok());
  const auto stopped = apply(action("stop", subject(300)));
  EXPECT_TRUE(stopped.ok()) << stopped.err;
  EXPECT_NE(stopped.out.find("KILL"), std::string::npos);
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kHolds) << look(action("stop", subject())).why;
}

TEST_F(SystemdTest, ChildrenThatSystemdLeavesBehindAreSeenAndEnded) {
  unit("KillMode=process", "child");
  ASSERT_TRUE(apply(action("start", subject())).ok());
  sh("systemctl stop shop.service");
  const Sight sight = look(action("stop", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("still lives"), std::string::npos) << sight.why;
  EXPECT_TRUE(apply(action("stop", subject())).ok());
  EXPECT_TRUE(comes_true([&] { return look(action("stop", subject())).kind == SightKind::kHolds; }))
      << look(action("stop", subject())).why;
}

TEST_F(SystemdTest, AUnitFileThatChangedIsLoadedBeforeTheStart) {
  // Wanted by a target, it stays loaded while it is down, as an enabled unit does.
  sh("ln -s ../shop.service /etc/systemd/system/multi-user.target.wants/");
  unit("Environment=GREETING=old");
  sh("systemctl start shop; systemctl stop shop; sed -i s/=old/=new/ /etc/systemd/system/shop.service");
  ASSERT_NE(sh("systemctl show -p Environment shop").find("GREETING=old"), std::string::npos);
  ASSERT_TRUE(apply(action("start", subject())).ok());
  EXPECT_NE(sh("systemctl show -p Environment shop").find("GREETING=new"), std::string::npos);
  sh("rm /etc/systemd/system/multi-user.target.wants/shop.service");
}

TEST_F(SystemdTest, AStartLimitOfTheBadReleaseDoesNotKeepTheGoodOneDown) {
  unit("Restart=on-failure\nRestartSec=10ms", "crash-v2", "StartLimitIntervalSec=60\nStartLimitBurst=2");
  shop->switch_to("v2");
  sh("systemctl start shop");
  ASSERT_TRUE(
      comes_true([&] { return sh("systemctl show -p Result,ActiveState shop").find("failed") != std::string::npos; }));
  shop->switch_to("v1");
  ASSERT_NE(sh("systemctl start shop || echo refused").find("refused"), std::string::npos);
  EXPECT_TRUE(apply(action("start", subject())).ok());
  EXPECT_EQ(look(action("serves", subject())).kind, SightKind::kHolds) << look(action("serves", subject())).why;
}

// The liars.

TEST_F(SystemdTest, ActiveWhileItStartedBeforeTheSwitchIsSeen) {
  unit("");
  shop->switch_to("v2");
  ASSERT_TRUE(apply(action("start", subject(), "v2")).ok());
  ASSERT_EQ(look(action("serves", subject(), "v2")).kind, SightKind::kHolds)
      << look(action("serves", subject(), "v2")).why;
  shop->switch_to("v1");
  EXPECT_TRUE(apply(action("start", subject())).ok()) << "systemctl start of an active unit says that all is well";
  const Sight sight = look(action("start", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("before the code was switched"), std::string::npos) << sight.why;
  EXPECT_NE(sight.why.find("systemctl says active"), std::string::npos) << sight.why;
  EXPECT_EQ(sight.evidence["systemd"]["active"], "active");
}

TEST_F(SystemdTest, ActiveWhileAnotherProcessKeepsThePortIsSeen) {
  shop->stranger(shop->path + "/releases/v2");
  ASSERT_TRUE(comes_true([&] { return shop->version_served() == "v2"; }));
  unit("", "silent");
  apply(action("start", subject()));
  ASSERT_EQ(sh("systemctl is-active shop"), "active\n");
  const Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("port " + std::to_string(shop->port) + " is held by"), std::string::npos) << sight.why;
  const Sight version = make_http_driver()->verify(
      {"http", "check", {{"name", "version"}, {"url", shop->url()}, {"version", "v1"}}}, *inside, {});
  EXPECT_EQ(version.kind, SightKind::kDoesNotHold);
}

TEST_F(SystemdTest, ActiveFromTheWrongReleaseIsSeen) {
  unit("");
  sh("sed -i s,/current,/releases/v2, /etc/systemd/system/shop.service; systemctl daemon-reload");
  apply(action("start", subject()));
  ASSERT_EQ(shop->version_served(), "v2");
  const Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("runs from v2, expected v1"), std::string::npos) << sight.why;
}

TEST_F(SystemdTest, ACircleOfRestartsIsSeenAndItsLastWordsAreKept) {
  unit("Restart=always\nRestartSec=30ms", "crash");
  const auto result = apply(action("start", subject()));
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.err.find("no such table: orders"), std::string::npos) << result.err;
  for (int i = 0; i < 20; ++i) {
    const Sight sight = look(action("serves", subject()));
    EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << sight.why;
    EXPECT_NE(sight.evidence["log"].dump().find("no such table"), std::string::npos);
  }
}

TEST_F(SystemdTest, OneThatSystemdHasGivenUpIsNotWaitedFor) {
  unit("Restart=no", "crash");
  Json args = subject();
  args.erase("port");
  apply(action("start", args));
  ASSERT_TRUE(comes_true([&] { return sh("systemctl show -p ActiveState shop").find("failed") != std::string::npos; }));
  EXPECT_TRUE(get_bool(look(action("serves", args)).evidence, "final"));
  unit("Restart=always\nRestartSec=30s", "crash");
  apply(action("start", args));
  ASSERT_TRUE(
      comes_true([&] { return sh("systemctl show -p SubState shop").find("auto-restart") != std::string::npos; }));
  const Sight waiting = look(action("serves", args));
  EXPECT_EQ(waiting.kind, SightKind::kDoesNotHold);
  EXPECT_FALSE(get_bool(waiting.evidence, "final")) << "it will be started again";
}

TEST_F(SystemdTest, WithoutAPortACrashAtTheStartIsNotTakenForService) {
  unit("Restart=always\nRestartSec=200ms", "crash");
  Json args = subject();
  args.erase("port");
  apply(action("start", args));
  for (int i = 0; i < 30; ++i) EXPECT_EQ(look(action("serves", args)).kind, SightKind::kDoesNotHold);
}

TEST_F(SystemdTest, AUnitThatIsNotThereIsNeitherUpNorDown) {
  for (const char* verb : {"stop", "start"}) {
    const auto result = apply(action(verb, subject()));
    EXPECT_FALSE(result.ok());
    EXPECT_NE(result.err.find("there is no unit"), std::string::npos) << result.err;
    EXPECT_NE(look(action(verb, subject())).kind, SightKind::kHolds);
  }
  const auto seen = driver->observe(subject(), *inside, {});
  ASSERT_FALSE(seen.has_value());
  EXPECT_EQ(seen.error().code, Code::kNotFound);
}

TEST_F(SystemdTest, ObservesWhatThePlanMayRelyOn) {
  unit("");
  EXPECT_EQ(get_bool(*driver->observe(subject(), *inside, {}), "running", true), false);
  ASSERT_TRUE(apply(action("start", subject())).ok());
  Json seen = *driver->observe(subject(), *inside, {});
  EXPECT_GT(get_int(seen, "seen_at"), 0);
  seen.erase("seen_at");
  EXPECT_EQ(seen, (Json{{"active", "active"}, {"running", true}, {"port_open", true}, {"release", "v1"}}));
}

TEST_F(SystemdTest, WhatWasComingUpWhenThePlanWasMadeIsUpAfterAnAbort) {
  unit("ExecStartPre=/usr/bin/sleep 3");
  sh("systemctl start --no-block shop.service");
  ASSERT_TRUE(comes_true(
      [&] { return sh("systemctl show -p ActiveState shop.service").find("activating") != std::string::npos; }));
  const std::string host = inside->name().str();
  driver::Offering offering{.from = Version("v1"), .to = Version("v2"), .subject = subject(), .hosts = {host}};
  offering.seen[host] = *driver->observe(subject(), *inside, {});
  const Action undo = *driver->offer(offering)->at(0).undo;
  ASSERT_TRUE(apply(action("stop", subject())).ok());
  EXPECT_TRUE(apply(undo).ok());
  EXPECT_EQ(shop->version_served(), "v1");
}

TEST(SystemdUnitState, OneThatIsBegunIsStartingAndOneInACircleIsNot) {
  const auto starting = [](const char* active, const char* sub, int64_t job = 0) {
    return UnitState{.active = active, .sub = sub, .job = job}.is_starting();
  };
  EXPECT_TRUE(starting("activating", "start-pre", 7));
  EXPECT_TRUE(starting("inactive", "dead", 7)) << "it waits for what it is ordered after";
  EXPECT_TRUE(starting("reloading", "reload"));
  EXPECT_FALSE(starting("activating", "auto-restart"));
  EXPECT_FALSE(starting("deactivating", "stop-sigterm", 7));
  EXPECT_FALSE(starting("inactive", "dead"));
  EXPECT_FALSE(starting("failed", "failed"));
}

TEST(SystemdAbsent, AHostWithoutSystemdCannotBeTold) {
  if (std::filesystem::exists("/run/systemd/system"))
    return;  // this very machine has one: the case does not exist here
  conformance::LocalHost local;
  const auto driver = make_systemd_driver();
  const Json args = {{"name", "shop"}, {"unit", "shop"}};
  for (const char* verb : {"stop", "start", "serves"}) {
    const Sight sight = driver->verify({"systemd", verb, args}, *local.host, {});
    EXPECT_EQ(sight.kind, SightKind::kCannotTell) << verb << ": " << sight.why;
    EXPECT_FALSE(sight.why.empty());
  }
  EXPECT_FALSE(driver->observe(args, *local.host, {}).has_value());
}

TEST(SystemdOffers, StopStartAndALook) {
  driver::Offering offering{.from = Version("v2"), .to = Version("v1"), .hosts = {"web-1"}};
  offering.subject = {{"name", "shop-web.service"}, {"unit", "shop-web.service"}, {"drain_ms", 30000}};
  const auto steps = conformance::offers_well(*make_systemd_driver(), offering);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].id.str(), "stop-shop-web.service");
  EXPECT_GT(steps[0].timeout, Millis(30000));
}

}  // namespace
}  // namespace backout::drivers
