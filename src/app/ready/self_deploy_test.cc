#include "app/ready/self_deploy.h"

#include <gtest/gtest.h>

#include "os/test_directory.h"

namespace backout::app::ready {
namespace {

const Marks kShop{{"/srv/shop", "/srv/git/shop.git"},
                  {"/etc/cron.d/parked", "worker"},
                  {{"/etc/cron.d/jobs", ""}, {"/etc/cron.d/some", "git pull"}, {"shop-pull", ""}}};

Severity severity_of(const Candidate& candidate) {
  const auto findings = judge_candidates({candidate}, kShop);
  return findings.empty() ? Severity::kOk : findings.front().severity;
}

TEST(SelfDeploy, KnowsWhatPutsCodeInPlace) {
  EXPECT_EQ(deploys_by("cd /srv/shop && git pull -q"), "git pull");
  EXPECT_EQ(deploys_by("git -C /srv/shop pull"), "git pull");
  EXPECT_EQ(deploys_by("/usr/bin/ansible-pull -U https://example.com/x"), "ansible-pull");
  EXPECT_EQ(deploys_by("docker compose pull && docker compose up -d"), "docker compose pull");
  EXPECT_EQ(deploys_by("containrrr/watchtower:latest"), "watchtower");
  EXPECT_EQ(deploys_by("pm2 deploy production"), "pm2 deploy");
  for (const char* innocent :
       {"git gc", "/usr/bin/certbot renew", "pg_dump shop | gzip", "git log; echo pull", "pulling git"})
    EXPECT_EQ(deploys_by(innocent), std::nullopt) << innocent;
}

TEST(SelfDeploy, OfThisSiteIsRedAndNamed) {
  const auto findings =
      judge_candidates({{"cron", "/etc/cron.d/pull", "*/5 * * * * root cd /srv/shop && git pull", ""}}, kShop);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings.front().severity, Severity::kRed);
  EXPECT_EQ(findings.front().about, "/etc/cron.d/pull");
  EXPECT_NE(findings.front().next.find("cron: /etc/cron.d/pull"), std::string::npos);
}

TEST(SelfDeploy, IsSeenInsideOfAScript) {
  EXPECT_EQ(severity_of({"timer", "u.timer", "/usr/local/bin/update", "cd /srv/shop\ngit fetch\ngit reset --hard\n"}),
            Severity::kRed);
  EXPECT_EQ(severity_of({"timer", "u.timer", "/usr/local/bin/update", "DIR=/srv/shop/\ngit pull\n"}), Severity::kRed);
}

TEST(SelfDeploy, ThatARollbackStopsIsNoObstacle) {
  EXPECT_EQ(severity_of({"cron", "/etc/cron.d/jobs", "* * * * * root cd /srv/shop && git pull", ""}), Severity::kOk);
  EXPECT_EQ(severity_of({"timer", "shop-pull.timer", "git -C /srv/shop pull", ""}), Severity::kOk);
}

TEST(SelfDeploy, ThatStartsAgainWhenTheDoorOpensIsRed) {
  const Candidate parked{"cron", "/etc/cron.d/parked", "* * * * * root cd /srv/shop && git pull", ""};
  EXPECT_EQ(severity_of(parked), Severity::kRed);
  EXPECT_NE(judge_candidates({parked}, kShop).front().next.find("auto_deploys: [{cron: /etc/cron.d/parked"),
            std::string::npos);
  EXPECT_EQ(severity_of({"timer", "worker.timer", "git -C /srv/shop pull", ""}), Severity::kRed);
}

TEST(SelfDeploy, OnlyLinesThatArePausedAreNoObstacle) {
  EXPECT_EQ(severity_of({"cron", "/etc/cron.d/some", "* * * * * root cd /srv/shop && git pull", ""}), Severity::kOk);
  EXPECT_EQ(severity_of({"cron", "/etc/cron.d/some", "* * * * * root cd /srv/shop; git  pull", ""}), Severity::kRed);
  EXPECT_EQ(severity_of({"cron", "/etc/cron.d/some", "* * * * * root cd /srv/shop && make deploy", ""}),
            Severity::kRed);
}

TEST(SelfDeploy, OfAnotherSiteIsNoneOfOurs) {
  EXPECT_EQ(severity_of({"cron", "/etc/cron.d/pull", "cd /srv/shop-two && git pull", ""}), Severity::kOk);
  EXPECT_EQ(severity_of({"cron", "/etc/cron.d/pull", "cd /home/blog/site && git pull", ""}), Severity::kOk);
}

TEST(SelfDeploy, WhoseSiteCannotBeSeenIsAWarning) {
  EXPECT_EQ(severity_of({"cron", "/etc/crontab", "0 * * * * root ansible-pull -U https://example.com/site", ""}),
            Severity::kWarning);
  EXPECT_EQ(severity_of({"container", "watchtower", "containrrr/watchtower", ""}), Severity::kWarning);
}

TEST(SelfDeploy, OfProcessesOnlyThoseInThisSiteOrAgents) {
  EXPECT_EQ(severity_of({"process", "a process in /srv/shop", "sh -c while :; do git pull; sleep 60; done", ""}),
            Severity::kRed);
  EXPECT_EQ(severity_of({"process", "a process in /build", "sh -c git fetch; make", ""}), Severity::kOk);
  EXPECT_EQ(severity_of({"process", "a process in /", "/usr/bin/python3 ansible-pull -U x", ""}), Severity::kWarning);
}

TEST(SelfDeploy, AnAnswerThatWasCutOffIsNone) {
  EXPECT_FALSE(parse_candidates("kind cron\nwhere a\nline b\n-\n"));
  const auto parsed = parse_candidates("kind cron\nwhere a\nline end\nscript git pull\nscript x\n-\nend\n");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 1U);
  EXPECT_EQ(parsed->front().line, "end");
  EXPECT_EQ(parsed->front().script, "git pull\nx\n");
}

TEST(SelfDeploy, IsLookedForOnARealHostWithoutFindingOurselves) {
  const os::TestDirectory directory;
  const auto host = host::make_local_host(host::HostName("local"), directory / "target");
  for (const Finding& finding : look_for_self_deploys({{directory.path()}, {}, {}}, *host, {}))
    EXPECT_NE(finding.severity, Severity::kRed) << finding.what;
}

}  // namespace
}  // namespace backout::app::ready
