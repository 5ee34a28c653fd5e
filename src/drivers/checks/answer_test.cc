#include "drivers/checks/answer.h"

#include <gtest/gtest.h>

#include "drivers/checks/json_condition.h"

namespace backout::drivers {
namespace {

std::optional<std::string> judged(int status, std::string body, const AnswerExpected& expected) {
  return mismatch({.status = status,
                   .headers = {{"content-type", "text/html; charset=utf-8"}, {"x-version", " v1 "}},
                   .body = std::move(body),
                   .took = Millis(120)},
                  expected);
}

TEST(Answer, AnErrorPageWithStatus200Fails) {
  EXPECT_EQ(judged(200, "<h1>Something went wrong</h1>", {.contains = "ok"}),
            "expected 'ok' in the body, got '<h1>Something went wrong</h1>'");
  EXPECT_NE(judged(200, "<h1>oops</h1>", {.conditions = {{"count", ">0"}}}), std::nullopt);
  EXPECT_NE(judged(200, "<h1>v1 is broken</h1>", {.version = "v1"}), std::nullopt)
      << "the version somewhere on a page is no report";
}

TEST(Answer, StatusVersionHeaderAndTimeAreEachAskedFor) {
  EXPECT_EQ(judged(200, "ok", {}), std::nullopt);
  EXPECT_EQ(judged(302, "", {}), "expected status 200, got 302 with an empty body");
  EXPECT_EQ(judged(404, "no", {.status = 404}), std::nullopt);
  EXPECT_EQ(judged(200, " v1\n", {.version = "v1"}), std::nullopt);
  EXPECT_EQ(judged(200, "v1.1", {.version = "v1"}), "expected version v1, got v1.1");
  EXPECT_EQ(judged(200, R"({"version": "v1"})", {.version = "v1"}), std::nullopt);
  EXPECT_EQ(judged(200, R"({"version": "v2", "was": "v1"})", {.version = "v1"}), "expected version v1, got v2");
  EXPECT_EQ(judged(200, "", {.version = "v1", .version_header = "x-version"}), std::nullopt);
  EXPECT_NE(judged(200, "v1", {.version = "v1", .version_header = "x-other"}), std::nullopt);
  EXPECT_EQ(judged(200, "", {.headers = {{"content-type", "text/html"}}}), std::nullopt);
  EXPECT_EQ(judged(200, "", {.headers = {{"content-type", "text/html; charset=utf-8"}}}), std::nullopt);
  EXPECT_EQ(judged(200, "", {.headers = {{"x-version", ""}}}), std::nullopt);
  EXPECT_NE(judged(200, "", {.headers = {{"content-type", "application/json"}}}), std::nullopt);
  EXPECT_NE(judged(200, "", {.headers = {{"x-missing", ""}}}), std::nullopt);
  EXPECT_EQ(judged(200, "ok", {.within = Millis(120)}), std::nullopt);
  EXPECT_EQ(judged(200, "ok", {.within = Millis(119)}), "the answer is right but took 120 ms, allowed are 119 ms");
}

TEST(Answer, ABodyIsQuotedAsData) {
  EXPECT_EQ(shown_body("a\x1b[31m\nb"), "'a[31m b'");
  EXPECT_LT(shown_body(std::string(1 << 20, 'x')).size(), 200U);
  EXPECT_EQ(shown_body(" \n"), "an empty body");
}

TEST(JsonCondition, ComparesNumbersAsNumbersAndTheRestAsText) {
  const Json document =
      Json::parse(R"({"count": 12, "ok": true, "name": "shop", "items": [{"id": "7"}, {"id": 8.5}], "none": null})");
  const auto met = [&](std::string_view path, const Json& condition) {
    return !unmet(document, path, condition).has_value();
  };
  EXPECT_TRUE(met("count", ">0"));
  EXPECT_TRUE(met("count", ">=12"));
  EXPECT_TRUE(met("count", "< 13"));
  EXPECT_TRUE(met("count", "=12.0"));
  EXPECT_TRUE(met("count", 12));
  EXPECT_FALSE(met("count", ">12"));
  EXPECT_FALSE(met("count", "!=12"));
  EXPECT_TRUE(met("ok", true));
  EXPECT_TRUE(met("ok", "=true"));
  EXPECT_TRUE(met("name", "shop"));
  EXPECT_TRUE(met("name", "!=door"));
  EXPECT_FALSE(met("name", ">0")) << "text is not a number";
  EXPECT_TRUE(met("items.0.id", "=7"));
  EXPECT_TRUE(met("items.1.id", ">8"));
  EXPECT_FALSE(met("items.2.id", "exists"));
  EXPECT_TRUE(met("items.2.id", "absent"));
  EXPECT_TRUE(met("none", "exists"));
  EXPECT_FALSE(met("count.deeper", "exists"));
  EXPECT_FALSE(met("missing", "!=1")) << "what is not there is not different";
  EXPECT_EQ(unmet(document, "count", ">100"), "count is 12, expected >100");
}

}  // namespace
}  // namespace backout::drivers
