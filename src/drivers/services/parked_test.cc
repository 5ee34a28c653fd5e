// Timers against a real systemd, cron files in directories of our own.
#include "drivers/services/parked.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "conformance/conformance.h"
#include "drivers/services/cron.h"
#include "drivers/services/shop_for_tests.h"
#include "drivers/services/timer.h"
#include "support/systemd_host.h"

namespace backout::drivers {
namespace {

class CronTest : public ::testing::TestWithParam<const char*> {
 protected:
  CronTest() {
    write_text(file,
               "# jobs\nMAILTO=\"\"\n* * * * * " + who() + "echo often >/dev/null\n@hourly " + who() + job + "\n");
  }
  bool system() const { return GetParam() == std::string("cron"); }
  std::string who() const { return system() ? "root " : ""; }
  Json subject(int drain_ms = 2000) const {
    Json args = {{"name", "jobs"}, {"drain_ms", drain_ms}};
    if (system())
      args["file"] = file;
    else
      args["user"] = "app", args["spool"] = dir.path();
    return args;
  }
  Action action(const std::string& verb, int drain_ms = 2000) const { return {GetParam(), verb, subject(drain_ms)}; }
  Sight look(const Action& what) const { return driver->verify(what, *local.host, {}); }

  conformance::LocalHost local;
  conformance::ScratchDirectory dir;
  const std::string file = dir / "app", mark = "sleep 29.7" + std::to_string(::getpid());
  const std::string job = mark + "; true \\% % not this";
  std::unique_ptr<driver::Driver> driver = system() ? make_cron_driver() : make_crontab_driver();
};
INSTANTIATE_TEST_SUITE_P(Both, CronTest, ::testing::Values("cron", "crontab"),
                         [](const auto& param) { return param.param; });

TEST_P(CronTest, Conforms) {
  const std::string text = read_text(file);
  conformance::conforms(*driver, {.action = action("park"),
                                  .undo = action("unpark"),
                                  .reset =
                                      [&] {
                                        std::filesystem::remove(dir / ".app.backout-parked");
                                        write_text(file, text);
                                      },
                                  .done = [&] { return !std::filesystem::exists(file); },
                                  .as_before = [&] { return read_text(file) == text; },
                                  .always =
                                      [&] {
                                        return std::filesystem::exists(file) ||
                                               std::filesystem::exists(dir / ".app.backout-parked") ||
                                               std::filesystem::exists(file);
                                      },
                                  .bad = {{GetParam(), "park", {{"name", "x"}, {"file", "rel"}, {"user", "a/b"}}},
                                          {GetParam(), "park", {{"name", "x"}, {"file", "/a/"}, {"user", "-a"}}}},
                                  .kills = 2});
}

TEST_P(CronTest, AJobThatRunsIsWaitedForAndEndedAfterTheDrain) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl("/bin/sh", "/bin/sh", "-c", (mark + "; true % ").c_str(), nullptr);
    ::_exit(127);
  }
  std::this_thread::sleep_for(Millis(100));
  Sight sight = look(action("park"));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  std::filesystem::rename(file, dir / ".app.backout-parked");
  sight = look(action("park"));
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight.why.find("a job still runs: pid "), std::string::npos) << sight.why;
  const auto parked = conformance::apply(*driver, action("park", 300), *local.host);
  ASSERT_TRUE(parked.has_value());
  EXPECT_TRUE(parked->ok()) << parked->err;
  EXPECT_NE(parked->out.find("TERM"), std::string::npos) << parked->out;
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(look(action("park")).kind, SightKind::kHolds) << look(action("park")).why;
}

TEST_P(CronTest, OneThatWasPutThereMeanwhileStays) {
  conformance::apply_well(*driver, action("park"), *local.host);
  write_text(file, "# of the release\n");
  EXPECT_EQ(look(action("park")).kind, SightKind::kDoesNotHold) << "its jobs may begin";
  conformance::apply_well(*driver, action("unpark"), *local.host);
  EXPECT_EQ(read_text(file), "# of the release\n");
  EXPECT_NE(read_text(dir / ".app.backout-kept").find("29.7"), std::string::npos);
  EXPECT_EQ(look(action("unpark")).kind, SightKind::kHolds);
}

TEST_P(CronTest, OneThatIsNotThereIsAnError) {
  std::filesystem::remove(file);
  EXPECT_EQ(driver->observe(subject(), *local.host, {}).error().code, Code::kNotFound);
  EXPECT_FALSE(conformance::apply(*driver, action("park"), *local.host)->ok());
  EXPECT_EQ(look(action("park")).kind, SightKind::kDoesNotHold);
  EXPECT_EQ(look(action("unpark")).kind, SightKind::kDoesNotHold);
}

