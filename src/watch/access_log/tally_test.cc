#include "watch/access_log/tally.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace backout::watch {
namespace {

constexpr int64_t kCutover = 1'760'097'600;  // 2025-10-10T12:00:00Z

LineRules rules_of(const std::string& format = "$remote_addr $msec \"$request\" $status $request_time $x_release",
                   const std::string& release = "", const std::vector<std::string>& routes = {}) {
  auto compiled = Format::compile(format, {.release = release});
  EXPECT_TRUE(compiled) << compiled.error().message;
  LineRules rules{.format = *compiled};
  for (const std::string& each : routes) rules.routes.push_back(*RoutePattern::parse(each));
  return rules;
}

Scope scope_at(int64_t now) {
  return {.current = "v2",
          .before = "v1",
          .cutover = wall_from_millis(kCutover * 1000),
          .now = wall_from_millis(now * 1000)};
}

struct Line {
  int64_t second = kCutover;
  std::string client = "10.0.0.1";
  int status = 200;
  std::string path = "/";
  std::string duration = "0.001";
  std::string release = "-";
  std::string text() const {
    return fmt::format("{} {}.500 \"GET {} HTTP/1.1\" {} {} {}\n", client, second, path, status, duration, release);
  }
};

std::vector<Observation> told(Tally& tally, const std::string& text) {
  tally.take(text);
  tally.close_by_now();
  return tally.take_observations();
}

TEST(AccessLogTally, OneClientInOneSecondIsOneVoteWhateverItAsks) {
  const LineRules rules = rules_of();
  Tally tally(rules, scope_at(kCutover + 100), nullptr);
  std::string text;
  for (int i = 0; i < 10; ++i) text += Line{.status = i == 3 ? 503 : 200, .path = fmt::format("/order/{}", i)}.text();
  text += Line{.client = "10.0.0.2"}.text();
  text += Line{.client = "10.0.0.2", .path = "/other"}.text();
  const auto seen = told(tally, text);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(to_millis(seen[0].second), kCutover * 1000);
  EXPECT_EQ(seen[0].arm, Arm::kNew);
  EXPECT_EQ(seen[0].requests, 12);
  EXPECT_EQ(seen[0].failed, 1);
  ASSERT_EQ(seen[0].outcomes.size(), 2U);
  EXPECT_EQ(seen[0].outcomes[0].requests, 1);  // two route groups of the second client
  EXPECT_EQ(seen[0].outcomes[0].good, 2);
  EXPECT_EQ(seen[0].outcomes[1].requests, 10);
  EXPECT_EQ(seen[0].outcomes[1].bad, 1);
  EXPECT_EQ(tally.figures()["clients"], 2);
  EXPECT_EQ(tally.figures()["bad_clients"], 1);
  EXPECT_EQ(tally.figures()["worst_routes"][0]["route"], "GET /order/{id}");
}

TEST(AccessLogTally, ARequestWithoutAClientIsAVoteOfItsOwn) {
  const LineRules rules = rules_of();
  Tally tally(rules, scope_at(kCutover + 100), nullptr);
  const auto seen =
      told(tally, Line{.client = "-"}.text() + Line{.client = "-"}.text() + Line{.client = "-", .status = 500}.text());
  ASSERT_EQ(seen.size(), 1U);
  ASSERT_EQ(seen[0].outcomes.size(), 1U);
  EXPECT_EQ(seen[0].outcomes[0].good, 2);
  EXPECT_EQ(seen[0].outcomes[0].bad, 1);
}

TEST(AccessLogTally, WhatBeganBeforeTheCutoverIsTheOldReleases) {
  const LineRules rules = rules_of();
  Tally tally(rules, scope_at(kCutover + 100), nullptr);
  const auto seen =
      told(tally, Line{.second = kCutover - 1}.text() + Line{.second = kCutover + 4, .duration = "5.000"}.text() +
                      Line{.second = kCutover + 5, .duration = "5.000"}.text());
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].arm, Arm::kOld);
  EXPECT_EQ(seen[1].arm, Arm::kOld);
  EXPECT_EQ(seen[2].arm, Arm::kNew);
}

TEST(AccessLogTally, AReleaseInTheLineWins) {
  const LineRules rules = rules_of("$remote_addr $msec \"$request\" $status $request_time $x_release", "x_release");
  Tally tally(rules, scope_at(kCutover + 100), nullptr);
  const auto seen =
      told(tally, Line{.second = kCutover + 1, .release = "v1"}.text() +
                      Line{.second = kCutover + 1, .release = "2"}.text() + Line{.second = kCutover + 1}.text());
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].release, "v1");
  EXPECT_EQ(seen[0].arm, Arm::kOld);
  EXPECT_EQ(seen[1].release, "2");  // v2 written another way
  EXPECT_EQ(seen[1].arm, Arm::kNew);
  EXPECT_EQ(seen[2].release, "");
  EXPECT_EQ(seen[2].arm, Arm::kNew);
}

