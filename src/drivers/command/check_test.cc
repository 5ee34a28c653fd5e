#include "drivers/command/check.h"

#include "conformance/conformance.h"

namespace backout::drivers {
namespace {

using conformance::LocalHost;

Json sh(const std::string& line, int timeout_ms = 20'000) {
  return {{"argv", {"sh", "-c", line}}, {"cwd", "/"}, {"timeout_ms", timeout_ms}};
}
Sight check(const std::string& line, int timeout_ms = 20'000) {
  LocalHost local;
  return make_run_check_driver()->verify({"run-check", "check", {{"run", sh(line, timeout_ms)}}}, *local.host, {});
}

driver::Offering offering_of(Json subject) {
  driver::Offering offering;
  offering.to = Version("v1");
  offering.subject = std::move(subject);
  offering.hosts = {"local"};
  return offering;
}

TEST(RunCheckDriver, exit_status_0_holds_and_the_last_line_is_told) {
  const Sight sight = check("echo first; echo all good");
  EXPECT_EQ(sight.kind, SightKind::kHolds);
  EXPECT_EQ(sight.why, "exit status 0: all good");
}

TEST(RunCheckDriver, any_other_end_does_not_hold) {
  EXPECT_EQ(check("echo broken >&2; exit 3").why, "exit status 3: broken");
  EXPECT_EQ(check("exit 3").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(check("kill -9 $$").kind, SightKind::kDoesNotHold);
  EXPECT_EQ(check("sleep 30", 200).kind, SightKind::kDoesNotHold);
  EXPECT_NE(check("sleep 30", 200).why.find("no answer within"), std::string::npos);
}

TEST(RunCheckDriver, output_is_data) {
  const Sight sight = check("printf 'a\\033[31mb\\377\\n'; exit 1");
  EXPECT_EQ(sight.why.find('\033'), std::string::npos);
}

TEST(RunCheckDriver, cannot_tell_on_a_host_that_does_not_answer) {
  conformance::UnreachableHost nowhere;
  EXPECT_EQ(make_run_check_driver()->verify({"run-check", "check", {{"run", sh("true")}}}, nowhere, {}).kind,
            SightKind::kCannotTell);
}

TEST(RunCheckDriver, offers_one_look_with_the_version_filled_in) {
  const auto steps = conformance::offers_well(*make_run_check_driver(),
                                              offering_of({{"name", "Version agrees"},
                                                           {"run", sh("test {{version}} = v1")},
                                                           {"patience", {{"attempts", 6}, {"every_ms", 50}}}}));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].id.str(), "check-version-agrees");
  EXPECT_EQ(steps[0].phase, Phase::kCheck);
  EXPECT_EQ(steps[0].patience.attempts, 6);
  LocalHost local;
  EXPECT_EQ(make_run_check_driver()->verify(steps[0].action, *local.host, {}).kind, SightKind::kHolds);
}

TEST(AskDriver, offers_one_question_and_leaves_the_answer_to_a_person) {
  const auto driver = make_ask_driver();
  driver::Offering offering = offering_of({{"name", "log in"}, {"question", "Can you log in?"}, {"role", "support"}});
  offering.hosts = {"web-1", "web-2"};
  const auto steps = conformance::offers_well(*driver, offering);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].kind, StepKind::kAsk);
  EXPECT_EQ(steps[0].hosts.size(), 1U);
  EXPECT_EQ(steps[0].action.args["question"], "Can you log in?");
  LocalHost local;
  EXPECT_EQ(driver->verify(steps[0].action, *local.host, {}).kind, SightKind::kCannotTell);
  EXPECT_EQ(driver->command(steps[0].action, *local.host).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace backout::drivers
