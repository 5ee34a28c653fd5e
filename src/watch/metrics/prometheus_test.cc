// A real Prometheus that scrapes a real server; and answers that no Prometheus gives.
#include "watch/metrics/prometheus.h"

#include <atomic>

#include "os/http_server.h"
#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::HasSubstr;

/// An application whose counters a test sets, and a Prometheus that scrapes it five times a second.
class RealPrometheus : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<os::TestDirectory>();
    auto app = os::HttpServer::start("127.0.0.1:0",
                                     [](const os::ServedRequest&) {
                                       return os::ServedAnswer{serving_ ? 200 : 500, metrics()};
                                     },
                                     {});
    ASSERT_TRUE(app);
    app_ = std::move(*app);
    write_text(*directory_ / "prometheus.yml",
               fmt::format("global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n"
                           "scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}]\n",
                           app_->port()));
    const int port = free_port();
    url_ = fmt::format("http://127.0.0.1:{}", port);
    prometheus_ = std::make_unique<Program>(
        fmt::format("exec prometheus --config.file={0}/prometheus.yml --storage.tsdb.path={0}/data "
                    "--web.listen-address=127.0.0.1:{1}",
                    directory_->path(), port),
        *directory_ / "prometheus.log");
    ASSERT_TRUE(soon([] { return answers(url_ + "/-/ready"); })) << "Debian's prometheus is needed";
    ASSERT_TRUE(soon([] { return scrapes_ > 5; }));
  }
  static void TearDownTestSuite() {
    prometheus_.reset();
    app_.reset();
    directory_.reset();
  }
  static std::string metrics() {
    ++scrapes_;
    std::string text = fmt::format("http_requests_total{{code=\"200\"}} {}\n", good_.load());
    if (bad_ > 0) text += fmt::format("http_requests_total{{code=\"500\"}} {}\n", bad_.load());
    return text;
  }
  /// Until what the application says now has been scraped, and its second is over.
  static void scraped() {
    const int before = scrapes_;
    ASSERT_TRUE(soon([&] { return scrapes_ >= before + 2; }));
    std::this_thread::sleep_for(Millis(1200));
  }
  static Json subject(const std::string& errors = "http_requests_total{code=~\"5..\"}",
                      const std::string& requests = "http_requests_total") {
    return {{"url", url_}, {"errors", errors}, {"requests", requests}, {"every_ms", 1000}};
  }

  static inline std::unique_ptr<os::TestDirectory> directory_;
  static inline std::unique_ptr<os::HttpServer> app_;
  static inline std::unique_ptr<Program> prometheus_;
  static inline std::string url_;
  static inline std::atomic<int64_t> good_ = 1000, bad_ = 0;
  static inline std::atomic<int> scrapes_ = 0;
  static inline std::atomic<bool> serving_ = true;
};

TEST_F(RealPrometheus, ItsCountersBecomeVotesThroughResetsAndNewSeries) {
  Looking looking("prometheus", subject(), system_clock().wall());
  scraped();
  const Seen first = looking.look();
  EXPECT_EQ(first.blind, "");
  EXPECT_TRUE(get_bool(first.figures, "no_errors_yet")) << first.figures.dump();
  const int64_t began = looking.votes;

  good_ += 90, bad_ = 10;  // the series of errors comes up
  scraped();
  looking.look();
  EXPECT_EQ(looking.votes - began, 100);
  EXPECT_EQ(looking.bad, 10);

  good_ = 7, bad_ = 3;  // another process
  scraped();
  looking.again();
  looking.look();
  EXPECT_EQ(looking.votes - began, 110);
  EXPECT_EQ(looking.bad, 13);
  scraped();
  looking.look();
  EXPECT_EQ(looking.votes - began, 110) << "nothing is counted twice";
}

TEST_F(RealPrometheus, TheOldReleasesHabitsAreThereAtTheFirstLook) {
  good_ += 50;
  scraped();
  Looking looking("prometheus", subject(), system_clock().wall());
  const Seen seen = looking.look();
  int64_t old = 0;
  for (const Observation& each : seen.observations) old += each.arm == Arm::kOld ? each.requests : 0;
  EXPECT_GE(old, 50);
}

