// Direct scraping, against a server that answers what a test tells it to.
#include "watch/metrics/scrape.h"

#include "os/http_server.h"
#include "watch/testing.h"

namespace backout::watch {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
const WallTime kCutover = wall_from_millis(1'700'000'000'000);

class Scrape : public ::testing::Test {
 protected:
  Scrape() {
    auto server = os::HttpServer::start("127.0.0.1:0",
                                        [this](const os::ServedRequest& request) {
                                          authorization_ = request.authorization;
                                          return os::ServedAnswer{status_, text_};
                                        },
                                        {});
    EXPECT_TRUE(server);
    if (server) server_ = std::move(*server);
    looking_ = looking(Json::object());
  }
  std::unique_ptr<Looking> looking(Json more) const {
    Json subject = {{"url", fmt::format("http://127.0.0.1:{}/metrics", server_->port())},
                    {"errors", "http_requests_total{code=~\"5..\"}"},
                    {"requests", "http_requests_total"}};
    subject.update(more);
    return std::make_unique<Looking>("metrics", subject, kCutover);
  }
  static std::string counts(int64_t good, int64_t bad) {
    std::string text =
        fmt::format("# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\"}} {}\n", good);
    if (bad >= 0) text += fmt::format("http_requests_total{{code=\"502\"}} {}\n", bad);
    return text + "process_cpu_seconds_total 12.5\n";
  }
  Seen at(int second, const std::string& text) {
    text_ = text;
    return looking_->look(kCutover + std::chrono::seconds(second) + Millis(200));
  }
  int status_ = 200;
  std::string text_, authorization_;
  std::unique_ptr<os::HttpServer> server_;
  std::unique_ptr<Looking> looking_;
};

TEST_F(Scrape, CountsWhatGrewSecondBySecond) {
  EXPECT_TRUE(at(10, counts(1000, 50)).observations.empty()) << "here counting starts";
  const Seen seen = at(11, counts(1090, 60));
  ASSERT_EQ(seen.observations.size(), 1U);
  EXPECT_EQ(to_millis(seen.observations[0].second), to_millis(kCutover) + 10'000);
  EXPECT_EQ(seen.observations[0].requests, 100);
  EXPECT_EQ(seen.observations[0].failed, 10);
  EXPECT_EQ(get_string(seen.figures, "clients"), "unknown");
  looking_->again();
  at(12, counts(1100, 60));
  EXPECT_EQ(looking_->votes, 110);
  EXPECT_EQ(looking_->bad, 10);
}

TEST_F(Scrape, TheFirstErrorMakesItsSeries) {
  at(10, counts(1000, -1));
  EXPECT_TRUE(get_bool(at(11, counts(1005, -1)).figures, "no_errors_yet"));
  at(12, counts(1010, 4));
  EXPECT_EQ(looking_->votes, 14);
  EXPECT_EQ(looking_->bad, 4);
}

TEST_F(Scrape, ATypoIsNeverHealthy) {
  looking_ = looking({{"requests", "http_request_total"}});
  EXPECT_THAT(at(10, counts(1000, 50)).blind, HasSubstr("no series matches requests: http_request_total"));
  looking_ = looking({{"errors", "http_errors_total"}});
  EXPECT_THAT(at(10, counts(1000, 50)).blind, HasSubstr("no series is called http_errors_total"));
  looking_ = looking({{"errors", "http_requests_total{cod=~\"5..\"}"}});
  EXPECT_THAT(at(10, counts(1000, 50)).blind, HasSubstr("has a label cod"));
}

TEST_F(Scrape, WhatIsNoAnswerIsBlindAndCountingGoesOnBehindIt) {
  at(10, counts(1000, 50));
  status_ = 500;
  EXPECT_THAT(at(11, counts(1010, 50)).blind, HasSubstr("it answers 500"));
  status_ = 200;
  EXPECT_THAT(at(12, "<!doctype html><title>Sign in</title>").blind, HasSubstr("HTML"));
  EXPECT_THAT(at(13, "").blind, HasSubstr("no metric is there"));
  EXPECT_THAT(at(14, "\xff\xfe\x01 binary \x1b[31m rubbish\n").blind, HasSubstr("not one line is a metric"));
  EXPECT_THAT(at(15, counts(1, 1) + std::string(kLargestExposition, '#')).blind, HasSubstr("larger than"));
  EXPECT_EQ(at(16, counts(1020, 55)).observations.at(0).requests, 25);
  server_.reset();
  EXPECT_THAT(at(17, "").blind, HasSubstr("127.0.0.1"));
}

TEST_F(Scrape, TooManySeriesAreRefused) {
  std::string many;
  for (size_t each = 0; each <= kMostCounters; ++each)
    many += fmt::format("http_requests_total{{code=\"200\",path=\"/{}\"}} 1\n", each);
  EXPECT_THAT(at(10, many).blind, HasSubstr("narrow the selectors"));
}

TEST_F(Scrape, AClockThatJumpsCountsNothingTwice) {
  at(10, counts(1000, 50));
  at(11, counts(1010, 50));
  EXPECT_EQ(looking_->votes, 10);
  const Seen back = at(-7200, counts(1020, 50));
  EXPECT_THAT(back.remarks, Contains(HasSubstr("the clock went back")));
  at(-7199, counts(1030, 51));
  EXPECT_EQ(looking_->votes, 21);
  at(100'000, counts(1040, 51));
  EXPECT_LE(looking_->votes, 31);
}

TEST_F(Scrape, TheTokenIsSentAndAMissingOneIsBlind) {
  os::TestDirectory directory;
  write_text(directory / "token", "s3cret\n");
  looking_ = looking({{"token", directory / "token"}});
  at(10, counts(1, 1));
  EXPECT_EQ(authorization_, "Bearer s3cret");
  looking_ = looking({{"token", directory / "gone"}});
  const Seen seen = at(10, counts(1, 1));
  EXPECT_THAT(seen.blind, HasSubstr("secret token"));
}

TEST_F(Scrape, ReleasesBesideEachOtherAreToldApart) {
  looking_ = looking({{"release", "version"}});
  const auto both = [](int old_good, int new_good, int new_bad) {
    return fmt::format(
        "http_requests_total{{code=\"200\",version=\"v1\"}} {}\nhttp_requests_total{{code=\"200\",version=\"v2\"}} {}\n"
        "http_requests_total{{code=\"500\",version=\"v2\"}} {}\n",
        old_good, new_good, new_bad);
  };
  at(10, both(1000, 10, 0));
  const Seen seen = at(11, both(1100, 19, 1));
  ASSERT_EQ(seen.observations.size(), 2U);
  EXPECT_EQ(seen.observations[0].arm, Arm::kNew);
  EXPECT_EQ(seen.observations[0].requests, 10);
  EXPECT_EQ(seen.observations[1].arm, Arm::kOld);
  EXPECT_EQ(seen.observations[1].release, "v1");
  EXPECT_EQ(seen.observations[1].failed, 0);
}

}  // namespace
}  // namespace backout::watch
