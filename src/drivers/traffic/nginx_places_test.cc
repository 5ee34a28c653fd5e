#include "driver/final_sight.h"
#include "drivers/traffic/nginx_for_tests.h"

namespace backout::drivers {
namespace {

const Json kToBlue = {{"blue", 100}}, kToGreen = {{"green", 100}};

/// A second upstream with a file of its own, to which users come at another port.
class NginxTwoUpstreamsTest : public NginxUpstreamTest {
 protected:
  void SetUp() override {
    write_text(include_api, "server " + address_of(pools.green.port) + ";\n");
    NginxUpstreamTest::SetUp();
  }
  std::string more() const override {
    return fmt::format(
        " upstream api {{ include {0}; }}\n server {{ listen 127.0.0.1:{1}; location / {{ proxy_pass http://api; }} "
        "}}\n",
        include_api, api_port);
  }
  bool api_serves(const std::string& version) const {
    for (int i = 0; i < 10; ++i)
      if (version_at(api_port) != version) return false;
    return true;
  }
  Json with(const char* key, const Json& value) const {
    Json args = subject();
    args[key] = value;
    return args;
  }
  std::string elsewhere(const Json& args) {
    const auto ready = driver->ready(offering(*driver, args), *local.host, driver::Depth::kQuick, {});
    std::string told;
    for (const Finding& finding : ready.findings)
      if (finding.id == "traffic.elsewhere" && finding.severity == Severity::kRed)
        told += finding.what + "; " + finding.next + "\n";
    return told;
  }
  const std::string include_api = home + "/api.conf";
  const int api_port = free_port();
};

TEST_F(NginxTwoUpstreamsTest, ThatIsNotNamedAndSendsToTheBadPoolIsNotPassedOver) {
  const auto refused = driver->offer(offering(*driver, subject()));
  ASSERT_FALSE(refused.has_value()) << "a shift would leave users of api with v2";
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("api.conf (server " + address_of(pools.green.port) + ") sends to green, too"),
            std::string::npos)
      << refused.error().message;
  EXPECT_NE(elsewhere(subject()).find("include: [" + include + ", " + include_api + "]"), std::string::npos)
      << elsewhere(subject());
  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kToBlue)).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kToBlue)));
  ASSERT_TRUE(api_serves("v2"));
  const Json all = {{"release", "v1"}, {"share", "all"}};
  const Sight seen = sight(look(*driver, "answers", subject(), all));
  EXPECT_EQ(seen.kind, SightKind::kDoesNotHold) << seen.why;
  EXPECT_TRUE(get_bool(seen.evidence, driver::kFinal)) << "it does not mend by itself";
  EXPECT_EQ(sight(look(*driver, "answers", with("leave", {include_api}), all)).kind, SightKind::kHolds);
  EXPECT_TRUE(driver->offer(offering(*driver, with("leave", {include_api}))).has_value());

  // A path that passes by every upstream.
  write_text(include_api, "server " + address_of(pools.blue.port) + ";\n");
  write_text(configuration, replaced(configured(), "http://api", "http://" + address_of(pools.green.port) + "/"));
  ASSERT_EQ(nginx("-s reload"), 0);
  EXPECT_NE(elsewhere(subject()).find("(proxy_pass " + address_of(pools.green.port) + ") sends to green"),
            std::string::npos)
      << elsewhere(subject());
}

