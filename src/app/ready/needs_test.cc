#include "app/ready/needs.h"

#include <gtest/gtest.h>

#include "os/test_directory.h"

namespace backout::app::ready {
namespace {

using driver::Need;

const Finding* find(const std::vector<Finding>& findings, const std::string& id) {
  for (const Finding& finding : findings)
    if (finding.id == id) return &finding;
  return nullptr;
}

TEST(Needs, AProgramThatIsNotThereIsNamedWithItsPurposeAndThePath) {
  const auto findings = judge_needs({{Need::Kind::kTool, "npm", "to build v1"}, {Need::Kind::kTool, "git", ""}},
                                    {{0, "missing"}, {1, "ok"}}, "/usr/bin:/bin");
  const Finding& missing = findings.front();
  EXPECT_EQ(missing.severity, Severity::kRed);
  EXPECT_EQ(missing.about, "npm");
  EXPECT_NE(missing.what.find("to build v1"), std::string::npos);
  EXPECT_NE(missing.next.find("/usr/bin:/bin"), std::string::npos);
  EXPECT_EQ(findings.back().severity, Severity::kOk);
}

TEST(Needs, WhatWasNotAnsweredIsRed) {
  const auto findings =
      judge_needs({{Need::Kind::kReadable, "/a", ""}, {Need::Kind::kRoom, "/b", "", "", 1, 1}}, {}, "");
  ASSERT_EQ(findings.size(), 2U);
  for (const Finding& finding : findings) EXPECT_EQ(finding.severity, Severity::kRed) << finding.what;
}

TEST(Needs, OfOneDiskAddUp) {
  const std::vector<Need> needs = {{Need::Kind::kRoom, "/srv/a", "to build", "", 600, 1},
                                   {Need::Kind::kRoom, "/srv/b", "to save", "", 600, 1}};
  EXPECT_NE(
      find(judge_needs(needs, {{0, "room 1 1000 9 10 64 /srv/a"}, {1, "room 1 1000 9 10 65 /srv/b"}}, ""), "room"),
      nullptr);
  for (const Finding& finding :
       judge_needs(needs, {{0, "room 1 1000 9 10 64 /srv/a"}, {1, "room 1 1000 9 10 65 /srv/b"}}, ""))
    EXPECT_EQ(finding.severity, Severity::kOk) << "two disks";
  const auto one_disk = judge_needs(needs, {{0, "room 1 1000 9 10 64 /srv/a"}, {1, "room 1 1000 9 10 64 /srv/b"}}, "");
  ASSERT_EQ(one_disk.size(), 1U);
  EXPECT_EQ(one_disk.front().severity, Severity::kRed);
}

TEST(Needs, ADiskWithoutInodesIsFullAndOneThatHasNoneIsNot) {
  const std::vector<Need> needs = {{Need::Kind::kRoom, "/srv", "", "", 1, 100}};
  EXPECT_NE(find(judge_needs(needs, {{0, "room 9 1000 7 1000 64 /srv"}}, ""), "room.files"), nullptr);
  EXPECT_EQ(find(judge_needs(needs, {{0, "room 9 1000 0 0 64 /srv"}}, ""), "room.files"), nullptr)
      << "btrfs counts none";
}

TEST(Needs, AnAnswerThatWasCutOffIsNone) {
  EXPECT_FALSE(parse_needs("0 ok\n1 o"));
  const auto whole = parse_needs("0 ok\n1 denied /a b\npath /bin\nend\n");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->at(1), "denied /a b");
}

TEST(Needs, OfACommandAreItsProgramAndTheScriptOfItsInterpreter) {
  const auto what = [](const std::vector<std::string>& argv, const std::string& cwd = "") {
    std::vector<std::string> found;
    for (const Need& need : needs_of_command(argv, cwd, "deploy", "")) found.push_back(need.what);
    return found;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(what({"make", "install"}), Words{"make"});
  EXPECT_EQ(what({"sh", "/srv/act.sh", "close"}), (Words{"sh", "/srv/act.sh"}));
  EXPECT_EQ(what({"sh", "-c", "python3 /srv/a.py | grep x"}), (Words{"python3", "/srv/a.py"}));
  EXPECT_EQ(what({"./act.sh"}, "/srv/shop"), Words{"/srv/shop/./act.sh"});
  EXPECT_EQ(what({"venv/bin/pip", "install"}), Words{}) << "of a release that is not there yet";
  EXPECT_EQ(what({"/bin/sh", "-c", "make all"}), Words{"make"}) << "as backout.yaml is read";
  EXPECT_EQ(what({"sh", "-c", "X=1 make"}), Words{"make"});
  EXPECT_EQ(what({"bash", "-c", "set -e; exec make -j2 all && x"}), (Words{"bash", "make"}));
  EXPECT_EQ(what({"sh", "-c", "pg_dump>/x"}), Words{}) << "nothing is guessed";
  EXPECT_EQ(what({"sh", "-c", "pg_dump|gzip"}), Words{"pg_dump"});
  EXPECT_EQ(what({"sh", "-c", "\n  close; open"}), Words{"close"});
  EXPECT_EQ(what({"sh", "-c", "cd /srv/shop && ./act.sh close"}), Words{"/srv/shop/./act.sh"});
  EXPECT_EQ(what({"sh", "-c", "cd tools; ./act"}, "/srv"), Words{"/srv/tools/./act"});
  EXPECT_EQ(what({"sh", "-c", "PATH=/opt/bin tool"}), Words{}) << "found elsewhere";
  EXPECT_EQ(what({"sh", "-c", "X=$(date) make"}), Words{});
  EXPECT_EQ(what({"sh", "-c", "cd $HOME && ./a"}), Words{});
  EXPECT_EQ(what({"sh", "-c", "$TOOL run"}), Words{});
}

TEST(Needs, AreLookedAtOnARealHost) {
  const os::TestDirectory directory;
  const auto host = host::make_local_host(host::HostName("local"), directory / "target");
  const std::vector<Need> needs = {{Need::Kind::kTool, "sh", ""},
                                   {Need::Kind::kTool, "no-such-program", ""},
                                   {Need::Kind::kTool, directory.path(), ""},
                                   {Need::Kind::kReadable, directory / "gone with 'quotes'", ""},
                                   {Need::Kind::kWritable, directory / "a/b/c", ""},
                                   {Need::Kind::kWritable, "/proc/version/a", ""},
                                   {Need::Kind::kRoom, directory / "a/b", "", "", 1, 1},
                                   {Need::Kind::kRoom, directory / "c", "", "", 1ULL << 60U, 1}};
  std::set<std::string> red;
  for (const Finding& finding : look_at_needs(needs, *host, {}))
    if (finding.severity == Severity::kRed) red.insert(finding.id + " " + finding.about);
  EXPECT_EQ(red, (std::set<std::string>{"tool no-such-program", "tool " + directory.path(),
                                        "readable " + (directory / "gone with 'quotes'"), "writable /proc/version/a",
                                        "room " + (directory / "a/b")}));
}

TEST(Needs, OfAUserWhomNobodyKnowsAreHis) {
  const os::TestDirectory directory;
  const auto host = host::make_local_host(host::HostName("local"), directory / "target");
  const auto findings = look_at_needs({{Need::Kind::kTool, "sh", "", "no-such-user"}}, *host, {});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings.front().id, "user");
  EXPECT_EQ(findings.front().severity, Severity::kRed);
  EXPECT_EQ(findings.front().about, "no-such-user");
}

}  // namespace
}  // namespace backout::app::ready
