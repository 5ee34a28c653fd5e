// The rows D1 to D14 of what the five runbooks ask for. Each test quotes the lines that it is about.
#include "decide/explain.h"
#include "decide/policies_for_tests.h"

namespace backout::decide {
namespace {

constexpr Millis kMinute{60'000};

// OBC:65-70 | Issue Severity | User Impact | Data Risk | Decision | Timeline |
TEST(Seeds, D1SeverityTimesUsersTimesDataRiskGiveAVerdictWithADeadline) {
  // | Critical | >80% users | High | ROLLBACK | Immediate (< 15 min) |
  const Decision critical = decided("obcms", "severity=critical users=85% data=high");
  EXPECT_EQ(critical.verdict, Verdict::kRollBack);
  EXPECT_EQ(critical.within, 15 * kMinute);
  EXPECT_EQ(critical.deadline, kNoon + 15 * kMinute);
  EXPECT_TRUE(cites(critical, "OBC:67"));
  EXPECT_EQ(approvers(critical), "");
  // | High | 50-80% users | Medium | ROLLBACK | 1-2 hours |, and OBC:411 "First 15 min: DevOps Lead decides"
  const Decision high = decided("obcms", "severity=high users=60% data=medium");
  EXPECT_EQ(high.verdict, Verdict::kNeedsApproval);
  EXPECT_EQ(high.remedy, "go back to v2.3.1");
  EXPECT_EQ(high.within, 120 * kMinute);
  EXPECT_EQ(approvers(high), "devops-lead");
  EXPECT_TRUE(cites(high, "OBC:68"));
  // | Medium | 10-50% users | Low | Fix Forward | 4-8 hours |
  const Decision medium = decided("obcms", "severity=medium users=30% data=low");
  EXPECT_EQ(medium.verdict, Verdict::kFixForward);
  EXPECT_EQ(medium.within, 480 * kMinute);
  EXPECT_TRUE(cites(medium, "OBC:69"));
  // | Low | <10% users | None | Fix Forward | Next release |
  const Decision low = decided("obcms", "severity=low users=5% data=none");
  EXPECT_EQ(low.verdict, Verdict::kFixForward);
  EXPECT_TRUE(cites(low, "OBC:70"));
  // OBC:412 "After 15 min: Tech Manager approval"; OBC:413 "Database rollback: Requires DBA + Tech Manager approval"
  EXPECT_EQ(approvers(decided("obcms", "severity=high users=60% data=medium trouble_for=20m")), "tech-manager");
  EXPECT_EQ(approvers(decided("obcms", "severity=high users=60% data=medium restore=yes loss_acceptable=yes")),
            "devops-lead; dba+tech-manager");
}

// GEN:11-16 | Severity | Response Time | Approval Needed | Rollback? |
TEST(Seeds, D2SeverityGivesResponseTimeWhoMustApproveAndWhetherToRollBack) {
  const Decision critical = decided("procedures", "severity=sev1");  // Critical | Immediate | None (post-mortem) | Yes
  EXPECT_EQ(critical.verdict, Verdict::kRollBack);
  EXPECT_EQ(critical.within, Millis(0));
  EXPECT_EQ(critical.people_needed(), 0);
  const Decision high = decided("procedures", "severity=sev2");  // High | < 15 min | On-call lead | Usually
  EXPECT_EQ(high.verdict, Verdict::kNeedsApproval);
  EXPECT_EQ(high.within, 15 * kMinute);
  EXPECT_EQ(approvers(high), "on-call-lead");
  const Decision medium = decided("procedures", "severity=sev3");  // Medium | < 1 hour | Team lead | Evaluate
  EXPECT_EQ(medium.verdict, Verdict::kNeedsApproval);
  EXPECT_EQ(medium.within, 60 * kMinute);
  EXPECT_EQ(approvers(medium), "team-lead");
  const Decision low = decided("procedures", "severity=sev4");  // Low | < 24 hours | None | Probably not
  EXPECT_EQ(low.verdict, Verdict::kMonitor);
  EXPECT_EQ(low.within, 24 * 60 * kMinute);
  EXPECT_TRUE(low.approvals.empty());
}

// OD:11-16 | Time Since Deployment | Data Loss Risk | Recommended Action |
TEST(Seeds, D3TheAgeOfTheReleaseGivesTheRecommendedAction) {
  // 0-2 hours | Minimal | Rollback acceptable
  EXPECT_EQ(decided("open-discussions", "severity=sev2 age=1h").verdict, Verdict::kRollBack);
  // 2-24 hours | Low | Rollback if critical issues
  EXPECT_EQ(decided("open-discussions", "severity=sev1 age=12h").verdict, Verdict::kRollBack);
  // 24-48 hours | Moderate | Fix forward preferred
  const Decision preferred = decided("open-discussions", "severity=sev2 age=30h");
  EXPECT_EQ(preferred.verdict, Verdict::kFixForward);
  EXPECT_TRUE(cites(preferred, "OD:15"));
  // 48+ hours | High | Fix forward only
  const Decision only = decided("open-discussions", "severity=sev2 age=48h");
  EXPECT_EQ(only.verdict, Verdict::kFixForward);
  ASSERT_FALSE(only.vetoes.empty());
  EXPECT_EQ(only.vetoes.front().where, "open-discussions.yaml:20");
  EXPECT_EQ(decided("open-discussions", "severity=sev1 age=3d").verdict, Verdict::kFixForward);
  // The runbook contradicts itself here: "Application won't start: IMMEDIATE ROLLBACK", but "Fix forward only".
  EXPECT_EQ(decided("open-discussions", "wont_start=yes age=3d").verdict, Verdict::kNeedsApproval);
}

// OD:17-37: three scenarios
TEST(Seeds, D4CriticalMajorAndMinorScenarios) {
  for (const char* symptom : {"wont_start", "migrations_failed", "search", "auth"}) {
    const Decision critical = decided("open-discussions", std::string(symptom) + "=yes age=20h");
    EXPECT_EQ(critical.verdict, Verdict::kRollBack) << symptom;  // Action: IMMEDIATE ROLLBACK
    EXPECT_EQ(critical.within, Millis(0)) << symptom;
    EXPECT_TRUE(cites(critical, "OD:24")) << symptom;
  }
  // Action: Rollback if within 24 hours, otherwise fix forward
  EXPECT_EQ(decided("open-discussions", "major=yes age=20h").verdict, Verdict::kRollBack);
  EXPECT_EQ(decided("open-discussions", "latency=3x age=20h").verdict, Verdict::kRollBack);
  EXPECT_EQ(decided("open-discussions", "data=wrong-writes age=20h").verdict, Verdict::kRollBack);
  EXPECT_EQ(decided("open-discussions", "major=yes age=25h").verdict, Verdict::kFixForward);
  // Action: Fix forward
  EXPECT_EQ(decided("open-discussions", "minor=yes age=30m").verdict, Verdict::kFixForward);
  // OD:64-69
  EXPECT_EQ(decided("open-discussions", "auth=yes").tell,
            (std::vector<std::string>{"engineering", "management", "product", "support"}));
}

// GEN:22-27 "Immediate Rollback (No Approval Needed)"
TEST(Seeds, D5TriggersThatNeedNoApproval) {
  const std::pair<const char*, const char*> triggers[] = {
      {"down=yes", "GEN:23"},                 // Application crash or unavailability
      {"crash_loop=yes", "GEN:23"},           //
      {"data=corruption", "GEN:24"},          // Data corruption detected
      {"security=yes", "GEN:25"},             // Security breach discovered
      {"error_rate=12%", "GEN:26"},           // Error rate > 10%
      {"severity=p0 users=100%", "GEN:27"}};  // P0 bug affecting all users
  for (const auto& [words, line] : triggers) {
    const Decision decision = decided("procedures", words);
    EXPECT_EQ(decision.verdict, Verdict::kRollBack) << words;
    EXPECT_EQ(decision.people_needed(), 0) << words;
    EXPECT_EQ(decision.within, Millis(0)) << words;
    EXPECT_TRUE(cites(decision, line)) << words;
  }
}

// GEN:29-33 "Conditional Rollback (Requires Evaluation)", GEN:35-39 "Monitor and Fix (No Rollback)"
TEST(Seeds, D6ConditionalTriggersAndMonitorBelow20Percent) {
  const std::pair<const char*, const char*> conditional[] = {
      {"error_rate=1%", "GEN:30"},           {"error_rate=4%", "GEN:30"},    // Error rate 1-10%
      {"error_rate=10%", "GEN:30"},          {"latency=+60%", "GEN:31"},     // Performance degradation > 50%
      {"severity=high users=20%", "GEN:32"}, {"unexpected=yes", "GEN:33"}};  // subset of users; unexpected behavior
  for (const auto& [words, line] : conditional) {
    const Decision decision = decided("procedures", words);
    EXPECT_EQ(decision.verdict, Verdict::kNeedsApproval) << words;
    EXPECT_GE(decision.people_needed(), 1) << words;
    EXPECT_TRUE(cites(decision, line)) << words;
  }
  EXPECT_EQ(decided("procedures", "latency=+10%").verdict, Verdict::kMonitor);  // Performance degradation < 20%
  EXPECT_EQ(decided("procedures", "latency=+10% severity=low").verdict, Verdict::kMonitor);
  EXPECT_EQ(decided("procedures", "minor=yes").verdict, Verdict::kMonitor);  // Minor bugs, cosmetic, edge cases
  EXPECT_EQ(decided("procedures", "error_rate=0.5%").verdict, Verdict::kMonitor);
  // From 20 to 50 % slower the runbook is silent: the class Low still holds, and lint tells the gap.
  EXPECT_EQ(decided("procedures", "latency=+30%").verdict, Verdict::kMonitor);
}

// SUM:12-19 "Trigger rollback immediately if"
TEST(Seeds, D7UnhealthyForFifteenMinutesWontStartMigrationsFail) {
  // `/health/` returns `unhealthy` (503) and can't be fixed in < 15 minutes
  const Decision unhealthy = decided("sum", "unhealthy_for=16m");
  EXPECT_EQ(unhealthy.verdict, Verdict::kRollBack);
  EXPECT_EQ(unhealthy.within, Millis(0));
  EXPECT_TRUE(cites(unhealthy, "SUM:14"));
  EXPECT_EQ(decided("sum", "unhealthy_for=5m").verdict, Verdict::kNeedsApproval);
  EXPECT_EQ(decided("sum", "unhealthy_for=5m hotfix=10m").verdict, Verdict::kFixForward);
  EXPECT_EQ(decided("sum", "unhealthy_for=5m hotfix=20m").verdict, Verdict::kNeedsApproval);
  EXPECT_EQ(decided("sum", "wont_start=yes").verdict, Verdict::kRollBack);         // Service won't start after upgrade
  EXPECT_EQ(decided("sum", "migrations_failed=yes").verdict, Verdict::kRollBack);  // Migrations fail
  for (const char* words : {"core=yes", "payments=yes", "auth=yes", "data=corruption", "security=yes"})
    EXPECT_EQ(decided("sum", words).verdict, Verdict::kRollBack) << words;
}

// OBC:31-40 critical, OBC:42-50 high, OBC:52-59 medium
TEST(Seeds, D8WhatIsBrokenGivesTheClass) {
  for (const char* words : {"auth=yes", "payments=yes", "wont_start=yes", "crash_loop=yes", "database_down=yes",
                            "security=yes", "data=corruption", "core=yes"}) {
    const Decision critical = decided("obcms", words);  // Roll back immediately if
    EXPECT_EQ(critical.verdict, Verdict::kRollBack) << words;
    EXPECT_EQ(critical.within, 15 * kMinute) << words;
    EXPECT_EQ(fact_value_text(FactId::kSeverity, critical.facts[FactId::kSeverity].value), "sev1") << words;
  }
  for (const char* words : {"major=yes users=60%", "latency=5x", "mail=yes", "calendar=yes"}) {
    const Decision high = decided("obcms", words);  // Consider rollback within 1-2 hours if
    EXPECT_EQ(high.verdict, Verdict::kNeedsApproval) << words;
    EXPECT_EQ(high.within, 120 * kMinute) << words;
    EXPECT_EQ(approvers(high), "devops-lead") << words;
  }
  for (const char* words : {"minor=yes", "severity=sev3 users=5%", "latency=+25% severity=sev4"})
    EXPECT_EQ(decided("obcms", words).verdict, Verdict::kFixForward) << words;  // Typically fix forward
}

// BIN:3-5
TEST(Seeds, D9RollForwardWhenAHotfixIsFasterOrAFlagCoversItAndRollBackIfUnsure) {
  // Roll-forward when you can ship a hotfix faster than the rollback ceremony.
  EXPECT_EQ(decided("single-binary", "severity=sev2 hotfix=20m").verdict, Verdict::kFixForward);
  // A small bug behind a known feature flag is a roll-forward case.
  EXPECT_EQ(decided("single-binary", "severity=sev3 flag=yes").verdict, Verdict::kFlagOff);
  // Rollback when ... can't be hot-fixed in <30 min: a panic loop, an auth regression, data corruption.
  for (const char* words :
       {"crash_loop=yes hotfix=45m", "auth=yes hotfix=45m", "data=corruption", "severity=sev2 hotfix=30m"})
    EXPECT_EQ(decided("single-binary", words).verdict, Verdict::kRollBack) << words;
  // If unsure, roll back.
  EXPECT_EQ(decided("single-binary", "severity=sev3").verdict, Verdict::kRollBack);
}

// OBC:82 "Verify issue is deployment-related (not external service failure)"
TEST(Seeds, D10IsItTheDeploymentAtAll) {
  const Decision told = decided("obcms", "severity=sev2 users=60% data=medium external=yes");
  EXPECT_EQ(told.verdict, Verdict::kMonitor);
  EXPECT_LT(told.posterior, 0.5);
  EXPECT_EQ(told.vetoes.front().id, "external");
  // Nobody said so, but the old release beside it fails as much, and a dependency raised an alert before.
  AssessInput seen = told_of("");
  seen.evidence = {alarm_of(2000, 120, 3, Millis(20 * 60'000))};
  seen.evidence.front().old_votes = 2000;
  seen.evidence.front().old_bad = 118;
  seen.occurrences = {
      {.kind = "alert", .at = kNoon - Millis(25 * 60'000), .what = "PaymentsApiDown", .elsewhere = true}};
  EvaluateInput input = input_from(seen, policies_from("policy: [obcms]\nautomatic: [roll-back, emergency]"));
  tell(input.facts, "users=60% data=wrong-writes severity=sev2");
  EXPECT_LT(input.attribution.posterior, 0.5);
  const Decision seen_so = evaluate(input);
  EXPECT_NE(seen_so.verdict, Verdict::kRollBack);
  EXPECT_FALSE(seen_so.automatic);
  EXPECT_NE(seen_so.suspect.find("PaymentsApiDown"), std::string::npos) << seen_so.suspect;
}

// OD:58-63 and OBC:80-84: what is broken, how many users, is data being corrupted, can we fix forward, what is lost
TEST(Seeds, D11TheQuestionsOfTheAssessmentAreFactsOrAsked) {
  AssessInput seen = told_of("");
  seen.evidence = {alarm_of(2000, 240, 6, Millis(6 * 60'000))};
  Decision decision = evaluate(input_from(seen, shipped("obcms")));
  for (const char* asked : {"users", "data", "hotfix"})
    EXPECT_NE(std::find(decision.questions.begin(), decision.questions.end(), asked), decision.questions.end())
        << asked;
  seen.figures["shop-log"] = {{"clients", 1020},
                              {"bad_clients", 141},
                              {"worst_routes", {{{"route", "/checkout"}, {"requests", 100}, {"failed", 90}}}}};
  seen.way_back.rows_lost = 37;
  seen.answers = {{"data", "none", "dana", kNoon}, {"hotfix", "20m", "dana", kNoon}};
  decision = evaluate(input_from(seen, shipped("obcms")));
  EXPECT_EQ(decision.facts[FactId::kUsers].detail, "141 of 1020 clients");
  EXPECT_EQ(decision.facts[FactId::kUsers].source, "signal shop-log");
  EXPECT_TRUE(decision.facts.yes(FactId::kPayments));  // what specifically is broken
  EXPECT_EQ(decision.facts[FactId::kRowsLost].value, 37);
  EXPECT_EQ(decision.facts[FactId::kHotfix].source, "told by dana");
  for (const char* known : {"users", "data", "hotfix"})
    EXPECT_EQ(std::find(decision.questions.begin(), decision.questions.end(), known), decision.questions.end())
        << known;
}

// GEN:161-164 "Set canary traffic to 0%. Route 100% to stable version", OBC:382 "Canary deployments (10% users first)"
TEST(Seeds, D12ABadCanarySendsAllTrafficToTheStableRelease) {
  for (const char* policy : {"procedures", "obcms"}) {
    const Decision decision = decided(policy, "canary=yes severity=sev2");
    EXPECT_EQ(decision.verdict, Verdict::kRollBack) << policy;
    EXPECT_EQ(decision.remedy, "all traffic to v2.3.1") << policy;
    EXPECT_EQ(decision.people_needed(), 0) << policy;
  }
}

// BIN:12-21, BIN:27-29: options in order of preference
TEST(Seeds, D13RollForwardIsWeighedBeforeAMigrationIsSteppedDown) {
  // 1. Schema-compatible rollback (best)
  EXPECT_EQ(decided("single-binary", "severity=sev2 migration=additive").verdict, Verdict::kRollBack);
  // 2. Roll forward to a hotfix
  EXPECT_EQ(decided("single-binary", "severity=sev2 migration=breaking hotfix=2h").verdict, Verdict::kFixForward);
  // 3. Migration down + code rollback (last resort)
  const Decision last = decided("single-binary", "severity=sev2 migration=breaking hotfix=none");
  EXPECT_EQ(last.verdict, Verdict::kNeedsApproval);
  EXPECT_EQ(last.people_needed(), 2);
  EXPECT_TRUE(cites(last, "BIN:20"));
  // a migration that nobody has classified counts as breaking
  EXPECT_EQ(decided("single-binary", "severity=sev2 migration=unknown").verdict, Verdict::kNeedsApproval);
  // some of them drop columns and will lose data
  const Decision drops = decided("single-binary", "severity=sev1 migration=destructive");
  EXPECT_EQ(drops.verdict, Verdict::kNeedsApproval);
  EXPECT_GE(drops.vetoes.size(), 2U);
}

// OBC:38-39, OBC:47-50: each kind of route has a class
TEST(Seeds, D14AffectedRoutesHaveAClass) {
  struct Row {
    const char* route;
    FactId fact;
    Verdict verdict;
    const char* line;
  };
  const Row rows[] = {{"GET /admin/users", FactId::kAdmin, Verdict::kNeedsApproval, "OBC:48"},
                      {"/mail", FactId::kMail, Verdict::kNeedsApproval, "OBC:49"},
                      {"/calendar/2", FactId::kCalendar, Verdict::kNeedsApproval, "OBC:50"},
                      {"POST /checkout", FactId::kPayments, Verdict::kRollBack, "OBC:39"},
                      {"/login", FactId::kAuth, Verdict::kRollBack, "OBC:38"}};
  for (const Row& row : rows) {
    AssessInput seen = told_of("");
    seen.evidence = {alarm_of(2000, 120, 3, Millis(6 * 60'000))};
    seen.figures["shop-log"]["worst_routes"] = {{{"route", row.route}, {"requests", 40}, {"failed", 31}}};
    const Decision decision = evaluate(input_from(seen, shipped("obcms")));
    EXPECT_TRUE(decision.facts.yes(row.fact)) << row.route;
    EXPECT_EQ(decision.verdict, row.verdict) << row.route;
    EXPECT_TRUE(cites(decision, row.line)) << row.route;
  }
  EXPECT_EQ(decided("obcms", "database_errors=yes").verdict, Verdict::kNeedsApproval);
}

}  // namespace
}  // namespace backout::decide
