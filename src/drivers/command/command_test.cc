#include "drivers/command/command.h"

#include "conformance/conformance.h"
#include "conformance/world.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

using conformance::ask;
using conformance::LocalHost;
using conformance::ScratchDirectory;

Json sh(const std::string& line) { return {{"argv", {"sh", "-c", line}}, {"cwd", "/"}, {"timeout_ms", 20'000}}; }

driver::Offering offering_of(Json subject) {
  driver::Offering offering;
  offering.from = Version("v2");
  offering.to = Version("v1");
  offering.subject = std::move(subject);
  offering.hosts = {"local"};
  return offering;
}

/// A user's command that takes a while, with a way back and an honest probe.
struct Flag {
  ScratchDirectory directory;
  std::string file = directory / "flag";
  Json subject() const {
    return {{"name", "turn the flag on"},
            {"phase", "switch"},
            {"run", sh("sleep 0.05; echo on >" + file + ".tmp; mv " + file + ".tmp " + file)},
            {"undo", sh("rm -f " + file)},
            {"probe", sh("test -e " + file)},
            {"repeatable", true}};
  }
};

TEST(CommandDriver, conforms) {
  const auto driver = make_command_driver();
  Flag flag;
  const auto steps = conformance::offers_well(*driver, offering_of(flag.subject()), true);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].id.str(), "run-turn-the-flag-on");
  EXPECT_EQ(steps[0].phase, Phase::kSwitch);
  EXPECT_TRUE(steps[0].has_probe);
  conformance::DriverCase c;
  c.action = steps[0].action;
  c.undo = steps[0].undo;
  c.reset = [&] { ask("rm -f " + flag.file + "*"); };
  c.done = [&] { return std::filesystem::exists(flag.file); };
  c.bad = {{"command", "run", {{"run", {{"argv", Json::array()}}}}},
           {"command", "run", {{"run", {{"argv", {1, 2}}}}}},
           {"command", "run", {{"run", {{"argv", {"x"}}, {"env", {{"A=B", "1"}}}}}}},
           {"command", "run-undo", c.action.args}};
  conformance::conforms(*driver, c);
}

TEST(CommandDriver, without_a_probe_never_claims_to_know) {
  const auto driver = make_command_driver();
  Flag flag;
  Json subject = flag.subject();
  subject.erase("probe");
  const auto steps = conformance::offers_well(*driver, offering_of(subject), true);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_FALSE(steps[0].has_probe);
  conformance::DriverCase c;
  c.action = steps[0].action;
  c.reset = [&] { ask("rm -f " + flag.file + "*"); };
  c.done = [&] { return std::filesystem::exists(flag.file); };
  c.has_probe = false;
  c.kills = 1;
  conformance::conforms(*driver, c);
}

TEST(CommandDriver, a_probe_that_neither_says_yes_nor_no_cannot_tell) {
  const auto driver = make_command_driver();
  LocalHost local;
  const auto look = [&](const std::string& probe) {
    return driver->verify({"command", "run", {{"run", sh("true")}, {"probe", sh(probe)}}}, *local.host, {});
  };
  EXPECT_EQ(look("exit 0").kind, SightKind::kHolds);
  EXPECT_EQ(look("echo not yet; exit 1").kind, SightKind::kDoesNotHold);
  EXPECT_NE(look("echo not yet; exit 1").why.find("not yet"), std::string::npos);
  EXPECT_EQ(look("exit 2").kind, SightKind::kCannotTell);
  EXPECT_EQ(look("exit 127").kind, SightKind::kCannotTell);
  EXPECT_EQ(look("kill -9 $$").kind, SightKind::kCannotTell);
}

TEST(CommandDriver, offers_nothing_for_a_checkpoint) {
  Flag flag;
  driver::Offering offering = offering_of(flag.subject());
  offering.kind = RunKind::kCheckpoint;
  EXPECT_TRUE(conformance::offers_well(*make_command_driver(), offering, true).empty());
}

TEST(CommandDriver, a_deploy_command_is_never_repeatable_and_nothing_can_probe_it) {
  const auto driver = make_command_driver();
  for (const driver::Verb& verb : driver->capabilities())
    if (verb.name == "deploy") {
      EXPECT_FALSE(verb.repeatable || verb.has_probe);
    }
  LocalHost local;
  const Action deploy{"command", "deploy", {{"run", sh("echo hello; exit 3")}}};
  const auto result = conformance::apply(*driver, deploy, *local.host);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(result->out, "hello\n");
  EXPECT_EQ(driver->verify(deploy, *local.host, {}).kind, SightKind::kCannotTell);
}

TEST(CommandDriver, refuses_a_subject_that_makes_no_sense) {
  const auto driver = make_command_driver();
  for (const Json& subject : {Json::object(), Json{{"name", "x"}}, Json{{"name", "x"}, {"run", "true"}},
                              Json{{"name", "x"}, {"run", sh("true")}, {"phase", "noon"}}}) {
    const auto steps = driver->offer(offering_of(subject));
    EXPECT_FALSE(steps.has_value()) << subject.dump();
  }
}

}  // namespace
}  // namespace backout::drivers
