#include "drivers/checks/http.h"

#include <gtest/gtest.h>

#include "conformance/conformance.h"
#include "drivers/services/shop_for_tests.h"

namespace backout::drivers {
namespace {

class HttpCheckTest : public ::testing::Test {
 protected:
  Sight look(const Json& args) { return driver->verify({"http", "check", args}, nowhere, {}); }

  Shop shop;
  conformance::UnreachableHost nowhere;  // a check is asked from the controller
  std::unique_ptr<driver::Driver> driver = make_http_driver();
};

TEST_F(HttpCheckTest, BelievesTheAnswerAndNothingElse) {
  Json args = {{"name", "version"}, {"url", shop.url()}, {"version", "v1"}};
  Sight nobody = look(args);
  EXPECT_EQ(nobody.kind, SightKind::kDoesNotHold) << "nobody listens: tried again, then failed, never unknown";
  EXPECT_FALSE(nobody.why.empty());

  shop.stranger(shop.path + "/releases/v2");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  const Sight old = look(args);
  EXPECT_EQ(old.kind, SightKind::kDoesNotHold);
  EXPECT_NE(old.why.find("expected version v1, got v2"), std::string::npos) << old.why;
  EXPECT_EQ(old.evidence["got"], "'v2'");
  EXPECT_EQ(old.evidence["status"], 200);
  args["version"] = "v2";
  EXPECT_EQ(look(args).kind, SightKind::kHolds);
}

TEST_F(HttpCheckTest, APasswordInTheUrlIsNotShown) {
  const Sight sight = look({{"name", "x"}, {"url", "http://me:secret@127.0.0.1:" + std::to_string(shop.port) + "/"}});
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
  EXPECT_EQ((sight.why + sight.evidence.dump()).find("secret"), std::string::npos) << sight.why;
}

TEST_F(HttpCheckTest, ASecretHeaderThatIsNotThereIsNoAnswerRatherThanABadOne) {
  shop.stranger(shop.path + "/releases/v2");
  ASSERT_TRUE(comes_true([&] { return shop.version_served() == "v2"; }));
  Json args = {{"name", "x"}, {"url", shop.url()}, {"secret_headers", {{"authorization", "$BACKOUT_TEST_NOT_SET"}}}};
  const Sight missing = look(args);
  EXPECT_EQ(missing.kind, SightKind::kCannotTell);
  EXPECT_NE(missing.why.find("BACKOUT_TEST_NOT_SET"), std::string::npos) << missing.why;
  ::setenv("BACKOUT_TEST_NOT_SET", "hunter2", 1);
  const Sight asked = look(args);
  ::unsetenv("BACKOUT_TEST_NOT_SET");
  EXPECT_EQ(asked.kind, SightKind::kHolds) << asked.why;
  EXPECT_EQ((asked.why + asked.evidence.dump()).find("hunter2"), std::string::npos);
}

TEST_F(HttpCheckTest, OffersALookBehindTheDoorAndOneInFrontOfIt) {
  driver::Offering offering{
      .from = Version("v2"), .to = Version("v1"), .hosts = {"web-1", "web-2"}, .public_url = "https://shop.example/"};
  offering.subject = {{"name", "/version 200 {{version}}"},
                      {"url", "http://127.0.0.1:8000/version?x=1"},
                      {"contains", "{{version}}"},
                      {"json", {{"version", "{{version}}"}}},
                      {"attempts", 6},
                      {"every_ms", 500},
                      {"public", true}};
  const auto steps = conformance::offers_well(*driver, offering);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].id.str(), "check-version-200-v1");
  EXPECT_EQ(steps[0].phase, Phase::kCheck);
  EXPECT_EQ(steps[0].action.args["contains"], "v1");
  EXPECT_EQ(steps[0].action.args["json"]["version"], "v1");
  EXPECT_EQ(steps[0].patience, (Patience{6, Millis(500)}));
  EXPECT_EQ(steps[1].id.str(), "public-version-200-v1");
  EXPECT_EQ(steps[1].phase, Phase::kSettle);
  EXPECT_EQ(steps[1].action.args["url"], "https://shop.example/version?x=1");
  offering.public_url.clear();
  EXPECT_EQ(conformance::offers_well(*driver, offering).size(), 1U);
}

TEST_F(HttpCheckTest, RefusesWhatItCannotAsk) {
  for (const Json& bad : {Json(), Json::object(), Json{{"name", "x"}}, Json{{"name", "x"}, {"url", "ftp://a/"}},
                          Json{{"name", "x"}, {"url", "http://a/"}, {"status", 99}},
                          Json{{"name", "x"}, {"url", "http://a/"}, {"header", 3}}}) {
    EXPECT_EQ(look(bad).kind, SightKind::kCannotTell) << bad.dump();
    driver::Offering offering{.subject = bad, .hosts = {"web-1"}};
    EXPECT_FALSE(driver->offer(offering).has_value()) << bad.dump();
  }
  const driver::Offering by_path{.subject = {{"name", "/product/7 200"}, {"url", "/product/7"}}, .hosts = {"web-1"}};
  const auto unasked = driver->offer(by_path);
  ASSERT_FALSE(unasked.has_value());
  EXPECT_EQ(unasked.error().message, "check '/product/7 200': there is no address to ask it at");
  EXPECT_NE(unasked.error().next.find("base_url"), std::string::npos) << unasked.error().next;
}

}  // namespace
}  // namespace backout::drivers
