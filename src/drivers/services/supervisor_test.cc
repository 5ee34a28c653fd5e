#include "drivers/services/supervisor.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/services/shop_for_tests.h"

namespace backout::drivers {
namespace {

/// A real supervisord of our own, that ends with us.
class SupervisorTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (daemon_ <= 0) return;
    ::kill(daemon_, SIGTERM);
    for (int i = 0; i < 250 && ::waitpid(daemon_, nullptr, WNOHANG) == 0; ++i) {
      if (i == 200) ::kill(daemon_, SIGKILL);
      std::this_thread::sleep_for(Millis(20));
    }
  }

  /// [program:shop] in the live release, with these flags and lines.
  void program(const std::string& flags = "", const std::string& more = "") {
    programs += "[program:shop]\ncommand=/usr/bin/python3 app.py " + std::to_string(shop.port) + " " + flags +
                "\ndirectory=" + shop.path + "/current\nautostart=false\nstartsecs=0\n" + more + "\n";
  }
  void write_configuration() const {
    write_text(config, "[unix_http_server]\nfile=" + dir / "s.sock" + "\n[supervisord]\nlogfile=" + dir / "s.log" +
                           "\npidfile=" + dir / "s.pid" + "\nchildlogdir=" + dir.path() +
                           "\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:"
                           "make_main_rpcinterface\n[supervisorctl]\nserverurl=unix://%(here)s/s.sock ; here\n" +
                           programs);
  }
  void start_supervisord() {
    write_configuration();
    daemon_ = ::fork();
    if (daemon_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      ::execl("/usr/bin/supervisord", "supervisord", "-n", "-s", "-c", config.c_str(), nullptr);
      ::_exit(127);
    }
    ASSERT_TRUE(comes_true([&] {
      return sh("supervisorctl -c " + config + " pid").find_first_not_of("0123456789\n") == std::string::npos;
    })) << "no supervisord to test against: apt-get install -y --no-install-recommends supervisor";
  }
  std::string sh(const std::string& script) const {
    const auto result = local.host->run(host::shell(script), {});
    return result ? result->out + result->err : "";
  }
  Json subject(const std::string& program = "shop", int drain_ms = 3000) const {
    return {{"name", "shop"},       {"program", program}, {"config", config},   {"port", shop.port},
            {"drain_ms", drain_ms}, {"startup_ms", 6000}, {"code", shop.code()}};
  }
  static Action action(const std::string& verb, Json args, const std::string& version = "v1") {
    args["version"] = version;
    return {"supervisor", verb, std::move(args)};
  }
  host::CommandResult apply(const Action& what) const {
    const auto result = conformance::apply(*driver, what, *local.host);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result ? *result : host::CommandResult{.exit_status = -1};
  }
  Sight look(const Action& what) const { return driver->verify(what, *local.host, {}); }

  conformance::LocalHost local;
  conformance::ScratchDirectory dir;
  Shop shop;
  std::string config = dir / "s.conf", programs;
  std::unique_ptr<driver::Driver> driver = make_supervisor_driver();

 private:
  pid_t daemon_ = 0;
};

TEST_F(SupervisorTest, ConformsWhenStartingAndBack) {
  program();
  start_supervisord();
  conformance::conforms(*driver, {.action = action("start", subject()),
                                  .undo = action("stop", subject()),
                                  .reset = [this] { apply(action("stop", subject())); },
                                  .done = [this] { return shop.version_served() == "v1"; },
                                  .bad = {action("start", {{"name", "x"}, {"program", "-x"}}),
                                          action("start", {{"name", "x"}, {"program", "all"}}),
                                          action("stop", {{"name", "x"}, {"program", "a b"}})},
                                  .kills = 2,
                                  .settle = Millis(400)});
}

TEST_F(SupervisorTest, ConformsWhenStoppingAndBack) {
  program();
  start_supervisord();
  conformance::conforms(*driver, {.action = action("stop", subject()),
                                  .undo = action("start", subject()),
                                  .reset = [this] { EXPECT_TRUE(apply(action("start", subject())).ok()); },
                                  .done = [this] { return shop.version_served().empty(); },
                                  .kills = 1,
                                  .settle = Millis(400)});
}