TEST_F(RealPrometheus, ATypoIsNeverHealthy) {
  for (const auto& [errors, requests, why] :
       {std::tuple{"http_requests_total{code=~\"5..\"}", "http_request_total",
                   "no series matches requests: http_request_total"},
        {"http_errors_total", "http_requests_total", "no series is called http_errors_total"},
        {"http_requests_total{cod=~\"5..\"}", "http_requests_total", "has a label cod"}}) {
    Looking looking("prometheus", subject(errors, requests), system_clock().wall());
    const Seen seen = looking.look();
    EXPECT_THAT(seen.blind, HasSubstr(why));
    EXPECT_TRUE(seen.observations.empty());
  }
}

TEST_F(RealPrometheus, ATargetThatIsGoneIsBlindAndAClockThatIsAheadToo) {
  Looking looking("prometheus", subject(), system_clock().wall());
  EXPECT_EQ(looking.look().blind, "");
  EXPECT_THAT(looking.look(system_clock().wall() + std::chrono::minutes(4)).blind, HasSubstr("the newest sample is"));
  Looking ahead("prometheus", subject(), system_clock().wall() - std::chrono::hours(2));
  EXPECT_THAT(ahead.look(system_clock().wall() - std::chrono::hours(1)).blind, HasSubstr("ahead of the clock here"));
}

/// Answers that a test gives.
class OddPrometheus : public ::testing::Test {
 protected:
  Seen once(int status, std::string body) {
    auto server = os::HttpServer::start("127.0.0.1:0",
                                        [&](const os::ServedRequest& request) {
                                          asked_ = request.body;
                                          return os::ServedAnswer{status, body};
                                        },
                                        {});
    EXPECT_TRUE(server);
    Looking looking("prometheus",
                    {{"url", fmt::format("http://127.0.0.1:{}/prom", (*server)->port())},
                     {"errors", "e_total"},
                     {"requests", "r_total{a=\"b\"}"}},
                    wall_from_millis(1'700'000'000'000));
    return looking.look(wall_from_millis(1'700'000'060'000));
  }
  std::string asked_;
};

TEST_F(OddPrometheus, IsBlindWithTheReason) {
  for (
      const auto& [status, body, why] :
      {std::tuple<int, std::string, const char*>{
           400, R"({"status":"error","errorType":"bad_data","error":"parse error"})", "bad_data: parse error"},
       {503, "upstream is down", "it answers 503"},
       {200, "<html>Sign in</html>", "HTML"},
       {200, "{}", "not that of Prometheus"},
       {200, R"({"status":"success","data":{"resultType":"matrix","result":[]}})",
        "no series matches requests: r_total{a=\"b\"}"},
       {200, R"({"status":"success","data":{"resultType":"vector","result":[]}})", "answers a vector"},
       {200, R"({"status":"success","warnings":["a store is gone"],"data":{"resultType":"matrix","result":[]}})",
        "parts of its answer may be missing"},
       {200,
        R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"r_total"},"values":[[1699990000,"5"]]}]}})",
        "the newest sample is"},
       {200, std::string(60U << 20, 'x'), "larger than"}}) {
    const Seen seen = once(status, body);
    EXPECT_THAT(seen.blind, HasSubstr(why)) << body.substr(0, 100);
    EXPECT_TRUE(seen.observations.empty());
  }
  EXPECT_THAT(asked_, HasSubstr("query=r_total%7Ba%3D%22b%22%7D%5B"));
}

TEST_F(OddPrometheus, OneThatIsDownIsBlind) {
  Looking looking("prometheus",
                  {{"url", fmt::format("http://127.0.0.1:{}", free_port())}, {"errors", "e"}, {"requests", "r"}},
                  system_clock().wall());
  EXPECT_THAT(looking.look().blind, HasSubstr("Failed to connect"));
}

}  // namespace
}  // namespace backout::watch
