// The Coolify driver against the stand-in of tests/coolify: as documented, and in every way that goes wrong.
#include "drivers/code/coolify.h"

#include <gmock/gmock.h>

#include "drivers/code/coolify_answers.h"
#include "drivers/code/coolify_for_tests.h"

namespace backout::drivers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Coolify : OnCoolify {
  static std::vector<Action> bad(const Action& good) {
    std::vector<Action> bad(5, good);
    bad[0].args["url"] = "file:///etc/passwd";
    bad[1].args["application"] = "a/../b";
    bad[2].args["commit"] = "main";
    bad[3].args.erase("secrets");
    bad[4].args["serves"] = "";
    return bad;
  }
};

TEST_F(Coolify, pausing_conforms) {
  const Step step = site().step("pause-coolify");
  conformance::conforms(*site().driver, {.action = step.action,
                                         .undo = step.undo,
                                         .reset =
                                             [&] {
                                               site().restart({{"build", 0.05}});
                                             },
                                         .done = [&] { return !site().auto_deploy() && site().set_to() == kV1; },
                                         .as_before = [&] { return site().auto_deploy() && site().set_to() == "HEAD"; },
                                         .bad = bad(step.action),
                                         .kills = 2});
}

TEST_F(Coolify, deploying_conforms) {
  const Step step = site().step("deploy-coolify");
  conformance::conforms(*site().driver, {.action = step.action,
                                         .undo = step.undo,
                                         .reset =
                                             [&] {
                                               site().restart({{"build", 0.05}});
                                             },
                                         .done = [&] { return site().running() == kV1 && site().quiet(); },
                                         .as_before = [&] { return site().running() == kV2; },
                                         .bad = bad(step.action),
                                         .kills = 2,
                                         .settle = Millis(150)});
}

TEST_F(Coolify, what_it_deployed_is_noted_at_a_checkpoint) {
  driver::Offering offering = site().offering();
  offering.kind = RunKind::kCheckpoint;
  const std::vector<Step> steps = conformance::offers_well(*site().driver, offering);
  ASSERT_EQ(steps.size(), 1U);
  const Sight sight = site().look(steps[0].action);
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_EQ(get_string(sight.evidence, "commit"), kV2);
}

TEST_F(Coolify, what_has_been_deployed_already_is_left_alone) {
  const Action deploy = site().step("deploy-coolify").action;
  EXPECT_TRUE(site().apply(deploy).ok());
  const int before = site().deployments();
  EXPECT_TRUE(site().apply(deploy).ok());
  EXPECT_EQ(site().deployments(), before);
}

/// Coolify answers an id that nobody knows when such a deployment is in the queue already.
TEST_F(Coolify, one_that_was_begun_by_another_is_followed) {
  site().restart({{"build", 0.8}});
  const Action deploy = site().step("deploy-coolify").action;
  site().control({{"set", {{"git_commit_sha", kV1}}}, {"deploy", true}});
  EXPECT_TRUE(site().apply(deploy).ok());
  EXPECT_EQ(site().deployments(), 3);
  EXPECT_EQ(site().look(deploy).kind, SightKind::kHolds);
}

TEST_F(Coolify, a_full_queue_is_waited_for) {
  site().fault({{"full", 1}});
  EXPECT_TRUE(site().apply(site().step("deploy-coolify").action).ok());
  EXPECT_EQ(site().running(), kV1);
}

TEST_F(Coolify, finished_and_the_old_container_still_runs_is_no_success) {
  const Action deploy = site().step("deploy-coolify").action;
  site().fault({{"liar", true}});
  EXPECT_TRUE(site().apply(deploy).ok()) << "Coolify says that it went well";
  const Sight sight = site().look(deploy);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_THAT(sight.why, HasSubstr("the application reports 222222222222, not v1"));
  site().fault({{"names_container", true}});
  EXPECT_THAT(site().look(deploy).why, HasSubstr("is of image 222222222222"));
}

TEST_F(Coolify, finished_and_the_container_has_exited_is_no_success) {
  const Action deploy = site().step("deploy-coolify").action;
  site().fault({{"exited", true}});
  site().apply(deploy);
  EXPECT_THAT(site().look(deploy).why, HasSubstr("exited:unhealthy"));
}

TEST_F(Coolify, a_push_that_overtakes_it_is_no_success) {
  const Action deploy = site().step("deploy-coolify").action;
  site().fault({{"overtaken", true}});
  site().apply(deploy);
  Sight sight = site().look(deploy);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_THAT(sight.why, HasSubstr("by a webhook"));
  while (!site().quiet()) system_clock().wait(Millis(20), {});
  sight = site().look(deploy);
  EXPECT_THAT(sight.why, HasSubstr("what Coolify deployed last is 222222222222 by a webhook"));
}

TEST_F(Coolify, a_push_while_it_is_paused_deploys_nothing) {
  ASSERT_TRUE(site().apply(site().step("pause-coolify").action).ok());
  ASSERT_TRUE(site().apply(site().step("deploy-coolify").action).ok());
  const int before = site().deployments();
  site().control({{"push", {"main", std::string(40, '3')}}});
  EXPECT_EQ(site().deployments(), before);
  site().control({{"deploy", true}});  // somebody presses Deploy: it is set to the good commit
  while (!site().quiet()) system_clock().wait(Millis(20), {});
  EXPECT_EQ(site().running(), kV1);
}

