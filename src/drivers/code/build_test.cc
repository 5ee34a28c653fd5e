#include "drivers/code/build.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "drivers/code/facts.h"
#include "os/process.h"

namespace backout::drivers {
namespace {

TEST(Build, keeps_values_of_the_environment_out_of_every_argv) {
  const auto build = build_of({{{"argv", {"make", "it's"}}, {"env", {{"TOKEN", "s3cret"}}}}}, "deploy");
  ASSERT_TRUE(build.has_value()) << build.error().message;
  EXPECT_EQ(build->lines[0].find("s3cret"), std::string::npos);
  EXPECT_EQ(build->env.at("BACKOUT_BUILD_1_TOKEN"), "s3cret");
  EXPECT_NE(build->lines[0].find(shell_quoted("it's")), std::string::npos);
}

TEST(Build, gives_each_command_what_its_own_lines_say_and_nothing_else) {
  const auto build = build_of({{{"argv", {"env"}}, {"env", {{"ONE", "1"}}}}, {{"argv", {"env"}}}}, "");
  ASSERT_TRUE(build.has_value()) << build.error().message;
  const auto environment_of = [&](const std::string& line) {
    return os::run_process({.argv = {"/bin/sh", "-c", line}, .env = build->env})->out;
  };
  EXPECT_NE(environment_of(build->lines[0]).find("\nONE=1\n"), std::string::npos);
  for (const std::string& line : build->lines) EXPECT_EQ(environment_of(line).find("BACKOUT_BUILD"), std::string::npos);
  EXPECT_EQ(environment_of(build->lines[1]).find("ONE=1"), std::string::npos);
}

TEST(Build, is_named_by_its_commands) {
  const auto one = build_of({{{"argv", {"make"}}}}, ""), same = build_of({{{"argv", {"make"}}}}, "");
  const auto other = build_of({{{"argv", {"make", "all"}}}}, "");
  EXPECT_EQ(one->digest, same->digest);
  EXPECT_NE(one->digest, other->digest);
}

TEST(Build, adds_up_the_time_and_refuses_a_second_user) {
  EXPECT_EQ(build_of({{{"argv", {"a"}}, {"timeout_ms", 1000}}, {{"argv", {"b"}}, {"timeout_ms", 500}}}, "")->timeout,
            Millis(1500));
  EXPECT_EQ(build_of({{{"argv", {"a"}}, {"user", "root"}}}, "deploy").error().code, Code::kUnsupported);
  EXPECT_TRUE(build_of({{{"argv", {"a"}}, {"user", "deploy"}}}, "deploy").has_value());
  EXPECT_EQ(build_of({{{"argv", Json::array()}}}, "").error().code, Code::kInvalid);
  EXPECT_EQ(build_of("make", "").error().code, Code::kInvalid);
  EXPECT_TRUE(build_of(Json(), "")->empty());
}

TEST(Facts, read_keys_and_values_as_data) {
  const Facts facts = Facts::parse("head abc\nchanged  M x\nchanged ?? y\x1b[0m\nlock\n\n count 3\nn 12\nend\n");
  EXPECT_EQ(facts.text("head"), "abc");
  EXPECT_EQ(facts.all("changed").size(), 2U);
  EXPECT_EQ(facts.all("changed")[1].find('\x1b'), std::string::npos);
  EXPECT_TRUE(facts.has("lock"));
  EXPECT_EQ(facts.text("lock"), "");
  EXPECT_EQ(facts.number("n"), 12);
  EXPECT_EQ(facts.number("head", -1), -1);
  EXPECT_EQ(facts.text("absent"), "");
}

}  // namespace
}  // namespace backout::drivers