TEST(AccessLogTally, SaysWhenTheLogNeverNamesTheNewRelease) {
  const LineRules rules = rules_of("$remote_addr $msec \"$request\" $status $request_time $x_release", "x_release");
  Tally tally(rules, scope_at(kCutover + 100), nullptr);
  told(tally, Line{.second = kCutover + 1, .release = "4f1c0de"}.text());
  ASSERT_EQ(tally.remarks().size(), 1U);
  EXPECT_EQ(tally.remarks()[0], "the log names 4f1c0de, and not v2: nothing counts as the new release");
}

TEST(AccessLogTally, ASecondIsToldOnceItAndTheGraceAreOver) {
  const LineRules rules = rules_of();
  Json state;
  {
    Tally tally(rules, scope_at(kCutover + 3), state);
    EXPECT_EQ(told(tally, Line{.second = kCutover}.text() + Line{.second = kCutover + 1}.text()).size(), 1U);
    state = tally.state();
  }
  Tally tally(rules, scope_at(kCutover + 4), state);
  const auto seen = told(tally, Line{.second = kCutover + 1, .client = "10.0.0.9", .status = 500}.text());
  ASSERT_EQ(seen.size(), 1U);  // with what the look before saw of it
  EXPECT_EQ(to_millis(seen[0].second), (kCutover + 1) * 1000);
  EXPECT_EQ(seen[0].requests, 2);
  ASSERT_EQ(seen[0].outcomes.size(), 1U);
  EXPECT_EQ(seen[0].outcomes[0].good, 1);
  EXPECT_EQ(seen[0].outcomes[0].bad, 1);
  EXPECT_EQ(tally.figures()["clients"], 2);
}

TEST(AccessLogTally, ALateLineCountsInTheOldestSecondThatIsOpen) {
  const LineRules rules = rules_of();
  Tally tally(rules, scope_at(kCutover + 10), nullptr);
  EXPECT_EQ(told(tally, Line{.second = kCutover + 2}.text()).size(), 1U);
  tally.take(Line{.second = kCutover + 1, .status = 500}.text());
  tally.take(Line{.second = kCutover + 9}.text());
  const Json state = tally.state();
  EXPECT_EQ(tally.remarks().at(0), "1 line came after their second had been told, and count in a later one");
  Tally later(rules, scope_at(kCutover + 20), state);
  later.close_by_now();
  const auto seen = later.take_observations();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(to_millis(seen[0].second), (kCutover + 8) * 1000);
  EXPECT_EQ(seen[0].failed, 1);
}

TEST(AccessLogTally, AClockThatJumpsLosesNothing) {
  const LineRules rules = rules_of();
  Tally tally(rules, scope_at(kCutover + 10), nullptr);
  std::string text = Line{.second = kCutover + 5}.text();
  text += Line{.second = kCutover + 86'400 * 30, .status = 500}.text();  // ahead: now
  text += Line{.second = kCutover + 6}.text();
  text += Line{.second = kCutover - 1800, .status = 500}.text();  // back: it is still the new release that writes
  const auto first = told(tally, text);
  Tally later(rules, scope_at(kCutover + 30), tally.state());
  later.close_by_now();
  int64_t requests = 0, failed_new = 0;
  for (const auto& list : {first, later.take_observations()})
    for (const Observation& each : list) {
      requests += each.requests;
      if (each.arm == Arm::kNew) failed_new += each.failed;
    }
  EXPECT_EQ(requests, 4);
  EXPECT_EQ(failed_new, 2);
  EXPECT_EQ(tally.remarks().size(), 2U);
}

TEST(AccessLogTally, SlowerIsAboveTheOldReleasesP95OfThatRoute) {
  const LineRules rules = rules_of();
  Tally tally(rules, scope_at(kCutover + 100), nullptr);
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += Line{.second = kCutover - 200 + i, .path = "/fast", .duration = i % 50 == 0 ? "0.900" : "0.010"}.text();
    text += Line{.second = kCutover - 200 + i, .path = "/slow", .duration = "2.000"}.text();
  }
  text += Line{.second = kCutover + 10, .path = "/fast", .duration = "0.010"}.text();
  text += Line{.second = kCutover + 10, .client = "10.0.0.2", .path = "/fast", .duration = "0.100"}.text();
  text += Line{.second = kCutover + 10, .path = "/slow", .duration = "2.000"}.text();
  text += Line{.second = kCutover + 10, .path = "/new", .duration = "9.000"}.text();  // nothing to compare with
  text += Line{.second = kCutover + 10, .client = "10.0.0.3", .path = "/fast", .duration = "-"}.text();
  const auto seen = told(tally, text);
  const Observation& last = seen.back();
  EXPECT_TRUE(seen.front().speeds.empty());
  EXPECT_EQ(last.requests, 5);
  ASSERT_EQ(last.speeds.size(), 1U);
  EXPECT_EQ(last.speeds[0].good, 2);
  EXPECT_EQ(last.speeds[0].bad, 1);
  // Another process goes on with the same bounds.
  Tally later(rules, scope_at(kCutover + 200), tally.state());
  const auto more = told(later, Line{.second = kCutover + 150, .path = "/fast", .duration = "0.100"}.text());
  ASSERT_EQ(more.size(), 1U);
  ASSERT_EQ(more[0].speeds.size(), 1U);
  EXPECT_EQ(more[0].speeds[0].bad, 1);
}