TEST_F(Coolify, somebody_who_turns_it_on_again_is_seen) {
  const Action pause = site().step("pause-coolify").action;
  ASSERT_TRUE(site().apply(pause).ok());
  site().control({{"set", {{"is_auto_deploy_enabled", true}}}});
  EXPECT_THAT(site().look(pause).why, HasSubstr("auto-deploy of shop is on"));
  site().control({{"set", {{"is_auto_deploy_enabled", false}, {"git_commit_sha", "HEAD"}}}});
  EXPECT_THAT(site().look(pause).why, HasSubstr("set to commit HEAD"));
}

TEST_F(Coolify, what_others_have_changed_meanwhile_is_left) {
  const Step pause = site().step("pause-coolify");
  ASSERT_TRUE(site().apply(pause.action).ok());
  site().control({{"set", {{"git_commit_sha", std::string(40, '7')}}}});
  ASSERT_TRUE(site().apply(*pause.undo).ok());
  EXPECT_EQ(site().set_to(), std::string(40, '7'));
  EXPECT_TRUE(site().auto_deploy());
}

struct Fault {
  const char* name;
  Json faults;
  const char* says;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }
class CoolifyFault : public Coolify, public ::testing::WithParamInterface<Fault> {};
INSTANTIATE_TEST_SUITE_P(
    Coolify, CoolifyFault,
    ::testing::Values(Fault{"fails", {{"fail", true}}, "ended as failed"},
                      Fault{"is_cancelled", {{"cancelled", true}}, "was cancelled by somebody"},
                      Fault{"never_finishes", {{"hang", true}}, "did not end within 1.0 s; it was cancelled"},
                      Fault{"answers_500", {{"status", 500}}, "Coolify answered 500"},
                      Fault{"answers_500_to_writes", {{"status", 500}, {"writes_only", true}}, "Coolify answered 500"},
                      Fault{"is_disabled", {{"disabled", true}}, "API is disabled"}),
    [](const auto& fault) { return std::string(fault.param.name); });

TEST_P(CoolifyFault, is_a_failure_that_says_so_and_the_old_one_runs) {
  Action deploy = site().step("deploy-coolify").action;
  deploy.args["within_ms"] = 1'000;
  site().fault(GetParam().faults);
  const host::CommandResult result = site().apply(deploy);
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.err, HasSubstr(GetParam().says));
  EXPECT_NE(site().look(deploy).kind, SightKind::kHolds);
  EXPECT_EQ(site().running(), kV2);
  while (!site().quiet()) system_clock().wait(Millis(20), {});
  EXPECT_EQ(site().running(), kV2) << "nothing comes after all";
}

TEST_F(Coolify, a_moment_without_an_answer_is_nothing) {
  Action deploy = site().step("deploy-coolify").action;
  site().restart({{"build", 0.5}});
  std::thread ill([&] {
    while (site().deployments() < 3) system_clock().wait(Millis(10), {});
    site().fault({{"status", 502}, {"times", 5}});
  });
  EXPECT_TRUE(site().apply(deploy).ok());
  ill.join();
  EXPECT_EQ(site().running(), kV1);
}

struct Token {
  const char* token;
  const char* says;
};
void PrintTo(const Token& token, std::ostream* out) { *out << token.token; }
class CoolifyToken : public Coolify, public ::testing::WithParamInterface<Token> {};
INSTANTIATE_TEST_SUITE_P(Coolify, CoolifyToken,
                         ::testing::Values(Token{"read", "may not write and not deploy"},
                                           Token{"write", "may not deploy"}, Token{"deploy", "may not write"},
                                           Token{"all", "may read, write and deploy"}),
                         [](const auto& token) { return std::string(token.param.token); });

TEST_P(CoolifyToken, ready_says_what_it_may_not_and_changes_nothing) {
  const driver::Offering offering = site().offering();
  ::setenv("BACKOUT_TEST_COOLIFY", GetParam().token, 1);
  const driver::Readiness readiness = site().driver->ready(offering, *site().local.host, driver::Depth::kQuick, {});
  std::string said;
  for (const Finding& finding : readiness.findings) said += finding.what + "\n";
  EXPECT_THAT(said, HasSubstr(GetParam().says));
  EXPECT_THAT(said, HasSubstr("auto-deploy of shop is on"));
  EXPECT_EQ(site().deployments(), 2);
  EXPECT_EQ(site().set_to(), "HEAD");
}

