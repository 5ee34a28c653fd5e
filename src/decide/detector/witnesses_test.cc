#include "decide/detector/witnesses.h"

#include <gtest/gtest.h>

#include "decide/detector/lines.h"
#include "decide/detector/streams_for_tests.h"

namespace backout::decide {
namespace {

using simulated::Random;
using simulated::second_of;

const Releases kReleases{"v2", "v1", second_of(0)};

Occurrence one(const char* kind, int64_t second, const char* what = "x") {
  Occurrence occurrence;
  occurrence.kind = kind;
  occurrence.at = second_of(second);
  occurrence.what = what;
  return occurrence;
}

std::string why(const Witnesses& witnesses) {
  Evidence evidence;
  witnesses.tell(evidence);
  return evidence.why;
}

TEST(Witnesses, OneSevereOccurrenceIsEnough) {
  Witnesses witnesses;
  Occurrence alert = one("alert", 5, "High5xx");
  alert.severe = true;
  witnesses.add(alert, kReleases);
  EXPECT_TRUE(witnesses.alarm());
  EXPECT_EQ(why(witnesses), "alert: High5xx");
}

TEST(Witnesses, WhatWasThereBeforeOrIsElsewhereIsNoEvidence) {
  Witnesses witnesses;
  Occurrence before = one("alert", -5), old = one("restart", 5), elsewhere = one("alert", 6);
  before.severe = old.severe = elsewhere.severe = true;
  old.release = "v1";
  elsewhere.elsewhere = true;
  for (const Occurrence& each : {before, old, elsewhere}) witnesses.add(each, kReleases);
  EXPECT_FALSE(witnesses.alarm());
  EXPECT_TRUE(witnesses.any());
  EXPECT_EQ(why(witnesses), "3 of before, of the old release or from elsewhere");
}

TEST(Witnesses, ANewLineNeedsFiveTimesFromThreeClients) {
  Witnesses witnesses;
  Occurrence line = one("template", 5, "KeyError: <*>");
  line.count = 4;
  line.clients = 3;
  witnesses.add(line, kReleases);
  EXPECT_FALSE(witnesses.alarm());
  line.count = 1;
  line.clients = 1;
  witnesses.add(line, kReleases);
  EXPECT_TRUE(witnesses.alarm());
  EXPECT_EQ(why(witnesses), "a line never seen before, 5 times from 3 clients: KeyError: <*>");
}

TEST(Witnesses, OfOneClientALineIsNotEnoughAndOfUnknownOnesFifteen) {
  Witnesses one_client, unknown;
  Occurrence line = one("template", 5);
  line.count = 1000;
  line.clients = 1;
  one_client.add(line, kReleases);
  EXPECT_FALSE(one_client.alarm());
  line.clients = 0;
  line.count = 14;
  unknown.add(line, kReleases);
  EXPECT_FALSE(unknown.alarm());
  line.count = 1;
  unknown.add(line, kReleases);
  EXPECT_TRUE(unknown.alarm());
}

TEST(Witnesses, LaterLinesOfANewKindCountOnce) {
  Witnesses witnesses;
  Occurrence line = one("template", 5, "KeyError: <*>");
  line.count = 3;
  witnesses.add(line, kReleases);
  line.kind = "error-line";
  witnesses.add(line, kReleases);  // of the same look: in the template's count
  line.at = second_of(6);
  line.count = 11;
  witnesses.add(line, kReleases);
  EXPECT_FALSE(witnesses.alarm());
  Occurrence other = one("error-line", 7, "as always");
  other.count = 1000;
  witnesses.add(other, kReleases);
  EXPECT_FALSE(witnesses.alarm());
  line.at = second_of(8);
  line.count = 1;
  witnesses.add(line, kReleases);
  EXPECT_TRUE(witnesses.alarm());
}

TEST(Witnesses, AnAlertIsItsFingerprint) {
  Witnesses witnesses;
  for (const char* words : {"5xx 4 %", "5xx 5 %", "5xx 6 %"}) {
    Occurrence alert = one("alert", 5, words);
    alert.more = {{"fingerprint", "b3f1"}};
    witnesses.add(alert, kReleases);
  }
  EXPECT_FALSE(witnesses.alarm());
}

TEST(Witnesses, ThreeRestartsInTenMinutes) {
  Witnesses slow, fast, at_once;
  for (int i = 0; i < 20; ++i) slow.add(one("restart", 301 * i), kReleases);
  EXPECT_FALSE(slow.alarm());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(fast.alarm());
    fast.add(one(i == 1 ? "exit" : "restart", 100 * i), kReleases);
  }
  EXPECT_TRUE(fast.alarm());
  Occurrence three = one("restart", 1);
  three.count = 3;
  at_once.add(three, kReleases);
  EXPECT_TRUE(at_once.alarm());
}

TEST(Witnesses, ThreeDifferentAlertsOrReportsInAnHour) {
  Witnesses witnesses;
  for (int i = 0; i < 10; ++i) witnesses.add(one("alert", i, "Disk80"), kReleases);
  EXPECT_FALSE(witnesses.alarm()) << "one alert, sent again and again";
  witnesses.add(one("report", 20, "slow"), kReleases);
  witnesses.add(one("alert-resolved", 21, "Disk80"), kReleases);
  witnesses.add(one("report", 22, "slow"), kReleases);
  EXPECT_FALSE(witnesses.alarm()) << "one is over";
  witnesses.add(one("report", 23, "slow"), kReleases);
  EXPECT_TRUE(witnesses.alarm());
}

TEST(Witnesses, AFloodStaysSmallAndGoesToJsonAndBack) {
  Random random(5);
  const char* kinds[] = {"alert", "alert-resolved", "template", "error-line", "restart", "exit", "resource", "report"};
  Witnesses whole, handed;
  for (int i = 0; i < 20'000; ++i) {
    Occurrence each = one(kinds[random.next() % 8], i * 700);
    each.what = std::string(random.next() % 400, 'a') + std::to_string(random.next() % 50) + "\xff\x1b[2J\n";
    each.count = static_cast<int64_t>(random.next() % 2);
    each.clients = static_cast<int64_t>(random.next() % 2);
    whole.add(each, kReleases);
    handed.add(each, kReleases);
    if (i % 100 != 0) continue;
    Witnesses next;
    ASSERT_TRUE(next.restore(*parse_json(handed.to_json().dump())));
    handed = next;
  }
  EXPECT_EQ(whole.to_json().dump(), handed.to_json().dump());
  EXPECT_LT(whole.to_json().dump().size(), 900);
}

TEST(Lines, ErrorLinesOfACleanLogAreSeen) {
  Lines lines(kTolerant, {1.8e6});
  lines.before(second_of(-3600));
  int64_t second = 0;
  for (; second < 60; ++second) lines.look({}, second_of(second), second_of(0));
  EXPECT_FALSE(lines.detector()) << "nothing to say yet";
  for (; second < 300 && (!lines.detector() || !lines.detector()->alarm()); ++second) {
    const WallTime bad[] = {second_of(second)};
    lines.look(bad, second_of(second + 1), second_of(0));
  }
  EXPECT_LE(second, 60 + 8);
  EXPECT_EQ(lines.detector()->votes(), second);
}

TEST(Lines, WithoutLinesOfBeforeNothingIsSaid) {
  Lines lines(kTolerant, {1.8e6});
  for (int64_t second = 0; second < 100; ++second) {
    const WallTime bad[] = {second_of(second)};
    lines.look(bad, second_of(second + 1), second_of(0));
  }
  EXPECT_FALSE(lines.detector()) << "perhaps it always wrote them";
}

TEST(Lines, AsManyAsBeforeAreNoNews) {
  Random random(8);
  for (int run = 0; run < 8; ++run) {
    Lines lines(kTolerant, {1.8e6});
    for (int64_t second = -3600; second < 0; ++second)
      if (random.chance(0.1)) lines.before(second_of(second));
    for (int64_t second = 0; second < 1800; second += 5) {
      std::vector<WallTime> bad;
      for (int64_t each = second; each < second + 5; ++each)
        if (random.chance(0.1)) bad.push_back(second_of(each));
      lines.look(bad, second_of(second + 5), second_of(0));
      Lines next(kTolerant, {1.8e6});
      ASSERT_TRUE(next.restore(*parse_json(lines.to_json().dump())));
      EXPECT_EQ(next.to_json(), lines.to_json());
      lines = next;
    }
    EXPECT_FALSE(lines.detector()->alarm());
    EXPECT_NEAR(lines.usual(), 0.1, 0.03);
  }
}

TEST(Lines, AClockThatJumpsDoesNotBreakThem) {
  Lines lines(kTolerant, {1.8e6});
  lines.before(second_of(-60));
  for (const int64_t second : {5, 7200, 10, 11, -500, 12, 13}) {
    const WallTime bad[] = {second_of(second)};
    lines.look(bad, second_of(second + 1), second_of(0));
  }
  ASSERT_TRUE(lines.detector());
  EXPECT_TRUE(std::isfinite(lines.detector()->decibels()));
}

}  // namespace
}  // namespace backout::decide
