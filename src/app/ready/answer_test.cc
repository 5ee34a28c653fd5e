#include "app/ready/answer.h"

#include <gtest/gtest.h>

#include "app/ready/host.h"

namespace backout::app {
namespace {

Finding finding(const std::string& id, Severity severity, const std::string& what = "seen") {
  return {id, severity, "web", "web-1", what, severity == Severity::kOk ? "" : "mend it", Json::object()};
}

ReadyAnswer answer(std::vector<Finding> findings) {
  ReadyAnswer made;
  made.site = SiteId("shop/production");
  made.target = Release{.id = ReleaseId("R-1"), .version = Version("v1")};
  made.findings = std::move(findings);
  put_in_order(made.findings);
  return made;
}

constexpr int64_t kDay = 24 * 3600 * 1000LL;

TEST(ReadyAnswer, IsNoAsSoonAsOneThingIsRed) {
  EXPECT_TRUE(answer({finding("tool", Severity::kWarning)}).ready());
  const ReadyAnswer no = answer({finding("tool", Severity::kOk), finding("room", Severity::kRed)});
  EXPECT_FALSE(no.ready());
  EXPECT_EQ(no.says(), "cannot go back to v1: 1 thing is in the way");
  EXPECT_EQ(no.findings.front().id, "room");
}

TEST(ReadyAnswer, TellsTheSameThingOnce) {
  EXPECT_EQ(answer({finding("tool", Severity::kRed), finding("tool", Severity::kRed)}).findings.size(), 1U);
}

TEST(ReadyAnswer, IsNewsWhenItChangedOrADayLaterAndNotWhenAFigureDid) {
  Json last = event_of(answer({finding("room", Severity::kRed, "1.2 GB free")}));
  last["at_ms"] = 1000;
  const Json same = event_of(answer({finding("room", Severity::kRed, "1.1 GB free")}));
  EXPECT_FALSE(is_news(last, same, wall_from_millis(2000)));
  EXPECT_TRUE(is_news(last, same, wall_from_millis(1000 + kDay)));
  EXPECT_TRUE(is_news(last, event_of(answer({})), wall_from_millis(2000)));
  EXPECT_TRUE(is_news(last, event_of(answer({finding("tool", Severity::kRed)})), wall_from_millis(2000)));
  EXPECT_TRUE(is_news(Json(), same, wall_from_millis(2000)));
}

TEST(ReadyAnswer, AsJsonHasEveryFindingWithItsNextStep) {
  const Json value = to_json(answer({finding("room", Severity::kRed), finding("tool", Severity::kOk)}));
  EXPECT_FALSE(value["ready"].get<bool>());
  EXPECT_TRUE(value["now"].is_null());
  EXPECT_EQ(value["findings"].size(), 2U);
  EXPECT_EQ(value["findings"][0], Json({{"id", "room"},
                                        {"severity", "red"},
                                        {"about", "web"},
                                        {"host", "web-1"},
                                        {"what", "seen"},
                                        {"next", "mend it"}}));
}

TEST(HostAnswer, ClocksDifferOnlyByMoreThanTheQuestionTook) {
  const ready::HostAnswer at{.seconds = 100};
  EXPECT_EQ(ready::skew_of(at, wall_from_millis(100'500), wall_from_millis(100'600)), Millis(0));
  EXPECT_EQ(ready::skew_of(at, wall_from_millis(90'000), wall_from_millis(120'000)), Millis(0));
  EXPECT_EQ(ready::skew_of(at, wall_from_millis(110'000), wall_from_millis(110'100)), Millis(-9001));
  EXPECT_EQ(ready::skew_of(at, wall_from_millis(90'000), wall_from_millis(90'100)), Millis(9900));
  EXPECT_FALSE(ready::parse_host("root /x\nowner \nnow 12\n"));
}

}  // namespace
}  // namespace backout::app