TEST_F(SupervisorTest, AllProcessesOfAProgramWithNumprocsAreMeant) {
  program("hold", "numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d");
  start_supervisord();
  EXPECT_EQ(get_bool(*driver->observe(subject(), *local.host, {}), "running", true), false);
  const auto started = apply(action("start", subject()));
  ASSERT_TRUE(started.ok()) << started.err;
  Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_EQ(sight.evidence["instances"].size(), 2U);
  EXPECT_NE(sight.why.find("all 2 of it are up"), std::string::npos) << sight.why;

  sh("supervisorctl -c " + config + " stop shop:shop_01");
  sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << "one of two serves, and the port is open";
  EXPECT_NE(sight.why.find("shop:shop_01 is STOPPED"), std::string::npos) << sight.why;
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kDoesNotHold);
  EXPECT_EQ(look(action("serves",
                        [&] {
                          Json one = subject("shop:shop_00");
                          return one;
                        }()))
                .kind,
            SightKind::kHolds);

  EXPECT_TRUE(apply(action("stop", subject())).ok());
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kHolds) << look(action("stop", subject())).why;
}

TEST_F(SupervisorTest, OneThatIgnoresTermAndItsChildrenAreEndedAfterTheDrain) {
  program("deaf child", "stopwaitsecs=60");
  start_supervisord();
  ASSERT_TRUE(apply(action("start", subject())).ok());
  const auto stopped = apply(action("stop", subject("shop", 500)));
  EXPECT_TRUE(stopped.ok()) << stopped.err;
  EXPECT_NE(stopped.out.find("KILL"), std::string::npos) << stopped.out;
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kHolds) << look(action("stop", subject())).why;
}

TEST_F(SupervisorTest, WhatWasComingUpWhenThePlanWasMadeIsUpAfterAnAbort) {
  program("", "startsecs=4");
  start_supervisord();
  const std::string host = local.host->name().str();
  driver::Offering offering{.from = Version("v1"), .to = Version("v2"), .subject = subject(), .hosts = {host}};
  const auto undo_of_stop = [&] {
    offering.seen[host] = *driver->observe(subject(), *local.host, {});
    return *driver->offer(offering)->at(0).undo;
  };
  ASSERT_TRUE(apply(undo_of_stop()).ok());
  EXPECT_EQ(shop.version_served(), "") << "it was stopped, and is left so";

  sh("supervisorctl -c " + config + " start shop >/dev/null 2>&1 &");
  ASSERT_TRUE(
      comes_true([&] { return sh("supervisorctl -c " + config + " status").find("STARTING") != std::string::npos; }));
  const Action undo = undo_of_stop();
  ASSERT_TRUE(apply(action("stop", subject())).ok());
  const auto back = apply(undo);
  EXPECT_TRUE(back.ok()) << back.err;
  EXPECT_EQ(look(undo).kind, SightKind::kHolds) << look(undo).why;
  EXPECT_EQ(shop.version_served(), "v1");
}

TEST_F(SupervisorTest, AChildThatSupervisordLeavesBehindIsSeen) {
  program("child");
  start_supervisord();
  ASSERT_TRUE(apply(action("start", subject())).ok());
  sh("supervisorctl -c " + config + " stop shop");
  Json args = subject();
  args.erase("port");
  const Sight sight = look(action("stop", args));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << sight.why;
  EXPECT_NE(sight.why.find("still lives"), std::string::npos) << sight.why;
  EXPECT_TRUE(apply(action("stop", subject("shop", 300))).ok());
  EXPECT_EQ(look(action("stop", args)).kind, SightKind::kHolds) << look(action("stop", args)).why;
}

TEST_F(SupervisorTest, OneThatDoesNotStartShowsItsOwnLastWords) {
  program("crash", "startsecs=1\nstartretries=1");
  start_supervisord();
  const auto started = apply(action("start", subject()));
  EXPECT_FALSE(started.ok());
  EXPECT_NE(started.err.find("no such table: orders"), std::string::npos) << started.err;
  const Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.evidence["log"].dump().find("no such table: orders"), std::string::npos) << sight.evidence.dump();
  EXPECT_TRUE(get_bool(sight.evidence, "final")) << "supervisord has given it up: no use in waiting";
  EXPECT_EQ(get_bool(*driver->observe(subject(), *local.host, {}), "running", true), false);
}

