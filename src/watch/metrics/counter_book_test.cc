#include "watch/metrics/counter_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace backout::watch {
namespace {

constexpr int64_t kCutover = 1'700'000'000'000;

/// Scrapes of one target, one after another.
class Counters {
 public:
  explicit Counters(std::string release = "", int64_t now_s = 1000)
      : book_({.current = "v2",
               .before = "v1",
               .cutover = wall_from_millis(kCutover),
               .now = wall_from_millis(kCutover + now_s * 1000)},
              std::move(release), 0) {}

  struct Line {
    Labels labels;
    double value;
  };
  /// Lines with code 5xx are of both selectors, the others of requests.
  void scrape(int64_t second, const std::vector<Line>& lines, bool quiet = false, bool whole = true) {
    book_.begin({.target = "t", .at_ms = kCutover + second * 1000, .quiet = quiet, .whole = whole});
    for (const Line& line : lines) {
      const auto code = line.labels.find("code");
      const bool failed = code != line.labels.end() && code->second[0] == '5';
      book_.series(failed ? Counts::kBoth : Counts::kRequests, "http_requests_total", line.labels, line.value);
    }
    book_.end();
  }
  /// "10 new 90/10": second after the cutover, arm, good and bad.
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    for (const Observation& each : book_.take(remarks_))
      lines.push_back(fmt::format("{} {}{} {}/{}", (to_millis(each.second) - kCutover) / 1000, name_of(each.arm),
                                  each.release.empty() ? "" : "(" + each.release + ")", each.outcomes[0].good,
                                  each.outcomes[0].bad));
    return lines;
  }
  CounterBook& book() { return book_; }
  std::vector<std::string>& remarks() { return remarks_; }

