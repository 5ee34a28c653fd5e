// A real Prometheus whose rule fires, a real Alertmanager that sends it here; and what is no webhook.
#include "watch/alerts/alertmanager.h"

#include <atomic>

#include "os/http_server.h"
#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kFiring =
    R"({{"version":"4","alerts":[{{"status":"{}","labels":{{"alertname":"High5xx","service":"shop","severity":"{}"}},
      "annotations":{{"summary":"many errors"}},"startsAt":"{}","endsAt":"0001-01-01T00:00:00Z","fingerprint":"f1"}}]}})";
std::string webhook(std::string_view status, std::string_view starts = "2025-11-21T14:02:14Z",
                    std::string_view severity = "page") {
  return fmt::format(fmt::runtime(kFiring), status, severity, starts);
}

class Listener : public ::testing::Test {
 protected:
  Listener() { begin(Json::object()); }
  void begin(const Json& more) {
    looking_.reset();
    port_ = free_port();
    Json subject = {{"listen", fmt::format("127.0.0.1:{}", port_)}, {"match", {{"service", "shop"}}}};
    subject.update(more);
    looking_ = std::make_unique<Looking>("alertmanager", subject, wall_from_millis(1));
  }
  /// Status 0: no answer.
  os::HttpResponse post(std::string body, const std::map<std::string, std::string>& headers = {}) const {
    auto answer = os::http({.method = "POST",
                            .url = fmt::format("http://127.0.0.1:{}/", port_),
                            .headers = headers,
                            .body = std::move(body)});
    return answer ? *std::move(answer) : os::HttpResponse{};
  }
  int port_ = 0;
  std::unique_ptr<Looking> looking_;
};

TEST_F(Listener, TellsEachFiringOnceAndItsEndOnce) {
  for (int again = 0; again < 3; ++again) EXPECT_EQ(post(webhook("firing")).status, 200);
  const Seen first = looking_->look();
  ASSERT_EQ(first.occurrences.size(), 1U);
  EXPECT_EQ(first.occurrences[0].what, "High5xx: many errors");
  EXPECT_EQ(to_iso(first.occurrences[0].at), "2025-11-21T14:02:14.000Z");
  EXPECT_TRUE(first.occurrences[0].severe);
  EXPECT_EQ(get_int(first.figures, "heard"), 3);
  post(webhook("firing"));
  EXPECT_THAT(looking_->look().occurrences, IsEmpty());
  post(webhook("resolved"));
  const Seen end = looking_->look();
  ASSERT_EQ(end.occurrences.size(), 1U);
  EXPECT_EQ(end.occurrences[0].kind, "alert-resolved");
  post(webhook("firing"));
  EXPECT_THAT(looking_->look().occurrences, IsEmpty()) << "a webhook that comes late does not wake it up";
  post(webhook("firing", "2025-11-21T15:00:00Z"));
  EXPECT_EQ(looking_->look().occurrences.size(), 1U) << "it fires another time";
}

TEST_F(Listener, KeepsWhatWasNotToldYetAndWhatALookLost) {
  const Json before = looking_->look().position;
  post(webhook("firing"));
  post(webhook("resolved"));
  EXPECT_EQ(looking_->look().occurrences.size(), 2U);
  looking_->set_position(before);  // the look before was never recorded
  EXPECT_EQ(looking_->look().occurrences.size(), 2U);
  EXPECT_THAT(looking_->look().occurrences, IsEmpty());
}