TEST(AccessLogTally, RubbishIsCountedAndNothingElse) {
  const LineRules rules = rules_of();
  Tally tally(rules, scope_at(kCutover + 100), nullptr);
  std::string text(5000, '\xff');
  text += "\n\n\r\n" + std::string(100, '\0') + Line{}.text();
  text += "10.0.0.1 " + std::to_string(kCutover) + ".1 \"GET / HTTP/1.1\" 2x0 0.1 -\n";
  text += Line{}.text().substr(0, 20);
  const auto seen = told(tally, text);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].requests, 1);
  EXPECT_EQ(tally.broken(), 3);
  EXPECT_EQ(tally.remarks().at(0), "3 lines that are no access log lines");
}

TEST(AccessLogRoutes, AreFoldedAndBounded) {
  const auto folded = [](std::string_view path) { return std::string(FoldedRoute("GET", path).text()); };
  EXPECT_EQ(folded("/orders/8431/items"), "GET /orders/{id}/items");
  EXPECT_EQ(folded("/u/123e4567-e89b-12d3-a456-426614174000/x"), "GET /u/{id}/x");
  EXPECT_EQ(folded("/app.3f2a91bc77.js"), "GET /app.{id}.js");
  EXPECT_EQ(folded("/invoice-2025-01-14.pdf"), "GET /invoice-{id}.pdf");
  EXPECT_EQ(folded("/api/v1/oauth2/token"), "GET /api/v1/oauth2/token");
  EXPECT_EQ(folded("/t/eyJhbGciOiJIUzI1NiIsInR5"), "GET /t/{id}");
  EXPECT_EQ(folded("/"), "GET /");
  EXPECT_EQ(folded("-"), "GET (none)");
  EXPECT_EQ(folded("/caf\xc3\xa9/\x1b[31m"), "GET /caf" + std::string(2, '?') + "/?[31m");
  EXPECT_LE(folded("/" + std::string(5000, 'a')).size(), 120U);
  EXPECT_EQ(path_of("/a/b?c=/d#e"), "/a/b");
  EXPECT_EQ(path_of("http://host:80/x?y"), "/x");

  Routes routes({*RoutePattern::parse("/shop/**"), *RoutePattern::parse("POST /pay/:id/now")},
                {*RoutePattern::parse("/health")}, 7);
  EXPECT_EQ(routes.name(routes.of("GET", "/shop/a/b/c", 200)), "/shop/**");
  EXPECT_EQ(routes.name(routes.of("POST", "/pay/77/now?x", 200)), "POST /pay/:id/now");
  EXPECT_EQ(routes.name(routes.of_request("GET /pay/77/now HTTP/1.1", 200)), "GET /pay/{id}/now");
  EXPECT_EQ(routes.of("GET", "/health", 200), Routes::kIgnored);
  EXPECT_EQ(routes.of("GET", "/wp-admin", 404), Routes::kOther);
  EXPECT_EQ(routes.name(routes.of("GET", "/wp-admin", 200)), "GET /wp-admin");
  for (int i = 0; i < 1000; ++i) routes.of("GET", fmt::format("/page{}x", i), 200);
  EXPECT_EQ(routes.size(), Routes::kMost);
  EXPECT_EQ(routes.of("GET", "/page999x", 200), Routes::kOther);
  for (const char* bad : {"", "orders", "get /x", "/a/**/b", "/\x1b"}) EXPECT_FALSE(RoutePattern::parse(bad)) << bad;
}

TEST(AccessLogStatuses, AreClassesAndRanges) {
  const auto rules = StatusRules::parse({"5xx", "499", "420-429"});
  ASSERT_TRUE(rules);
  for (const int status : {500, 599, 499, 420, 429}) EXPECT_TRUE(rules->failed(status)) << status;
  for (const int status : {0, 200, 404, 430, 600}) EXPECT_FALSE(rules->failed(status)) << status;
  for (const char* bad : {"", "5", "xxx", "9-1", "500-400", "five"}) EXPECT_FALSE(StatusRules::parse({bad})) << bad;
}

}  // namespace
}  // namespace backout::watch