TEST_F(SupervisorTest, OneThatIsSaidToRunAndIsNotThereIsNotWaitedFor) {
  program();
  start_supervisord();
  const std::string liar = dir / "bin/supervisorctl";
  std::filesystem::create_directories(dir / "bin");
  std::ofstream(liar) << "#!/bin/sh\necho 'shop   RUNNING   pid 4194305, uptime 0:00:09'\n";
  std::filesystem::permissions(liar, std::filesystem::perms::owner_all);
  Json args = subject();
  args["startup_ms"] = 30'000;
  host::Command command = *driver->command(action("start", args), *local.host);
  command.env["PATH"] = (dir / "bin") + ":/usr/sbin:/usr/bin:/sbin:/bin";
  const BootTime began = system_clock().boot();
  const auto started = local.host->run(command, {});
  ASSERT_TRUE(started);
  EXPECT_FALSE(started->ok());
  EXPECT_NE(started->err.find("there is no such process"), std::string::npos) << started->err;
  EXPECT_LT(system_clock().boot() - began, Millis(15'000));
}

TEST_F(SupervisorTest, RunningAgainAndAgainIsNotService) {
  program("circle", "autorestart=true\nstartsecs=1");
  start_supervisord();
  apply(action("start", subject()));
  ASSERT_TRUE(comes_true([&] { return look(action("serves", subject())).kind == SightKind::kDoesNotHold; }));
  for (int i = 0; i < 8; ++i) {
    const Sight sight = look(action("serves", subject()));
    EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << sight.why << sight.evidence.dump();
    std::this_thread::sleep_for(Millis(250));
  }
  EXPECT_GT(get_int(look(action("serves", subject())).evidence["instances"][0], "restarts"), 0);
}

TEST_F(SupervisorTest, RunningSinceBeforeTheSwitchIsSeen) {
  program();
  start_supervisord();
  shop.switch_to("v2");
  ASSERT_TRUE(apply(action("start", subject(), "v2")).ok());
  shop.switch_to("v1");
  EXPECT_TRUE(apply(action("start", subject())).ok());
  const Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("before the code was switched"), std::string::npos) << sight.why;
  EXPECT_NE(sight.why.find("supervisor says RUNNING"), std::string::npos) << sight.why;
}

TEST_F(SupervisorTest, RunningWhileAnotherProcessKeepsThePortIsSeen) {
  shop.stranger(shop.path + "/releases/v2");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  program("silent");
  start_supervisord();
  apply(action("start", subject()));
  const Sight sight = look(action("serves", subject()));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("is held by"), std::string::npos) << sight.why;
  apply(action("stop", subject()));
  EXPECT_EQ(look(action("stop", subject())).kind, SightKind::kDoesNotHold);
}

TEST_F(SupervisorTest, AChangedConfigurationIsUsedByTheStart) {
  program();
  start_supervisord();
  programs = replaced(programs, "/current", "/releases/v2");
  write_configuration();
  ASSERT_TRUE(apply(action("start", subject())).ok());
  EXPECT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  const Sight sight = look(action("serves", subject()));
  EXPECT_NE(sight.why.find("runs from v2, expected v1"), std::string::npos) << sight.why;
}

TEST_F(SupervisorTest, AProgramThatIsNotThereIsNeitherUpNorDown) {
  start_supervisord();
  for (const char* verb : {"stop", "start"}) {
    const auto result = apply(action(verb, subject()));
    EXPECT_FALSE(result.ok());
    EXPECT_NE(result.err.find("supervisord knows no program shop"), std::string::npos) << result.err;
    EXPECT_EQ(look(action(verb, subject())).kind, SightKind::kDoesNotHold);
  }
  EXPECT_EQ(driver->observe(subject(), *local.host, {}).error().code, Code::kNotFound);
}

TEST_F(SupervisorTest, WithoutASupervisordNothingIsKnown) {
  program();
  write_configuration();
  for (const char* verb : {"stop", "start", "serves"}) {
    const Sight sight = look(action(verb, subject()));
    EXPECT_EQ(sight.kind, SightKind::kCannotTell) << verb << ": " << sight.why;
  }
  EXPECT_FALSE(apply(action("stop", subject())).ok());
  EXPECT_EQ(driver->observe(subject(), *local.host, {}).error().code, Code::kUnavailable);
}

TEST(SupervisorOffers, StopStartAndALook) {
  driver::Offering offering{.from = Version("v2"), .to = Version("v1"), .hosts = {"web-1"}};
  offering.subject = {{"name", "shop:web"}, {"program", "shop:web"}, {"drain_ms", 30000}};
  const auto steps = conformance::offers_well(*make_supervisor_driver(), offering);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].id.str(), "stop-shop-web");
}

}  // namespace
}  // namespace backout::drivers