 private:
  CounterBook book_;
  std::vector<std::string> remarks_;
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;
const Labels kGood = {{"code", "200"}}, kBad = {{"code", "500"}};

TEST(CounterBook, CountsWhatGrewBetweenTwoScrapes) {
  Counters counters;
  counters.scrape(10, {{kGood, 1'000'000}, {kBad, 500}});
  counters.scrape(25, {{kGood, 1'000'090}, {kBad, 510}});
  counters.scrape(40, {{kGood, 1'000'090}, {kBad, 510}});
  EXPECT_THAT(counters.told(), ElementsAre("25 new 90/10"));
  EXPECT_THAT(counters.remarks(), IsEmpty());
}

TEST(CounterBook, AResetGrewByTheWholeValue) {
  Counters counters;
  counters.scrape(10, {{kGood, 1000}, {kBad, 50}});
  counters.scrape(25, {{kGood, 30}, {kBad, 4}});
  EXPECT_THAT(counters.told(), ElementsAre("25 new 30/4"));
}

TEST(CounterBook, ASeriesThatComesUpInAKnownTargetBeganAtZero) {
  Counters counters;
  counters.scrape(10, {{kGood, 1000}});
  counters.scrape(25, {{kGood, 1010}, {kBad, 7}});
  EXPECT_THAT(counters.told(), ElementsAre("25 new 10/7"));
}

TEST(CounterBook, UnlessItMayOnlyBeScrapedAtAnotherTime) {
  Counters counters;
  counters.scrape(10, {{kGood, 1000}});
  counters.scrape(11, {{kBad, 700}}, false, false);
  counters.scrape(25, {{kGood, 1010}});
  counters.scrape(26, {{kBad, 701}});
  EXPECT_THAT(counters.told(), ElementsAre("25 new 10/0", "26 new 0/1"));
}

TEST(CounterBook, ASeriesThatVanishesDidNotGrowAndGoesOnWhenItComesBack) {
  Counters counters;
  counters.scrape(10, {{kGood, 1000}, {kBad, 50}});
  counters.scrape(25, {{kGood, 1001}});
  counters.scrape(40, {{kGood, 1002}, {kBad, 53}});
  EXPECT_THAT(counters.told(), ElementsAre("25 new 1/0", "40 new 1/3"));
}

TEST(CounterBook, WhatIsNoCountIsNotThere) {
  Counters counters;
  counters.scrape(10, {{kGood, 1000}, {kBad, 50}});
  counters.scrape(25, {{kGood, std::nan("")}, {kBad, INFINITY}});
  counters.scrape(40, {{kGood, 1010}, {kBad, -1}});
  counters.scrape(55, {{kGood, 1010}, {kBad, 51}});
  EXPECT_THAT(counters.told(), ElementsAre("40 new 10/0", "55 new 0/1"));
  EXPECT_THAT(counters.remarks(), ElementsAre("3 samples that are no counts were left out"));
}

TEST(CounterBook, GrowthAcrossTheCutoverIsLeftOutButNotThatOfANewProcess) {
  Counters same;
  same.scrape(-10, {{kGood, 1000}});
  same.scrape(5, {{kGood, 1100}});
  same.scrape(20, {{kGood, 1110}});
  EXPECT_THAT(same.told(), ElementsAre("20 new 10/0"));
  EXPECT_THAT(same.remarks(), ElementsAre(::testing::HasSubstr("while the cutover was")));
  Counters restarted;
  restarted.scrape(-25, {{kGood, 900}});
  restarted.scrape(-10, {{kGood, 1000}});
  restarted.scrape(5, {{kGood, 40}});
  EXPECT_THAT(restarted.told(), ElementsAre("-10 old 100/0", "5 new 40/0"));
}

TEST(CounterBook, TheReleaseIsNamedByALabel) {
  const Labels old = {{"code", "200"}, {"version", "v1"}}, fresh = {{"code", "200"}, {"version", "2"}};
  const Labels failing = {{"code", "500"}, {"version", "2"}};
  Counters counters("version");
  counters.scrape(-10, {{old, 1000}});
  counters.scrape(5, {{old, 1100}, {fresh, 20}, {failing, 3}});
  EXPECT_THAT(counters.told(), ElementsAre("5 new(2) 20/3", "5 old(v1) 100/0"));
}

TEST(CounterBook, ASeriesThatGoesOnUnderAnotherReleaseIsNotCountedFromZero) {
  const Labels old = {{"code", "200"}, {"version", "v1"}}, renamed = {{"code", "200"}, {"version", "v2"}};
  Counters counters("version");
  counters.scrape(10, {{old, 1'000'000}});
  counters.scrape(25, {{renamed, 1'000'012}});
  EXPECT_THAT(counters.told(), ElementsAre("25 new(v2) 12/0"));
  Counters restarted("version");
  restarted.scrape(10, {{old, 1'000'000}});
  restarted.scrape(25, {{renamed, 12}});
  EXPECT_THAT(restarted.told(), ElementsAre("25 new(v2) 12/0"));
}

TEST(CounterBook, WhatWasCountedBeforeIsOnlyRemembered) {
  Counters counters;
  counters.scrape(10, {{kGood, 1000}}, true);
  counters.scrape(25, {{kGood, 1010}}, true);
  counters.scrape(40, {{kGood, 1015}});
  EXPECT_THAT(counters.told(), ElementsAre("40 new 5/0"));
}

TEST(CounterBook, WhatComesLateGoesIntoTheNextSecondAndWhatIsNotOverIntoTheOneBefore) {
  Counters counters("", 41);
  counters.scrape(10, {{kGood, 1000}});
  counters.scrape(30, {{kGood, 1010}});
  EXPECT_THAT(counters.told(), ElementsAre("30 new 10/0"));
  counters.scrape(30, {{kGood, 1011}});
  counters.scrape(41, {{kGood, 1013}});
  EXPECT_THAT(counters.told(), ElementsAre("31 new 1/0", "40 new 2/0"));
}

TEST(CounterBook, ErrorsThatRequestsDoNotCountAreToldSo) {
  Counters counters;
  for (const auto& [second, errors, requests] : {std::tuple{10, 5, 100}, {25, 15, 104}}) {
    counters.book().begin({.target = "t", .at_ms = kCutover + second * 1000});
    counters.book().series(Counts::kErrors, "failed_total", {}, errors);
    counters.book().series(Counts::kRequests, "handled_total", {}, requests);
    counters.book().end();
  }
  EXPECT_THAT(counters.told(), ElementsAre("25 new 0/10"));
  EXPECT_THAT(counters.remarks(), ElementsAre(::testing::HasSubstr("do requests count the failed ones")));
}

TEST(CounterBook, GoesOnFromItsMemory) {
  const Labels old = {{"code", "500"}, {"version", "v1"}}, renamed = {{"code", "500"}, {"version", "v2"}};
  Counters first("version");
  first.scrape(10, {{old, 1000}, {kGood, 7}});
  const Json memory = Json::parse(first.book().memory_of("t").dump());
  Counters second("version");
  second.book().remember("t", memory);
  second.scrape(11, {{renamed, 1003}, {kGood, 9}});
  EXPECT_THAT(second.told(), ElementsAre("11 new 2/0", "11 new(v2) 0/3"));
  Counters third;
  third.book().remember("t", Json::parse(R"({"at_ms": "x", "series": {"q": [1], "zz": ["a", 1], "1": [1, 1, 7]}})"));
  third.scrape(11, {{kGood, 9}});
  EXPECT_THAT(third.told(), IsEmpty());
}

}  // namespace
}  // namespace backout::watch
