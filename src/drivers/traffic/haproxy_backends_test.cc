#include "driver/final_sight.h"
#include "drivers/traffic/haproxy_for_tests.h"

namespace backout::drivers {
namespace {

const Json kAllBlue = {{"blue", 100}}, kAllGreen = {{"green", 100}};

/// A second backend with the same servers, to which users come at a port of its own.
class HaproxyTwoBackendsTest : public HaproxyTest {
 protected:
  std::string more() const override {
    return "backend api\n" + server("blue", pools.blue.port, "weight 0") +
           server("green", pools.green.port, "weight 100") +
           fmt::format("frontend g\n bind 127.0.0.1:{}\n default_backend api\n", api_port);
  }
  bool api_serves(const std::string& version) const {
    for (int i = 0; i < 10; ++i)
      if (version_at(api_port) != version) return false;
    return true;
  }
  const int api_port = free_port();
};

TEST_F(HaproxyTwoBackendsTest, ThatIsNotNamedAndSendsToTheBadPoolIsNotPassedOver) {
  const driver::Offering one = offering(*driver, subject());
  const auto refused = driver->offer(one);
  ASSERT_FALSE(refused.has_value()) << "a shift would leave users of api with v2";
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("backend api (server green) sends to green, too, which serves v2"),
            std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().next.find("backend: [app, api]"), std::string::npos) << refused.error().next;
  EXPECT_EQ(findings(subject()), (std::vector<std::string>{"traffic.level ok", "traffic.elsewhere red"}));
  EXPECT_EQ(findings(with("state_file", home + "/state")),
            (std::vector<std::string>{"traffic.level ok", "traffic.elsewhere red"}));

  ASSERT_TRUE(apply(*driver, shift(*driver, subject(), kAllBlue)).ok());
  ASSERT_TRUE(becomes(*driver, shift(*driver, subject(), kAllBlue)));
  ASSERT_TRUE(api_serves("v2"));
  const Sight all = sight(look(*driver, "answers", subject(), {{"release", "v1"}, {"share", "all"}}));
  EXPECT_EQ(all.kind, SightKind::kDoesNotHold) << all.why;
  EXPECT_TRUE(get_bool(all.evidence, driver::kFinal)) << "it does not mend by itself";
  EXPECT_NE(all.why.find("backend api"), std::string::npos) << all.why;
  const Json some = {{"release", "v1"}, {"share", "some"}};
  EXPECT_EQ(sight(look(*driver, "answers", subject(), some)).kind, SightKind::kHolds) << "nothing says v2 is bad";
  Json not_bad = some;
  not_bad["not"] = {"v2"};
  EXPECT_EQ(sight(look(*driver, "answers", subject(), not_bad)).kind, SightKind::kDoesNotHold);

  const Json left = with("leave", {"api"});  // a preview, that no user comes by
  EXPECT_TRUE(driver->offer(offering(*driver, left)).has_value());
  EXPECT_EQ(sight(look(*driver, "answers", left, {{"release", "v1"}, {"share", "all"}})).kind, SightKind::kHolds);
}

TEST_F(HaproxyTwoBackendsTest, AreShiftedTogetherEachFromWhatItHadAndPutBackSo) {
  const Json both = with("backend", {"app", "api"});
  ASSERT_TRUE(apply(*driver, shift(*driver, with("backend", "app"), {{"blue", 80}, {"green", 20}})).ok());
  Json gradual = both;
  gradual["steps"] = {50};
  const auto steps = conformance::offers_well(*driver, offering(*driver, gradual));
  ASSERT_EQ(steps.size(), 5U);
  const Action &half = steps[1].action, &whole = steps[3].action, &back = *steps[1].undo;
  ASSERT_TRUE(apply(*driver, half).ok());
  EXPECT_TRUE(becomes(*driver, half)) << sight(half).why;
  const auto seen = driver->observe(both, *local.host, {});
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(get(*seen, "apart"),
            Json({{"backend app", {{"blue", 80}, {"green", 20}}}, {"backend api", {{"blue", 50}, {"green", 50}}}}));
  EXPECT_EQ(sight(back).kind, SightKind::kDoesNotHold);
  ASSERT_TRUE(apply(*driver, whole).ok());
  EXPECT_TRUE(becomes(*driver, whole)) << sight(whole).why;
  EXPECT_TRUE(all_serve("v1"));
  EXPECT_TRUE(api_serves("v1"));
  EXPECT_EQ(sight(steps[4].action).kind, SightKind::kHolds) << sight(steps[4].action).why;
  // One of the two alone goes back to green: nothing may hold.
  ASSERT_TRUE(apply(*driver, shift(*driver, with("backend", "api"), kAllGreen)).ok());
  EXPECT_EQ(sight(whole).kind, SightKind::kDoesNotHold);
  EXPECT_NE(sight(whole).why.find("backend api: wanted blue 100 %"), std::string::npos) << sight(whole).why;
  const Action not_bad = look(*driver, "answers", both, {{"release", "v1"}, {"share", "some"}, {"not", {"v2"}}});
  EXPECT_NE(sight(not_bad).why.find("at backend api 100 % of the traffic goes to green, which serves v2"),
            std::string::npos)
      << sight(not_bad).why;
  ASSERT_TRUE(apply(*driver, back).ok());
  EXPECT_TRUE(becomes(*driver, back)) << sight(back).why;
  EXPECT_TRUE(api_serves("v2"));
  EXPECT_EQ(get(*driver->observe(both, *local.host, {}), "apart"),
            Json({{"backend app", {{"blue", 80}, {"green", 20}}}, {"backend api", {{"blue", 0}, {"green", 100}}}}));
}

}  // namespace
}  // namespace backout::drivers