TEST_F(Coolify, a_look_says_who_does_not_answer) {
  const auto why = [&](const Json& subject) {
    const auto seen = site().driver->observe(subject, *site().local.host, {});
    return seen ? "" : seen.error().message + "; " + seen.error().next;
  };
  ::setenv("BACKOUT_TEST_COOLIFY", "a-secret-token", 1);
  EXPECT_THAT(why(site().subject()), HasSubstr("does not take the token: Unauthenticated"));
  EXPECT_THAT(why(site().subject()), Not(HasSubstr("a-secret-token")));
  ::setenv("BACKOUT_TEST_COOLIFY", "all", 1);
  Json other = site().subject();
  other["application"] = "nobody";
  EXPECT_THAT(why(other), HasSubstr("Application not found"));
  other = site().subject();
  other["url"] = "http://127.0.0.1:9";
  EXPECT_THAT(why(other), HasSubstr("Coolify does not answer"));
  other["url"] = site().served;
  EXPECT_THAT(why(other), HasSubstr("is not an application"));
  EXPECT_THAT(why(site().subject("$BACKOUT_NOT_SET")), HasSubstr("BACKOUT_NOT_SET"));
  site().restart({{"build_pack", "dockerimage"}});
  EXPECT_THAT(why(site().subject()), HasSubstr("it has no commits"));
}

TEST_F(Coolify, an_old_one_that_does_not_tell_is_only_set_to_the_commit) {
  site().restart({{"tells_settings", false}, {"has_rollback_images", false}});
  const Step pause = site().step("pause-coolify");
  EXPECT_THAT(pause.title, HasSubstr("in Coolify: set it to 111111111111"));
  ASSERT_TRUE(site().apply(pause.action).ok());
  EXPECT_EQ(site().set_to(), kV1);
  EXPECT_THAT(site().look(pause.action).why, HasSubstr("whether auto-deploy is off this Coolify does not tell"));
  const auto readiness = site().driver->ready(site().offering(), *site().local.host, driver::Depth::kQuick, {});
  EXPECT_THAT(readiness.findings[1].what, HasSubstr("does not tell whether auto-deploy is on"));
  ASSERT_TRUE(site().apply(*pause.undo).ok());
  EXPECT_EQ(site().set_to(), "HEAD");
}

TEST_F(Coolify, the_token_is_in_no_plan_and_no_command_line) {
  const Step step = site().step("deploy-coolify");
  ::setenv("BACKOUT_TEST_COOLIFY", "a-secret-token", 1);
  const auto command = site().driver->command(step.action, *site().local.host);
  ASSERT_TRUE(command.has_value());
  EXPECT_THAT(to_json(step).dump() + to_json(*command).dump() + command->stdin_text, Not(HasSubstr("a-secret-token")));
  const Json now = site().control();
  for (const Json& request : get(now, "requests"))
    EXPECT_THAT(request.dump(), Not(HasSubstr("token"))) << "in a header, and nowhere else";
}

TEST_F(Coolify, the_branch_is_switched_where_it_is_asked_for_and_back) {
  driver::Offering offering = site().offering();
  offering.subject["switch_branch"] = true;
  std::vector<Step> steps = conformance::offers_well(*site().driver, offering);
  Action pause = steps[0].action, resume = *steps[0].undo;
  EXPECT_EQ(get_string(pause.args, "branch"), "rollback/v1-{run}");
  for (Action* each : {&pause, &resume}) each->args["branch"] = "rollback/v1-RUN-0001";
  ASSERT_TRUE(site().apply(pause).ok());
  EXPECT_EQ(get_string(get(site().control(), "application"), "git_branch"), "rollback/v1-RUN-0001");
  EXPECT_EQ(site().look(pause).kind, SightKind::kHolds);
  ASSERT_TRUE(site().apply(resume).ok());
  EXPECT_EQ(get_string(get(site().control(), "application"), "git_branch"), "main");
  EXPECT_EQ(site().look(resume).kind, SightKind::kHolds);
}

TEST(CoolifyAnswers, of_4x_and_of_the_published_description_are_read) {
  using namespace coolify;
  const std::string one = R"({"deployment_uuid":"d1","commit":"HEAD","status":"finished","pull_request_id":0})";
  EXPECT_EQ(deployments_in("[" + one + "]")->size(), 1U) << "openapi.yaml: a list";
  EXPECT_EQ(deployments_in(R"({"count":1,"deployments":[)" + one + "]}")->size(), 1U) << "as it answers";
  EXPECT_TRUE(
      deployments_in(R"({"deployments":[{"deployment_uuid":"p","status":"finished","pull_request_id":7}]})")->empty());
  for (const char* body : {"", "<html>", "{}", "null", R"({"deployments":[{}]})"})
    EXPECT_FALSE(deployments_in(body)) << body;
  EXPECT_FALSE(
      begun_in(R"({"deployments":[{"message":"Unauthorized to deploy this application.","resource_uuid":"a"}]})", "a"));
  EXPECT_EQ(message_in(R"({"message":"Missing required permissions: deploy"})"),
            "Missing required permissions: deploy");
  EXPECT_EQ(reported_in("v1\n", ""), std::vector<std::string>{"v1"});
  EXPECT_EQ(reported_in(R"({"commit":"abc"})", "v2"), (std::vector<std::string>{"v2", "abc"}));
  EXPECT_TRUE(reported_in("<html>\n<body>", "").empty());
}

}  // namespace
}  // namespace backout::drivers
