// Kinds and findings, against logs that Django, Rails, nginx and node wrote: tests/golden/logs/NAME.log gives NAME.txt.
// ACCEPT=1 writes the answers anew; look at the difference before you commit.
#include "model/log_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace backout {
namespace {

std::string content_of(const std::string& file) {
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

class GoldenLog : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenLog, IsReadAsExpected) {
  const std::string base = std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/logs/" + GetParam();
  const std::string text = content_of(base + ".log");
  std::string seen;
  const LogFindings found = findings_in(text, {.known = std::set<std::string>{}});
  seen += fmt::format("lines {}, requests {}, errors {}\n", found.lines, found.requests, found.errors);
  for (const Found& each : found.bad) seen += fmt::format("bad {} x {}: {}\n", each.count, each.what, each.kind);
  std::set<std::string> told;
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const std::string kind = masked(line); !kind.empty() && told.insert(kind).second) {
      const Gravity gravity = gravity_of(line);
      seen += fmt::format("{} {}\n", gravity == Gravity::kError ? "E" : gravity == Gravity::kWarning ? "W" : "-", kind);
    }
  if (std::getenv("ACCEPT") != nullptr) std::ofstream(base + ".txt") << seen;
  EXPECT_EQ(content_of(base + ".txt"), seen) << "ACCEPT=1 takes it as it is now";
}
INSTANTIATE_TEST_SUITE_P(Logs, GoldenLog, ::testing::Values("django", "rails", "nginx-access", "nginx-error", "node"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(LogKinds, WhatChangesFromLineToLineIsMasked) {
  EXPECT_EQ(masked("2026-03-01 14:02:11,123 INFO [4121] order 17 of anna@example.com paid"),
            "# # INFO [#] order # of # paid");
  EXPECT_EQ(masked("KeyError: 'total-of-anna'"), "KeyError: '*'");
  EXPECT_EQ(masked("ERROR: relation \"shop_order\" does not exist"), "ERROR: relation \"shop_order\" does not exist");
  EXPECT_EQ(masked("psycopg2.OperationalError: worker12 gone"), "psycopg2.OperationalError: # gone");
  EXPECT_EQ(masked("don't stop, session deadbeefcafe"), "don't stop, session #");
  EXPECT_EQ(masked("took 12.5ms at /orders/17/items?page=3"), "took # at /orders/#/items?#=#");
  EXPECT_EQ(masked(R"({"level":50,"pid":7,"msg":"cart 12 is lost"})"), R"({"level":#,"pid":#,"msg":"cart # is lost"})");
  EXPECT_EQ(masked("    at Socket.emit (node:events:524)"), "") << "it goes on from the line before";
  EXPECT_EQ(masked("Mar  1 14:02:11 web sshd[12]: hello"), "# # # web sshd[#]: hello");
}

TEST(LogKinds, AnyBytesMayCome) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  std::string text;
  for (int i = 0; i < 200; ++i) text += bytes;
  text += "\n" + std::string(1 << 20, 'x') + "\n\"'`'\"\n'\n" + std::string(1, '\0');
  const LogFindings found = findings_in(text, {});
  EXPECT_GT(found.lines, 2);
  for (const Found& each : found.new_kinds) {
    EXPECT_LE(each.kind.size(), 243U);
    for (const char c : each.kind) EXPECT_FALSE(c >= 0 && c < 0x20);
  }
  EXPECT_LT(masked(std::string(1 << 20, '9')).size(), 10U);
}

TEST(LogFindings, AnErrorOfANewKindFailsAndAnOldOneDoesNot) {
  const std::string before = "2026-03-01 14:00:00 ERROR mail to 17 bounced\n2026-03-01 14:00:01 INFO order 1 placed\n";
  LogRules rules;
  rules.known = std::set<std::string>();
  for (const std::string& kind : findings_in(before, {}).kinds) rules.known->insert(kind);
  const LogFindings same = findings_in("2026-03-02 09:00:00 ERROR mail to 99 bounced\n", rules);
  EXPECT_TRUE(same.bad.empty());
  EXPECT_EQ(same.errors, 1);
  const LogFindings other =
      findings_in("2026-03-02 09:00:00 ERROR cart 7 lost\n2026-03-02 09:00:00 ERROR cart 8 lost\nINFO hello\n", rules);
  ASSERT_EQ(other.bad.size(), 1U);
  EXPECT_EQ(other.bad[0].what, "a kind of error never seen before");
  EXPECT_EQ(other.bad[0].count, 2);
  EXPECT_EQ(other.new_kinds_count, 1) << "told, not failed";
}

TEST(LogFindings, WithNothingToCompareWithAnErrorIsToldAlone) {
  const LogFindings found = findings_in("ERROR cart 7 lost\n", {});
  EXPECT_TRUE(found.bad.empty());
  EXPECT_EQ(found.errors, 1);
  EXPECT_EQ(found.new_kinds_count, 1);
}

TEST(LogFindings, WhatIsDeniedFailsAndWhatIsAllowedIsExcused) {
  LogRules rules;
  rules.deny.push_back(Pattern::compile("gateway down").value());
  rules.allow.push_back(Pattern::compile("GET /static/old").value());
  const LogFindings found = findings_in(
      "INFO gateway down\n1.2.3.4 - - [x] \"GET /static/old.css HTTP/1.1\" 404 1\n"
      "1.2.3.4 - - [x] \"GET /static/new.css HTTP/1.1\" 404 1\n",
      rules);
  ASSERT_EQ(found.bad.size(), 2U);
  EXPECT_EQ(found.bad[0].what, "a line that is denied");
  EXPECT_EQ(found.bad[1].what, "static file missing");
  EXPECT_EQ(found.bad[1].count, 1);
  EXPECT_EQ(found.excused, 1);
}

TEST(LogTimes, AreReadInTheFormsThatLogsHave) {
  EXPECT_EQ(to_iso(*time_of("2026-03-01 14:02:11,123 INFO", 60)), "2026-03-01T13:02:11.000Z");
  EXPECT_EQ(to_iso(*time_of("2026/03/01 14:02:11 [error]", 0)), "2026-03-01T14:02:11.000Z");
  EXPECT_EQ(to_iso(*time_of("1.2.3.4 - - [01/Mar/2026:14:02:11 +0200] \"GET", 0)), "2026-03-01T12:02:11.000Z");
  EXPECT_EQ(to_iso(*time_of("I, [2026-03-01T14:02:11.6 #1]  INFO", 0)), "2026-03-01T14:02:11.000Z");
  EXPECT_EQ(to_iso(*time_of("2026-03-01T14:02:11Z x", 120)), "2026-03-01T14:02:11.000Z");
  EXPECT_FALSE(time_of("order 2026-13-01 14:02:11", 0));
  EXPECT_FALSE(time_of("hello", 0));
  const std::string text = "2026-03-01 14:00:00 a\n  more\n2026-03-01 14:10:00 b\n  more of b\n";
  EXPECT_EQ(lines_since(text, *time_of("2026-03-01 14:05:00", 0), 0), "2026-03-01 14:10:00 b\n  more of b\n");
  EXPECT_EQ(lines_since(text, *time_of("2026-03-01 15:00:00", 0), 0), "");
  EXPECT_EQ(lines_since("a\nb\n", *time_of("2026-03-01 15:00:00", 0), 0), "a\nb\n");
}

}  // namespace
}  // namespace backout
