#include "watch/alerts/alert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace backout::watch {
namespace {

using ::testing::HasSubstr;

/// As Alertmanager's documentation has it, with what newer ones add.
constexpr std::string_view kWebhook =
    R"({"version":"4","groupKey":"{}:{alertname=\"High5xx\"}","truncatedAlerts":2,"status":"firing",
 "receiver":"rollback","groupLabels":{"alertname":"High5xx"},"commonLabels":{},"commonAnnotations":{},"routeLabels":{},
 "externalURL":"http://am:9093","notification_reason":"new","alerts":[
 {"status":"firing","labels":{"alertname":"High5xx","service":"payments","version":"v42","severity":"page"},
  "annotations":{"summary":"5xx 9.8%\u001b[31m\nmore"},"startsAt":"2025-11-21T14:02:14.113Z","endsAt":"0001-01-01T00:00:00Z",
  "generatorURL":"http://prom:9090/graph","fingerprint":"b3f1c9d2a4e55a10","more":[{}]},
 {"status":"resolved","labels":{"alertname":"Slow","service":"payments"},"startsAt":"2025-11-21T14:00:00+01:00",
  "endsAt":"2025-11-21T14:05:00+01:00"}, {"status":"firing"}, 7]})";

TEST(Alert, ReadsAWebhook) {
  const auto alerts = read_webhook(kWebhook);
  ASSERT_TRUE(alerts) << alerts.error().message;
  ASSERT_EQ(alerts->list.size(), 2U);
  EXPECT_EQ(alerts->left_out, 4);
  EXPECT_EQ(alerts->list[0].key(), "b3f1c9d2a4e55a10 1763733734000");
  EXPECT_EQ(alerts->list[0].ends, WallTime{}) << "0001-01-01 is no end";
  EXPECT_EQ(alerts->list[1].state, Alert::State::kResolved);
  EXPECT_EQ(to_iso(alerts->list[1].starts), "2025-11-21T13:00:00.000Z");
  EXPECT_EQ(alerts->list[1].fingerprint.size(), 16U) << "made of its labels";
}

TEST(Alert, BecomesAnOccurrenceWhenItIsAboutTheSiteOrElsewhere) {
  const auto alerts = read_webhook(kWebhook);
  ASSERT_TRUE(alerts);
  const Alert& high = alerts->list[0];
  const auto mine = occurrence_of(high, {.match = {{"service", "payments"}}, .release = "version"});
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->kind, "alert");
  EXPECT_EQ(mine->what, "High5xx: 5xx 9.8%[31m more") << "sanitised, on one line";
  EXPECT_EQ(mine->release, "v42");
  EXPECT_TRUE(mine->severe);
  EXPECT_FALSE(mine->elsewhere);
  EXPECT_EQ(get_string(mine->more, "fingerprint"), "b3f1c9d2a4e55a10");
  EXPECT_FALSE(occurrence_of(high, {.match = {{"service", "shop"}}}));
  EXPECT_FALSE(occurrence_of(high, {.match = {{"service", "payments"}, {"region", "eu"}}}));
  const auto elsewhere = occurrence_of(high, {.match = {{"service", "shop"}}, .elsewhere = {{"service", "payments"}}});
  ASSERT_TRUE(elsewhere);
  EXPECT_TRUE(elsewhere->elsewhere);
  EXPECT_FALSE(
      occurrence_of(high, {.match = {{"service", "payments"}}, .elsewhere = {{"severity", "page"}}})->elsewhere)
      << "what is about the site is not elsewhere";
  EXPECT_TRUE(occurrence_of(high, {.elsewhere = {{"team", "db"}}})) << "without a match all the others count";
  EXPECT_EQ(occurrence_of(alerts->list[1], {})->kind, "alert-resolved");
}

TEST(Alert, ReadsTheApiAndLeavesSilencedOnesAlone) {
  const auto alerts =
      read_alerts_api(R"([{"annotations":{"description":"it is slow"},"endsAt":"2025-11-21T14:07:00.000Z",
    "fingerprint":"aa","receivers":[{"name":"w"}],"startsAt":"2025-11-21T14:02:00.000Z",
    "status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"x","generatorURL":"","labels":{"alertname":"Slow"}},
    {"fingerprint":"bb","status":{"state":"suppressed"},"labels":{"alertname":"Quiet"}}])");
  ASSERT_TRUE(alerts) << alerts.error().message;
  ASSERT_EQ(alerts->list.size(), 2U);
  EXPECT_EQ(occurrence_of(alerts->list[0], {})->what, "Slow: it is slow");
  EXPECT_FALSE(occurrence_of(alerts->list[1], {}));
}

TEST(Alert, RubbishIsRefusedWithWhy) {
  for (const auto& [body, why] : {std::pair{"", "is not JSON"},
                                  {"[]", "no list of alerts"},
                                  {"{\"alerts\":{}}", "no list of alerts"},
                                  {"{\"alerts\":[{\"labels\":{}}]}", "not one of the alerts has labels"},
                                  {"\xff\xfe", "is not JSON"}})
    EXPECT_THAT(read_webhook(body).error().message, HasSubstr(why)) << body;
  EXPECT_TRUE(read_webhook("{\"alerts\":[]}")) << "a webhook may be about nothing";
  EXPECT_THAT(read_alerts_api("{}").error().message, HasSubstr("the address of Alertmanager"));
  std::string many = "{\"alerts\":[";
  for (size_t each = 0; each < kMostAlerts + 5; ++each)
    many += fmt::format("{}{{\"labels\":{{\"a\":\"{}\"}}}}", each > 0 ? "," : "", each);
  const auto read = read_webhook(many + "]}");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->list.size(), kMostAlerts);
  EXPECT_EQ(read->left_out, 5);
}

}  // namespace
}  // namespace backout::watch
