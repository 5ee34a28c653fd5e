#include "drivers/traffic/alb_actions.h"

#include <gtest/gtest.h>

namespace backout::drivers {
namespace {

const std::string kB = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/blue/1";
const std::string kG = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/green/1";

Pools two_pools() {
  return *pools_from({{"pools",
                       {{"blue", {{"urls", {"http://127.0.0.1:1"}}, {"target_group", kB}}},
                        {"green", {{"urls", {"http://127.0.0.1:2"}}, {"target_group", kG}}}}}});
}
Json forwards(int blue, int green) {
  return {{{"Type", "forward"},
           {"ForwardConfig",
            {{"TargetGroups",
              {{{"TargetGroupArn", kB}, {"Weight", blue}}, {{"TargetGroupArn", kG}, {"Weight", green}}}}}}}};
}

TEST(AlbActions, AreThoseOfTheOneListenerOrRule) {
  EXPECT_EQ(*alb_actions(Json{{"Listeners", {{{"DefaultActions", forwards(1, 0)}}}}}.dump()), forwards(1, 0));
  EXPECT_EQ(*alb_actions(Json{{"Rules", {{{"Actions", forwards(1, 0)}}}}}.dump()), forwards(1, 0));
  for (const char* text :
       {"", "null", "{}", R"({"Listeners": []})", R"({"Listeners": [{}, {}]})", R"({"Rules": [{}]})", "<html>"})
    EXPECT_EQ(alb_actions(text).error().code, Code::kCorrupt) << text;
}

TEST(AlbActions, WeightsAreReadAsTheyStandAndWritten) {
  EXPECT_EQ(*alb_numbers(forwards(1, 3), two_pools()), (Numbers{{"blue", 1}, {"green", 3}}));
  EXPECT_EQ(*alb_numbers(Json::array({{{"Type", "forward"}, {"TargetGroupArn", kG}}}), two_pools()),
            (Numbers{{"blue", 0}, {"green", 1}}));
  EXPECT_EQ(*alb_actions_with(forwards(0, 1), two_pools(), {{"blue", 90}, {"green", 10}}), forwards(90, 10));
  const auto from_one = alb_actions_with(Json::array({{{"Type", "forward"}, {"TargetGroupArn", kG}}}), two_pools(),
                                         {{"blue", 100}, {"green", 0}});
  EXPECT_EQ(*from_one, forwards(100, 0));
}

TEST(AlbActions, AGroupOfNoPoolThatGetsTrafficAndAListenerThatDoesNotForwardAreConflicts) {
  Json actions = forwards(1, 0);
  actions[0]["ForwardConfig"]["TargetGroups"].push_back({{"TargetGroupArn", kB + "x"}, {"Weight", 1}});
  EXPECT_EQ(alb_numbers(actions, two_pools()).error().code, Code::kConflict);
  EXPECT_EQ(alb_numbers(Json::array({{{"Type", "redirect"}}}), two_pools()).error().code, Code::kConflict);
  EXPECT_EQ(alb_actions_with(Json(), two_pools(), {{"blue", 100}}).error().code, Code::kConflict);
}

TEST(AlbActions, AGroupServesWithOneHealthyTarget) {
  const auto why = [](const Json& states) {
    Json list = Json::array();
    for (const Json& state : states)
      list.push_back({{"Target", {{"Id", "i-1"}}}, {"TargetHealth", {{"State", state}}}});
    return *alb_unhealthy(Json{{"TargetHealthDescriptions", list}}.dump());
  };
  EXPECT_EQ(why({"unhealthy", "healthy"}), "");
  EXPECT_EQ(why({"unused", "draining"}), "its target i-1 is draining");
  EXPECT_EQ(why(Json::array()), "it has no target");
  EXPECT_FALSE(alb_unhealthy("").has_value());
}

// Of aws-cli 2.9.19.
TEST(AlbActions, WhatAwsSaysBecomesSomethingToDo) {
  const auto code = [](int status, const char* text) { return aws_error(status, text).code; };
  EXPECT_EQ(code(253, "\nUnable to locate credentials. You can configure credentials by running \"aws configure\".\n"),
            Code::kDenied);
  EXPECT_EQ(
      code(253, "\nYou must specify a region. You can also configure your region by running \"aws configure\".\n"),
      Code::kInvalid);
  EXPECT_EQ(code(254,
                 "\nAn error occurred (ListenerNotFound) when calling the DescribeListeners operation: One or more"
                 " listeners not found\n"),
            Code::kNotFound);
  EXPECT_EQ(code(254,
                 "\nAn error occurred (Throttling) when calling the DescribeListeners operation (reached max retries:"
                 " 1): Rate exceeded\n"),
            Code::kUnavailable);
  EXPECT_EQ(
      code(254,
           "An error occurred (AccessDenied) when calling the ModifyListener operation: User: x is not authorized"),
      Code::kDenied);
  EXPECT_EQ(code(255, "\nCould not connect to the endpoint URL: \"http://127.0.0.1:1/\"\n"), Code::kUnavailable);
}

TEST(AlbActions, ASessionIsItsRoleAndADecisionThatHangsOnMoreIsNone) {
  const auto principal = [](const char* arn) { return alb_principal(Json{{"Arn", arn}}.dump()).value(); };
  EXPECT_EQ(principal("arn:aws:iam::1:user/team/ci"), "arn:aws:iam::1:user/team/ci");
  EXPECT_EQ(principal("arn:aws-cn:sts::1:assumed-role/release/i-0abc"), "arn:aws-cn:iam::1:role/release");
  EXPECT_EQ(alb_principal("<html>").error().code, Code::kCorrupt);
  const auto denied = [](const char* decision, const Json& missing) {
    return alb_denied(
        Json{{"EvaluationResults", {{{"EvalDecision", decision}, {"MissingContextValues", missing}}}}}.dump());
  };
  EXPECT_EQ(denied("allowed", Json::array()).value(), "");
  EXPECT_EQ(denied("explicitDeny", Json::array()).value(), "explicitDeny");
  EXPECT_EQ(denied("implicitDeny", {"aws:SourceIp"}).error().code, Code::kUnavailable);
  for (const char* text : {"", "{}", R"({"EvaluationResults": []})", R"({"EvaluationResults": [{}]})"})
    EXPECT_EQ(alb_denied(text).error().code, Code::kCorrupt) << text;
}

}  // namespace
}  // namespace backout::drivers