TEST_F(NginxTwoUpstreamsTest, AreShiftedTogetherAndPutBackTogether) {
  const Json both = with("include", {include, include_api});
  EXPECT_EQ(elsewhere(both), "");
  write_text(include, "# by hand\nserver " + address_of(pools.blue.port) + " weight=80;\nserver " +
                          address_of(pools.green.port) + " weight=20;\n");
  ASSERT_EQ(nginx("-s reload"), 0);
  const std::string before = read_text(include), before_api = read_text(include_api);
  Json gradual = both;
  gradual["steps"] = {50};
  const auto steps = conformance::offers_well(*driver, offering(*driver, gradual));
  ASSERT_EQ(steps.size(), 5U);
  const auto of_run = [&](Action action) {
    action.args["found_on"][local.host->name().str()]["run"] = "RUN-7";
    return action;
  };
  const Action half = of_run(steps[1].action), whole = of_run(steps[3].action), back = of_run(*steps[1].undo);
  ASSERT_TRUE(apply(*driver, half).ok());
  EXPECT_TRUE(becomes(*driver, half)) << sight(half).why;
  EXPECT_EQ(get(*driver->observe(both, *local.host, {}), "apart"),
            Json({{include, {{"blue", 80}, {"green", 20}}}, {include_api, {{"blue", 50}, {"green", 50}}}}));
  const std::string at_half = read_text(include), at_half_api = read_text(include_api);
  Action refused = whole;
  refused.args["test"] = {"/bin/false"};
  EXPECT_FALSE(apply(*driver, refused).ok());
  EXPECT_EQ(read_text(include) + read_text(include_api), at_half + at_half_api) << "both are back, or none";
  ASSERT_TRUE(apply(*driver, whole).ok());
  EXPECT_TRUE(becomes(*driver, whole)) << sight(whole).why;
  EXPECT_TRUE(all_serve("v1"));
  EXPECT_TRUE(api_serves("v1"));
  EXPECT_EQ(sight(steps[4].action).kind, SightKind::kHolds) << sight(steps[4].action).why;
  ASSERT_TRUE(apply(*driver, back).ok());
  EXPECT_TRUE(becomes(*driver, back)) << sight(back).why;
  EXPECT_EQ(read_text(include), before);
  EXPECT_EQ(read_text(include_api), before_api);
  EXPECT_TRUE(api_serves("v2"));
  for (const auto& entry : std::filesystem::directory_iterator(home))
    EXPECT_EQ(entry.path().filename().string().find(".backout-"), std::string::npos) << entry.path();
}

TEST_F(NginxUpstreamTest, AServerThatSomebodyTookOutStaysSoAndIsNamed) {
  const std::string blue = address_of(pools.blue.port), green = address_of(pools.green.port);
  const std::string before = "least_conn;\nserver " + blue +
                             " weight=9 max_fails=4;\nserver 127.0.0.1:" + std::to_string(free_port()) +
                             " down;  # disk is dying\nserver " + green + " weight=1;\nkeepalive 16;\n";
  write_text(include, before);
  ASSERT_EQ(nginx("-s reload"), 0);
  Json two = subject();
  const std::string dying = split(split(before, '\n')[2], ' ')[1];
  two["pools"]["blue"]["servers"] = {blue, dying};
  const auto steps = conformance::offers_well(*driver, offering(*driver, two));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].title, "100 % of the traffic -> blue, which serves v1; left as found: " + dying);
  Action there = steps[1].action, back = *steps[1].undo;
  for (Action* action : {&there, &back}) action->args["found_on"][local.host->name().str()]["run"] = "RUN-4";
  ASSERT_TRUE(apply(*driver, there).ok());
  EXPECT_TRUE(becomes(*driver, there)) << sight(there).why;
  EXPECT_EQ(read_text(include), "least_conn;\nserver " + blue + " max_fails=4;\nserver " + dying +
                                    " down;  # disk is dying\n# out of traffic: server " + green +
                                    " weight=1;\nkeepalive 16;\n");
  ASSERT_TRUE(apply(*driver, back).ok());
  EXPECT_TRUE(becomes(*driver, back)) << sight(back).why;
  EXPECT_EQ(read_text(include), before);

  // Of a pool that is down as a whole nobody can tell whether a person or a script did it: it is said.
  write_text(include, "server " + blue + " down;\nserver " + green + ";\n");
  const auto whole = conformance::offers_well(*driver, offering(*driver, subject()));
  ASSERT_EQ(whole.size(), 3U);
  EXPECT_EQ(whole[1].title, "100 % of the traffic -> blue, which serves v1; `down` is taken off " + blue);
}

}  // namespace
}  // namespace backout::drivers