TEST_F(Listener, RubbishIsAnsweredWithTheReasonAndChangesNothing) {
  const auto refused = post("{\"text\": \"hello\"}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("no list of alerts"));
  EXPECT_EQ(post(std::string("\xff\x00\x01", 3)).status, 400);
  EXPECT_EQ(os::http({.url = fmt::format("http://127.0.0.1:{}/", port_)})->status, 405);
  const Seen seen = looking_->look();
  EXPECT_THAT(seen.occurrences, IsEmpty());
  EXPECT_EQ(seen.blind, "");
  EXPECT_THAT(seen.remarks, Contains("2 webhooks could not be understood"));
  const auto large = post(std::string(6U << 20, '['));
  EXPECT_TRUE(large.status == 0 || large.status == 413);
  EXPECT_EQ(post(webhook("firing")).status, 200) << "and it goes on";
}

TEST_F(Listener, OthersAlertsAreLeftAloneAndThoseElsewhereSaySo) {
  begin({{"match", {{"service", "pay"}}}, {"elsewhere", {{"service", "shop"}}}});
  post(webhook("firing", "2025-11-21T14:02:14Z", "info"));
  const Seen seen = looking_->look();
  ASSERT_EQ(seen.occurrences.size(), 1U);
  EXPECT_TRUE(seen.occurrences[0].elsewhere);
  EXPECT_FALSE(seen.occurrences[0].severe);
  begin({{"match", {{"service", "pay"}}}});
  post(webhook("firing"));
  EXPECT_THAT(looking_->look().occurrences, IsEmpty());
}

TEST_F(Listener, ATokenIsAskedForWhenOneIsSaid) {
  os::TestDirectory directory;
  write_text(directory / "token", "open sesame\n");
  begin({{"token", directory / "token"}});
  EXPECT_EQ(post(webhook("firing")).status, 401);
  EXPECT_EQ(post(webhook("firing"), {{"Authorization", "Bearer open sesam"}}).status, 401);
  EXPECT_EQ(post(webhook("firing"), {{"Authorization", "Bearer open sesame"}}).status, 200);
  EXPECT_EQ(looking_->look().occurrences.size(), 1U);
}

TEST_F(Listener, ATakenAddressIsBlindUntilItIsFree) {
  const int port = free_port();
  auto taken = os::HttpServer::start(fmt::format("127.0.0.1:{}", port),
                                     [](const os::ServedRequest&) { return os::ServedAnswer{}; }, {});
  ASSERT_TRUE(taken);
  begin({{"listen", fmt::format("127.0.0.1:{}", port)}});
  EXPECT_THAT(looking_->look().blind, HasSubstr("something else does"));
  taken->reset();
  EXPECT_EQ(looking_->look().blind, "");
}

TEST(Asked, WhatIsNoAlertmanagerIsBlind) {
  std::string body = "{}";
  auto server = os::HttpServer::start("127.0.0.1:0",
                                      [&](const os::ServedRequest&) {
                                        return os::ServedAnswer{200, body};
                                      },
                                      {});
  ASSERT_TRUE(server);
  const Json subject = {{"url", fmt::format("http://127.0.0.1:{}", (*server)->port())}};
  for (const auto& [text, why] : {std::pair{"{}", "no list of alerts"}, {"<html>", "is not JSON"}}) {
    body = text;
    EXPECT_THAT(Looking("alertmanager", subject, wall_from_millis(1)).look().blind, HasSubstr(why));
  }
  body =
      R"([{"labels":{"alertname":"Slow"},"fingerprint":"a","startsAt":"2025-11-21T14:02:14Z","status":{"state":"active"}}])";
  Looking looking("alertmanager", subject, wall_from_millis(1));
  const WallTime now = wall_from_millis(1'763'733'800'000);
  EXPECT_EQ(looking.look(now).occurrences.size(), 1U);
  EXPECT_THAT(looking.look(now + Millis(1000)).occurrences, IsEmpty());
  body = "[]";
  const Seen end = looking.look(now + Millis(6000));
  ASSERT_EQ(end.occurrences.size(), 1U);
  EXPECT_EQ(end.occurrences[0].kind, "alert-resolved");
  EXPECT_EQ(end.occurrences[0].what, "Slow");
  server->reset();
  EXPECT_THAT(looking.look(now + Millis(20'000)).blind, HasSubstr("Failed to connect"));
}

/// A metric crosses a line: Prometheus' rule fires, Alertmanager sends the webhook, and tells of it when it is asked.
TEST(RealAlertmanager, AFiringRuleArrivesByWebhookAndByAsking) {
  os::TestDirectory directory;
  std::atomic<bool> failing = false;
  auto app =
      os::HttpServer::start("127.0.0.1:0",
                            [&](const os::ServedRequest&) {
                              return os::ServedAnswer{200, fmt::format("shop_error_ratio {}", failing ? 0.2 : 0.0)};
                            },
                            {});
  ASSERT_TRUE(app);
  const int prometheus_port = free_port(), alertmanager_port = free_port(), hook_port = free_port();
  write_text(directory / "prometheus.yml",
             fmt::format("global: {{scrape_interval: 200ms, evaluation_interval: 200ms, scrape_timeout: 200ms}}\n"
                         "rule_files: [{0}/rules.yml]\n"
                         "alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{1}']}}]}}]}}\n"
                         "scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{2}']}}]}}]\n",
                         directory.path(), alertmanager_port, (*app)->port()));
  write_text(directory / "rules.yml",
             "groups: [{name: g, interval: 200ms, rules: [{alert: HighErr, expr: shop_error_ratio > 0.05, for: 200ms, "
             "labels: {severity: page, service: shop}, annotations: {summary: 'many requests fail'}}]}]\n");
  write_text(
      directory / "alertmanager.yml",
      fmt::format(
          "route: {{receiver: w, group_wait: 10ms, group_interval: 200ms, repeat_interval: 1h}}\n"
          "receivers: [{{name: w, webhook_configs: [{{url: 'http://127.0.0.1:{}/hook', send_resolved: true}}]}}]\n",
          hook_port));
  const Json match = {{"service", "shop"}};
  const WallTime cutover = system_clock().wall();
  Looking heard("alertmanager", {{"listen", fmt::format("127.0.0.1:{}", hook_port)}, {"match", match}}, cutover);
  Looking asked("alertmanager",
                {{"url", fmt::format("http://127.0.0.1:{}", alertmanager_port)}, {"match", match}, {"every_ms", 1000}},
                cutover);
  const Program alertmanager(
      fmt::format("exec prometheus-alertmanager --config.file={0}/alertmanager.yml --storage.path={0}/am "
                  "--web.listen-address=127.0.0.1:{1} --cluster.listen-address=",
                  directory.path(), alertmanager_port),
      directory / "alertmanager.log");
  const Program prometheus(fmt::format("exec prometheus --config.file={0}/prometheus.yml --storage.tsdb.path={0}/data "
                                       "--web.listen-address=127.0.0.1:{1}",
                                       directory.path(), prometheus_port),
                           directory / "prometheus.log");
  ASSERT_TRUE(soon([&] { return answers(fmt::format("http://127.0.0.1:{}/-/ready", alertmanager_port)); }))
      << "Debian's prometheus-alertmanager is needed";
  ASSERT_TRUE(soon([&] { return answers(fmt::format("http://127.0.0.1:{}/-/ready", prometheus_port)); }));
  // Prometheus takes some seconds from its start to find its Alertmanager.
  const std::string sends_to = fmt::format("http://127.0.0.1:{}/api/v1/alertmanagers", prometheus_port);
  ASSERT_TRUE(soon([&] {
    const auto answer = os::http({.url = sends_to});
    return answer && answer->body.find("\"activeAlertmanagers\":[{") != std::string::npos;
  }));
  EXPECT_THAT(asked.look().occurrences, IsEmpty());

  failing = true;
  const BootTime began = system_clock().boot();
  std::vector<Occurrence> by_hook, by_asking;
  const auto collect = [](Looking& looking, std::vector<Occurrence>& into) {
    for (Occurrence& each : looking.look().occurrences) into.push_back(std::move(each));
    return !into.empty();
  };
  ASSERT_TRUE(soon([&] { return collect(heard, by_hook); }));
  const Millis took = system_clock().boot() - began;
  EXPECT_EQ(by_hook[0].what, "HighErr: many requests fail");
  EXPECT_TRUE(by_hook[0].severe);
  ASSERT_TRUE(soon([&] { return collect(asked, by_asking); }));
  EXPECT_EQ(by_asking[0].what, by_hook[0].what);
  EXPECT_EQ(get_string(by_asking[0].more, "fingerprint"), get_string(by_hook[0].more, "fingerprint"));

  failing = false;
  by_hook.clear();
  by_asking.clear();
  ASSERT_TRUE(soon([&] { return collect(heard, by_hook); }));
  EXPECT_EQ(by_hook[0].kind, "alert-resolved");
  ASSERT_TRUE(soon([&] { return collect(asked, by_asking); }));
  EXPECT_EQ(by_asking[0].kind, "alert-resolved");
  std::printf("from the first bad scrape to the webhook: %ld ms\n", static_cast<long>(took.count()));
}

}  // namespace
}  // namespace backout::watch
