// Timers that deploy, against a real systemd.
#include <gmock/gmock.h>

#include "conformance/conformance.h"
#include "drivers/auto_deploy/auto_deploy.h"
#include "support/systemd_host.h"

namespace backout::drivers {
namespace {

using ::testing::HasSubstr;

class DeployTimer : public testing_support::SystemdFixture<DeployTimer> {
 protected:
  void SetUp() override {
    SystemdFixture::SetUp();
    if (!inside) return;
    sh("cat >/etc/systemd/system/pull.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n");
    sh("cat >/etc/systemd/system/pull.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
    reset();
  }
  void TearDown() override {
    if (inside) sh("systemctl disable --now pull.timer; rm -rf /etc/systemd/system/pull.*; systemctl daemon-reload");
  }
  void reset() {
    sh("rm -rf /etc/systemd/system/pull.timer.d; systemctl daemon-reload; systemctl enable --now pull.timer");
  }
  std::string sh(const std::string& script, const std::string& input = "") {
    host::Command command = host::shell(script);
    command.stdin_text = input;
    const auto result = inside->run(command, {});
    return result ? result->out + result->err : "";
  }
  std::string state() { return sh("systemctl is-active pull.timer; systemctl is-enabled pull.timer"); }
  Step step() {
    driver::Offering made{.subject = {{"name", "pull"}, {"kind", "timer"}, {"object", "pull"}}, .hosts = {"local"}};
    made.seen["local"] = driver->observe(made.subject, *inside, {}).value_or(Json::object());
    return conformance::offers_well(*driver, made).at(0);
  }
  std::unique_ptr<driver::Driver> driver = make_auto_deploy_driver();
};

TEST_F(DeployTimer, pausing_conforms) {
  const Step pause = step();
  conformance::conforms(*driver, {.action = pause.action,
                                  .undo = pause.undo,
                                  .reset = [&] { reset(); },
                                  .done = [&] { return state() == "inactive\nenabled\n"; },
                                  .as_before = [&] { return state() == "active\nenabled\n"; },
                                  .kills = 2,
                                  .settle = Millis(200),
                                  .hosts = {&*inside}});
  EXPECT_THAT(sh("ls /etc/systemd/system"), ::testing::Not(HasSubstr("pull.timer.d")));
}

/// What a boot does: everything is read anew, and what is enabled is started.
TEST_F(DeployTimer, stays_paused_over_a_reboot) {
  const Step pause = step();
  conformance::apply_well(*driver, pause.action, *inside);
  sh("rm -rf /run/systemd/system/pull*; systemctl daemon-reload; systemctl restart timers.target; "
     "systemctl start pull.timer");
  EXPECT_EQ(driver->verify(pause.action, *inside, {}).kind, SightKind::kHolds) << state();
  EXPECT_THAT(sh("systemctl cat pull.timer"), HasSubstr("# backout keeps this from starting"))
      << "an operator sees why";
  conformance::apply_well(*driver, *pause.undo, *inside);
  EXPECT_EQ(driver->verify(*pause.undo, *inside, {}).kind, SightKind::kHolds);
  EXPECT_EQ(state(), "active\nenabled\n");
}

TEST_F(DeployTimer, that_was_stopped_and_is_enabled_is_paused_too_and_left_stopped_later) {
  sh("systemctl stop pull.timer");
  const Step pause = step();
  ASSERT_EQ(pause.action.verb, "pause") << "the next boot would start it";
  conformance::apply_well(*driver, pause.action, *inside);
  EXPECT_EQ(driver->verify(pause.action, *inside, {}).kind, SightKind::kHolds);
  conformance::apply_well(*driver, *pause.undo, *inside);
  EXPECT_EQ(state(), "inactive\nenabled\n");
  EXPECT_EQ(driver->verify(*pause.undo, *inside, {}).kind, SightKind::kHolds);
}

TEST_F(DeployTimer, that_is_disabled_and_stopped_rests_already) {
  sh("systemctl disable --now pull.timer");
  const Step rests = step();
  EXPECT_EQ(rests.action.verb, "rests");
  EXPECT_EQ(driver->verify(rests.action, *inside, {}).kind, SightKind::kHolds);
  sh("systemctl start pull.timer");
  EXPECT_EQ(driver->verify(rests.action, *inside, {}).kind, SightKind::kDoesNotHold);
}

}  // namespace
}  // namespace backout::drivers
