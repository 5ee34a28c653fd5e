#include "drivers/checks/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "conformance/conformance.h"
#include "os/test_directory.h"

namespace backout::drivers {
namespace {

namespace fs = std::filesystem;

class LogTest : public ::testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(file, std::ios::app | std::ios::binary) << text; }
  Json mark(bool baseline = false) {
    const Sight sight =
        driver->verify({"log", "mark", {{"name", "log"}, {"file", file}, {"baseline", baseline}}}, *host, {});
    EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
    return sight.evidence;
  }
  Sight scan(const Json& since) {
    Json args = {{"name", "log"}, {"file", file}};
    if (!since.is_null()) args["since"] = since;
    return driver->verify({"log", "scan", args}, *host, {});
  }

  os::TestDirectory directory;
  std::string file = directory.path() + "/it's a log.txt";
  std::unique_ptr<host::Host> host = host::make_local_host(host::HostName("local"), directory.path() + "/target");
  std::unique_ptr<driver::Driver> driver = make_log_driver();
};

TEST_F(LogTest, ReadsWhatWasWrittenSinceAndNothingElse) {
  write("Traceback (most recent call last):\nERROR old\n");
  const Json before = mark(true);
  EXPECT_EQ(before["kinds"].size(), 2U);
  Sight quiet = scan(before);
  EXPECT_EQ(quiet.kind, SightKind::kHolds) << quiet.why;
  EXPECT_EQ(quiet.evidence["lines"], 0);
  write("ERROR old\nhello 7\n");
  quiet = scan(before);
  EXPECT_EQ(quiet.kind, SightKind::kHolds) << quiet.why;
  EXPECT_EQ(quiet.evidence["lines"], 2);
  EXPECT_EQ(quiet.evidence["new_kinds_count"], 1);
  write("ERROR new of user 17\n");
  const Sight loud = scan(before);
  EXPECT_EQ(loud.kind, SightKind::kDoesNotHold);
  EXPECT_NE(loud.why.find("1 x a kind of error never seen before: ERROR new of user #"), std::string::npos) << loud.why;
  EXPECT_EQ(scan(loud.evidence).kind, SightKind::kHolds) << "it goes on from where it was";
}

TEST_F(LogTest, ALineThatIsNotFinishedIsReadAgainWithItsEnd) {
  write("one\n");
  const Json start = mark();
  write("FATAL half");
  const Sight half = scan(start);
  EXPECT_EQ(half.kind, SightKind::kDoesNotHold);
  write(" and the rest\n");
  const Sight whole = scan(half.evidence);
  EXPECT_EQ(whole.evidence["lines"], 1);
  EXPECT_EQ(whole.kind, SightKind::kDoesNotHold);
}

TEST_F(LogTest, GoesThroughARotation) {
  write("a\n");
  const Json start = mark();
  write("FATAL before the rotation\n");
  fs::rename(file, file + ".1");
  write("after it\n");
  const Sight sight = scan(start);
  EXPECT_EQ(sight.evidence["from"], "rotated");
  EXPECT_EQ(sight.evidence["lines"], 2);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold) << sight.why;
}

TEST_F(LogTest, GoesThroughACopyThatIsTruncated) {
  write("a long line that is there from before\n");
  const Json start = mark();
  write("FATAL before\n");
  fs::copy(file, file + ".1");
  fs::resize_file(file, 0);
  write("after it\n");
  const Sight sight = scan(start);
  EXPECT_EQ(sight.evidence["from"], "truncated");
  EXPECT_EQ(sight.evidence["lines"], 2);
  EXPECT_EQ(sight.kind, SightKind::kDoesNotHold);
}

TEST_F(LogTest, WhatWasTakenAwayIsNotTakenForGood) {
  write("a\n");
  const Json start = mark();
  write("FATAL nobody will see this\n");
  fs::rename(file, file + ".keep");  // so that its inode is not used again
  fs::rename(file + ".keep", directory.path() + "/elsewhere");
  write("after it\n");
  const Sight sight = scan(start);
  EXPECT_EQ(sight.evidence["from"], "lost");
  EXPECT_EQ(sight.kind, SightKind::kCannotTell) << sight.why;
}

TEST_F(LogTest, AMissingLogIsNoGoodSign) {
  const Json start = mark();
  EXPECT_EQ(start["position"]["inode"], 0);
  EXPECT_EQ(scan(start).kind, SightKind::kCannotTell);
  write("FATAL made by the new release\n");
  EXPECT_EQ(scan(start).kind, SightKind::kDoesNotHold) << "all of it is new";
  fs::remove(file);
  fs::create_directory(file);
  const Sight sight = scan(start);
  EXPECT_EQ(sight.kind, SightKind::kCannotTell);
  EXPECT_NE(sight.why.find("it is no plain file"), std::string::npos) << sight.why;
}

TEST_F(LogTest, AnUnreachableHostIsCannotTell) {
  conformance::UnreachableHost nowhere;
  for (const char* verb : {"mark", "scan"})
    EXPECT_EQ(driver->verify({"log", verb, {{"name", "x"}, {"file", file}}}, nowhere, {}).kind, SightKind::kCannotTell);
}

TEST_F(LogTest, ABigLogIsReadFromItsEndAndThatIsTold) {
  const Json start = mark();
  const std::string line = std::string(1023, 'x') + "\n";
  std::string text = "FATAL too far back\n";
  for (size_t i = 0; i < 10 * 1024; ++i) text += line;
  write(text);
  Sight sight = scan(start);
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_NE(sight.why.find("only the last"), std::string::npos) << sight.why;
  EXPECT_GT(sight.evidence["skipped"], 0);
  write("FATAL near the end\n");
  EXPECT_EQ(scan(start).kind, SightKind::kDoesNotHold);
}

TEST_F(LogTest, WithoutAPositionTheAgeOfLinesCounts) {
  write("2020-01-01 10:00:00 FATAL years ago\n" + to_iso(system_clock().wall()) + " INFO now\n");
  const Sight sight = scan(Json());
  EXPECT_EQ(sight.kind, SightKind::kHolds) << sight.why;
  EXPECT_EQ(sight.evidence["lines"], 1);
  write(to_iso(system_clock().wall()) + " FATAL now\n");
  EXPECT_EQ(scan(Json()).kind, SightKind::kDoesNotHold);
}

TEST_F(LogTest, TheMarkComesBeforeWhatIsWatched) {
  driver::Offering offering{.site = SiteId("a/b"),
                            .from = Version("v1"),
                            .to = Version("v2"),
                            .subject = {{"name", "App log"}, {"file", file}, {"deny", {"x"}}},
                            .hosts = {"local"}};
  offering.kind = RunKind::kDeploy;
  auto steps = driver->offer(offering).value();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].phase, Phase::kPrepare);
  EXPECT_EQ(steps[0].id.str(), "mark-app-log");
  EXPECT_EQ(steps[1].id.str(), "log-app-log");
  EXPECT_EQ(steps[1].phase, Phase::kCheck);
  offering.kind = RunKind::kRollback;
  offering.saved = {{"kinds", {"abc"}}};
  steps = driver->offer(offering).value();
  EXPECT_EQ(steps[0].phase, Phase::kSwitch);
  EXPECT_EQ(steps[1].action.args["known"], Json({"abc"}));
  offering.subject["deny"] = {"("};
  EXPECT_EQ(driver->offer(offering).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace backout::drivers