TEST_P(CronTest, OffersToParkAndToUnparkAgain) {
  driver::Offering offering{.from = Version("v2"), .to = Version("v1"), .subject = subject(), .hosts = {"local"}};
  offering.seen["local"] = *driver->observe(subject(), *local.host, {});
  const auto steps = conformance::offers_well(*driver, offering);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].phase, Phase::kClose);
  EXPECT_EQ(steps[1].phase, Phase::kSettle);
  offering.kind = RunKind::kDeploy;
  EXPECT_TRUE(driver->offer(offering)->empty());
}

class TimerTest : public testing_support::SystemdFixture<TimerTest> {
 protected:
  void SetUp() override {
    SystemdFixture::SetUp();
    if (!inside) return;
    sh("cat >/etc/systemd/system/report.timer", "[Timer]\nOnActiveSec=1h\nOnCalendar=daily\n");
    sh("cat >/etc/systemd/system/report.service",
       "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo begins; sleep 60'\n");
    sh("systemctl daemon-reload; systemctl start report.timer");
  }
  void TearDown() override {
    if (inside)
      sh("rm -rf /run/systemd/system/report.timer.d; systemctl daemon-reload; systemctl stop report.timer "
         "report.service");
  }
  std::string sh(const std::string& script, const std::string& input = "") {
    host::Command command = host::shell(script);
    command.stdin_text = input;
    const auto result = inside->run(command, {});
    return result ? result->out + result->err : "";
  }
  bool active(const std::string& unit) { return sh("systemctl is-active " + unit) == "active\n"; }
  static Json subject(int drain_ms = 1000) {
    return {{"name", "report"}, {"unit", "report.timer"}, {"drain_ms", drain_ms}};
  }
  static Action action(const std::string& verb, Json args = subject()) { return {"timer", verb, std::move(args)}; }
  Sight look(const Action& what) { return driver->verify(what, *inside, {}); }

  std::unique_ptr<driver::Driver> driver = make_timer_driver();
};

TEST_F(TimerTest, Conforms) {
  conformance::conforms(
      *driver,
      {.action = action("park"),
       .undo = action("unpark"),
       .reset = [this] { conformance::apply_well(*driver, action("unpark"), *inside); },
       .done =
           [this] {
             return !active("report.timer") &&
                    sh("ls /run/systemd/system/report.timer.d").find("parked.conf\n") != std::string::npos;
           },
       .as_before = [this] { return active("report.timer"); },
       .bad = {action("park", {{"name", "x"}, {"unit", "-x"}}), action("park", {{"name", "x"}, {"unit", "a/b"}})},
       .kills = 2,
       .settle = Millis(200),
       .hosts = {&*inside}});
}

TEST_F(TimerTest, WhileItIsParkedNobodyStartsItAndItsJobIsEnded) {
  sh("systemctl start --no-block report.service");
  ASSERT_TRUE(comes_true([&] { return sh("systemctl is-active report.service") == "activating\n"; }));
  const auto parked = conformance::apply(*driver, action("park", subject(300)), *inside);
  ASSERT_TRUE(parked.has_value() && parked->ok()) << parked->err;
  EXPECT_NE(parked->out.find("TERM"), std::string::npos) << parked->out;
  EXPECT_EQ(look(action("park")).kind, SightKind::kHolds) << look(action("park")).why;
  sh("systemctl start report.timer");
  EXPECT_FALSE(active("report.timer"));
  sh("systemctl start --no-block report.service");
  EXPECT_TRUE(
      comes_true([&] { return look(action("park")).why.find("report.service still runs") != std::string::npos; }));
}

TEST_F(TimerTest, OneThatWasFoundInactiveIsLeftSoAlsoByAnotherRun) {
  sh("systemctl stop report.timer");
  EXPECT_EQ(get_bool(*driver->observe(subject(), *inside, {}), "running", true), false);
  conformance::apply_well(*driver, action("park"), *inside);
  EXPECT_EQ(get_bool(*driver->observe(subject(), *inside, {}), "running", true), false) << "as it was before the park";
  Json args = subject();
  args["leave_down"] = {"local"};
  conformance::apply_well(*driver, action("unpark", args), *inside);
  EXPECT_FALSE(active("report.timer"));
  EXPECT_EQ(look(action("unpark", args)).kind, SightKind::kHolds) << look(action("unpark", args)).why;

  sh("systemctl start report.timer");
  conformance::apply_well(*driver, action("park"), *inside);
  EXPECT_EQ(get_bool(*driver->observe(subject(), *inside, {}), "running", false), true);
}

TEST_F(TimerTest, AUnitThatIsNotThereIsNeitherParkedNorNot) {
  Json args = subject();
  args["unit"] = "no-such.timer";
  EXPECT_EQ(driver->observe(args, *inside, {}).error().code, Code::kNotFound);
  EXPECT_FALSE(conformance::apply(*driver, action("park", args), *inside)->ok());
  EXPECT_EQ(look(action("park", args)).kind, SightKind::kDoesNotHold);
}

}  // namespace
}  // namespace backout::drivers
