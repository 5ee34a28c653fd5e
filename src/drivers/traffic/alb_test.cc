#include "drivers/traffic/alb.h"

#include <sys/stat.h>

#include "drivers/traffic/pools_for_tests.h"

namespace backout::drivers {
namespace {

const Json kBlue = {{"blue", 100}}, kGreen = {{"green", 100}};
constexpr const char* kListener =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2";
constexpr const char* kRule =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/"
    "9683b2d02a6cabee";

/// The real aws command, before a stand-in of the API and of the load balancer (tests/support/elbv2.py).
class AlbTest : public TrafficTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(::access("/usr/bin/aws", X_OK), 0) << "install awscli (apt-get install awscli)";
    for (const auto& [name, value] : {std::pair{"AWS_ACCESS_KEY_ID", "test"},
                                      {"AWS_SECRET_ACCESS_KEY", "test"},
                                      {"AWS_MAX_ATTEMPTS", "1"},
                                      {"AWS_EC2_METADATA_DISABLED", "true"},
                                      {"AWS_CONFIG_FILE", "/dev/null"},
                                      {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"}})
      ::setenv(name, value, 1);
    pools.start();
    stand_in_ = ::fork();
    if (stand_in_ == 0) {
      const std::string script = std::string(BACKOUT_SOURCE_DIR) + "/tests/support/elbv2.py";
      ::execl("/usr/bin/python3", "python3", script.c_str(), std::to_string(api).c_str(), std::to_string(port).c_str(),
              state.c_str(), ("blue=" + std::to_string(pools.blue.port)).c_str(),
              ("green=" + std::to_string(pools.green.port)).c_str(), nullptr);
      ::_exit(127);
    }
    ASSERT_TRUE(comes_true([&] { return version_at(port) == "v2"; }));
  }
  void TearDown() override {
    if (stand_in_ > 0) {
      ::kill(stand_in_, SIGKILL);
      ::waitpid(stand_in_, nullptr, 0);
    }
  }
  static std::string group(const std::string& name) {
    return "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/" + name + "/73e2d6bc24d8a067";
  }
  Json subject() const {
    Json args = {{"listener", kListener},     {"region", "eu-west-1"}, {"endpoint", url_of(api)},
                 {"program", "/usr/bin/aws"}, {"version", "/version"}, {"pools", pools.pools()},
                 {"public_url", url_of(port)}};
    for (const char* name : {"blue", "green"}) args["pools"][name]["target_group"] = group(name);
    return args;
  }
  Json with(const char* key, const Json& value) const {
    Json args = subject();
    args[key] = value;
    return args;
  }
  Sight sight(const Action& action) { return driver->verify(action, *local.host, {}); }
  void fault(const Json& faults) const { write_text(state + ".fault", faults.dump()); }
  Json actions() const { return get(*parse_json(read_text(state)), "actions"); }
  void set_actions(const Json& actions) const {
    Json all = *parse_json(read_text(state));
    all["actions"] = actions;
    write_text(state + ".new", all.dump());
    std::filesystem::rename(state + ".new", state);
  }
  void weigh(int blue, int green) const {
    Json now = actions();
    now[0]["ForwardConfig"]["TargetGroups"] = {{{"TargetGroupArn", group("blue")}, {"Weight", blue}},
                                               {{"TargetGroupArn", group("green")}, {"Weight", green}}};
    set_actions(now);
  }
  Json weighed() const {
    const Json now = actions();
    Json weights = Json::object();
    for (const Json& each : get(get(now[0], "ForwardConfig"), "TargetGroups"))
      weights[get_string(each, "TargetGroupArn") == group("blue") ? "blue" : "green"] = get_int(each, "Weight");
    return weights;
  }

  const int api = free_port();
  const std::string state = pools.blue.path + "/elbv2.json";
  pid_t stand_in_ = 0;
  std::unique_ptr<driver::Driver> driver = make_alb_driver(std::filesystem::read_symlink("/proc/self/exe"));
};

TEST_F(AlbTest, Conforms) {
  Json both = with("rule", kRule), same_group = subject();
  same_group["pools"]["green"]["target_group"] = group("blue");
  conformance::conforms(*driver, {.action = shift(*driver, subject(), kBlue),
                                  .undo = shift(*driver, subject(), kGreen, true),
                                  .reset = [this] { weigh(0, 1); },
                                  .done = [this] { return all_serve("v1"); },
                                  .always = [this] { return !version_at(port).empty(); },
                                  .bad = {shift(*driver, both, kBlue), shift(*driver, same_group, kBlue),
                                          shift(*driver, with("listener", "--debug"), kBlue)},
                                  .kills = 1});
}

TEST_F(AlbTest, ByARuleAndWhatStandsBesideTheWeightsStays) {
  Json before = actions();
  before[0]["Order"] = 2;
  before[0]["ForwardConfig"]["TargetGroupStickinessConfig"] = {{"Enabled", true}, {"DurationSeconds", 600}};
  const Json oidc = {{"Issuer", "https://id"},
                     {"AuthorizationEndpoint", "https://id/a"},
                     {"TokenEndpoint", "https://id/t"},
                     {"UserInfoEndpoint", "https://id/u"},
                     {"ClientId", "shop"}};
  const Json first = {{"Type", "authenticate-oidc"}, {"Order", 1}, {"AuthenticateOidcConfig", oidc}};
  before.insert(before.begin(), first);
  set_actions(before);
  Json by_rule = with("rule", kRule);
  by_rule.erase("listener");
  const auto result = apply(*driver, shift(*driver, by_rule, {{"blue", 90}, {"green", 10}}));
  ASSERT_TRUE(result.ok()) << result.err;
  const Json after = actions();
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(get_string(after[0]["AuthenticateOidcConfig"], "ClientId"), "shop");
  EXPECT_EQ(get_string(after[0]["AuthenticateOidcConfig"], "UseExistingClientSecret"), "true");
  EXPECT_TRUE(get_bool(after[1]["ForwardConfig"]["TargetGroupStickinessConfig"], "Enabled"));
  const Sight seen = sight(shift(*driver, by_rule, {{"blue", 90}, {"green", 10}}));
  EXPECT_EQ(seen.kind, SightKind::kHolds) << seen.why;
  EXPECT_NE(seen.evidence["left_behind"].dump().find("for up to 10 min"), std::string::npos) << seen.evidence.dump();
}

TEST_F(AlbTest, AnApiThatFailsOrThrottlesLeavesTheTrafficAsItWas) {
  fault({{"ModifyListener", {"InternalFailure", 500, 1}}});
  const auto result = apply(*driver, shift(*driver, subject(), kBlue));
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_NE(result.err.find("InternalFailure"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("try again"), std::string::npos) << result.err;
  EXPECT_EQ(sight(shift(*driver, subject(), kBlue)).kind, SightKind::kDoesNotHold);
  fault({{"DescribeListeners", {"Throttling", 400, 1}}});
  EXPECT_EQ(sight(shift(*driver, subject(), kBlue)).kind, SightKind::kCannotTell) << "a look that fails is no success";
}

TEST_F(AlbTest, WhatWasShutIsShutAgainByTheUndo) {
  weigh(0, 0);
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(steps.size(), 3U);
  ASSERT_TRUE(apply(*driver, steps[1].action).ok());
  EXPECT_TRUE(all_serve("v1"));
  ASSERT_TRUE(apply(*driver, *steps[1].undo).ok());
  EXPECT_TRUE(becomes(*driver, *steps[1].undo)) << sight(*steps[1].undo).why;
  EXPECT_EQ(weighed(), (Json{{"blue", 0}, {"green", 0}}));
}

TEST_F(AlbTest, TheUndoPutsBackTheVeryNumbers) {
  weigh(1, 999);
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(steps.size(), 3U);
  ASSERT_TRUE(apply(*driver, steps[1].action).ok());
  EXPECT_EQ(weighed(), (Json{{"blue", 100}, {"green", 0}}));
  weigh(1, 99);
  EXPECT_NE(sight(*steps[1].undo).why.find("green was found with weight 999 and has 99"), std::string::npos)
      << sight(*steps[1].undo).why;
  ASSERT_TRUE(apply(*driver, *steps[1].undo).ok());
  EXPECT_EQ(weighed(), (Json{{"blue", 1}, {"green", 999}}));
  EXPECT_TRUE(becomes(*driver, *steps[1].undo)) << sight(*steps[1].undo).why;
}

TEST_F(AlbTest, ATargetGroupWithoutAHealthyTargetIsNoSuccess) {
  TwoPools::end(pools.blue_pid);
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBlue)).ok()) << "the API takes the weights";
  const Sight seen = sight(shift(*driver, subject(), kBlue));
  EXPECT_EQ(seen.kind, SightKind::kDoesNotHold);
  EXPECT_NE(seen.why.find("Target.FailedHealthChecks"), std::string::npos) << seen.why;
}

TEST_F(AlbTest, WhatIsAbsentIsNamedBeforehand) {
  const auto why = [&](const Json& args) {
    const auto seen = driver->observe(args, *local.host, {});
    return seen ? std::string() : seen.error().message + "; " + seen.error().next;
  };
  EXPECT_NE(why(with("program", "/usr/bin/no-aws")).find("install the AWS command line"), std::string::npos)
      << why(with("program", "/usr/bin/no-aws"));
  EXPECT_NE(why(with("listener", std::string(kListener) + "0")).find("ListenerNotFound"), std::string::npos);
  EXPECT_NE(why(with("endpoint", url_of(free_port()))).find("Could not connect"), std::string::npos);
  ::unsetenv("AWS_ACCESS_KEY_ID");
  EXPECT_NE(why(subject()).find("Unable to locate credentials"), std::string::npos) << why(subject());
  EXPECT_NE(why(subject()).find("in the environment"), std::string::npos) << why(subject());
}

TEST_F(AlbTest, BeforehandItAsksWhetherTheCredentialsMayChangeWhatTheyShall) {
  // `endpoint` is of the load balancer's API alone.
  const std::string program = pools.blue.path + "/aws";
  write_text(program, "#!/bin/sh\ncase $1 in iam|sts) set -- \"$@\" --endpoint-url " + url_of(api) +
                          ";; esac\nexec /usr/bin/aws \"$@\"\n");
  ::chmod(program.c_str(), 0755);
  const auto found = [&](const Json& args) {
    const auto readiness = driver->ready(offering(*driver, args), *local.host, driver::Depth::kQuick, {});
    EXPECT_EQ(readiness.findings.size(), 1U);
    const Finding& finding = readiness.findings.front();
    EXPECT_EQ(finding.id, "traffic.rights");
    EXPECT_EQ(finding.next.empty(), finding.severity == Severity::kOk);
    return std::string(name_of(finding.severity)) + " " + finding.what;
  };
  Json by_rule = with("program", program);
  by_rule["rule"] = kRule;
  by_rule.erase("listener");
  EXPECT_EQ(found(with("program", program)),
            "ok arn:aws:iam::123456789012:role/release may elasticloadbalancing:ModifyListener, says IAM");
  Json all = *parse_json(read_text(state));
  all["denied"] = {"elasticloadbalancing:ModifyRule"};
  write_text(state, all.dump());
  EXPECT_EQ(found(by_rule),
            "red arn:aws:iam::123456789012:role/release may not elasticloadbalancing:ModifyRule: implicitDeny");
  EXPECT_TRUE(found(with("program", program)).starts_with("ok ")) << "the right of the other is another";
  fault({{"SimulatePrincipalPolicy", {"AccessDenied", 403, 1}}});
  const std::string unknown = found(with("program", program));
  EXPECT_TRUE(unknown.starts_with("warn whether ")) << unknown;
  EXPECT_NE(unknown.find("could not be found out: aws: "), std::string::npos) << unknown;
}

TEST_F(AlbTest, OtherRulesAndListenersThatForwardToThePoolsAreNamed) {
  const auto forwards = [](const std::string& to, int weight = 1) {
    return Json{{{"Type", "forward"},
                 {"ForwardConfig", {{"TargetGroups", {{{"TargetGroupArn", group(to)}, {"Weight", weight}}}}}}}};
  };
  const auto rule = [&](const std::string& priority, const Json& actions, const Json& conditions = Json::array()) {
    return Json{{"RuleArn", std::string(kRule) + priority},
                {"Priority", priority},
                {"IsDefault", priority == "default"},
                {"Conditions", conditions},
                {"Actions", actions}};
  };
  const auto beside = [&](const Json& ports) {
    Json all = *parse_json(read_text(state));
    all["beside"] = ports;
    write_text(state, all.dump());
    std::string words;
    for (const Finding& each :
         driver->ready(offering(*driver, subject()), *local.host, driver::Depth::kQuick, {}).findings)
      if (each.id == "traffic.elsewhere") words += each.what + ". ";
    return words;
  };
  EXPECT_EQ(beside(Json::object()), "");
  const Json redirect = {{{"Type", "redirect"}, {"RedirectConfig", {{"StatusCode", "HTTP_301"}}}}};
  const Json path = {{{"Field", "path-pattern"}, {"Values", {"/api/*"}}}};
  EXPECT_EQ(beside({{"8080", {rule("default", redirect), rule("7", forwards("green", 0))}}}), "")
      << "neither gives a request to a pool";
  EXPECT_EQ(beside({{"80", {rule("20", forwards("green"), path)}}, {"8080", {rule("default", forwards("blue"))}}}),
            "rule 20 (/api/*) of listener HTTP:80 forwards to green, too: a shift leaves it as it is. "
            "the default rule of listener HTTP:8080 forwards to blue, too: a shift leaves it as it is. ");
  const auto plan = driver->takes_away(offering(*driver, subject()), *local.host, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(join(*plan, ". "),
            "rule 20 (/api/*) of listener HTTP:80 forwards to green, too, and stays as it is. "
            "the default rule of listener HTTP:8080 forwards to blue, too, and stays as it is");
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kBlue)).ok());
  EXPECT_TRUE(becomes(*driver, shift(*driver, subject(), kBlue)));
  EXPECT_NE(sight(shift(*driver, subject(), kBlue)).evidence["left_behind"].dump().find("rule 20 (/api/*)"),
            std::string::npos);
  fault({{"DescribeRules", {"AccessDenied", 403, 9}}});
  EXPECT_NE(beside(Json::object()).find("could not be found out: aws: "), std::string::npos);
}

TEST_F(AlbTest, OffersToGoWhereTheReleaseRuns) {
  const auto steps = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].title, "100 % of the traffic -> blue, which serves v1");
  EXPECT_EQ(canonical(to_json(steps[1])).find("AWS_"), std::string::npos);
}

}  // namespace
}  // namespace backout::drivers
