#include "decide/evaluate.h"

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "decide/explain.h"
#include "decide/policies_for_tests.h"

namespace backout::decide {
namespace {

constexpr const char* kShipped[] = {"open-discussions", "procedures", "sum", "obcms", "single-binary"};

std::string bytes_of(const Decision& decision) { return canonical(to_json(decision)); }

/// 5xx at 4 % for 6 minutes, 0.5 % before, 20 minutes after the deploy, no migration: twelve runbooks give seven
/// answers.
AssessInput four_percent() {
  AssessInput seen = told_of("");
  seen.way_back.deployed_at = kNoon - Millis(20 * 60'000);
  seen.evidence = {alarm_of(36'000, 1440, 4, Millis(6 * 60'000))};
  seen.figures["shop-log"] = {{"clients", 5000}, {"bad_clients", 240}};
  return seen;
}

TEST(Evaluate, FourPercentForSixMinutesByEachShippedPolicy) {
  std::string all;
  for (const char* name : {"", "open-discussions", "procedures", "sum", "obcms", "single-binary"}) {
    const Policies policies = *name == '\0' ? policies_from("") : shipped(name);
    const Decision decision = evaluate(input_from(four_percent(), policies));
    all += fmt::format("== {}\n", *name == '\0' ? "no policy" : name);
    for (const std::string& line : explained(decision)) all += line + "\n";
    all += "--\n";
    for (const std::string& line : explained_fully(decision)) all += line + "\n";
  }
  const std::string file = std::string(BACKOUT_SOURCE_DIR) + "/tests/golden/decide/four-percent.txt";
  if (std::getenv("ACCEPT") != nullptr) std::ofstream(file) << all;
  std::stringstream expected;
  expected << std::ifstream(file).rdbuf();
  EXPECT_EQ(expected.str(), all) << "ACCEPT=1 takes it as it is now";
}

TEST(Evaluate, TheScreenFitsOnOne) {
  for (const char* name : kShipped) {
    const std::vector<std::string> lines = explained(evaluate(input_from(four_percent(), shipped(name))));
    EXPECT_LE(lines.size(), 24U) << name;
    for (const std::string& line : lines) EXPECT_LE(line.size(), 240U) << line;
  }
}

TEST(Evaluate, TheSameInputsInWhateverOrderGiveTheSameBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  AssessInput seen = four_percent();
  for (int index = 0; index < 6; ++index) {
    Evidence evidence = alarm_of(1000 + index, 50, 2, Millis(6 * 60'000));
    evidence.signal = fmt::format("signal-{}", index % 3);
    evidence.measure = index < 3 ? "outcomes" : "speeds";
    if (index == 4) evidence.state = EvidenceState::kBlind, evidence.why = "the log is gone";
    seen.evidence.push_back(evidence);
    seen.occurrences.push_back({.kind = "alert",
                                .at = kNoon - Millis(index * 1000),
                                .what = fmt::format("alert {}", index),
                                .severe = index % 2 == 0,
                                .elsewhere = index > 3});
    seen.other_deploys.push_back({.what = fmt::format("api v{}", index), .at = kNoon - Millis(3'600'000)});
    seen.answers.push_back({.fact = "hotfix", .value = fmt::format("{}m", 10 + index), .by = "dana", .at = kNoon});
  }
  seen.answers.push_back({.fact = "flag", .value = "yes", .by = "sam", .at = kNoon});
  const Policies policies = policies_from("policy: [obcms, procedures]");
  const std::string first = bytes_of(evaluate(input_from(seen, policies)));
  for (int time = 0; time < 1000; ++time) {
    std::shuffle(seen.evidence.begin(), seen.evidence.end(), random);
    std::shuffle(seen.occurrences.begin(), seen.occurrences.end(), random);
    std::shuffle(seen.other_deploys.begin(), seen.other_deploys.end(), random);
    std::shuffle(seen.answers.begin(), seen.answers.end(), random);
    std::shuffle(seen.failing_checks.begin(), seen.failing_checks.end(), random);
    ASSERT_EQ(first, bytes_of(evaluate(input_from(seen, policies)))) << "seed " << seed;
  }
}

/// Facts at random: some known, some not.
Facts random_facts(std::mt19937& random) {
  Facts facts;
  const auto one_of = [&](const std::vector<std::string>& words) { return words[random() % words.size()]; };
  tell(facts, "target_verified=yes target_bad=no target_young=no restore=no schema_fits=" + one_of({"yes", "unknown"}));
  tell(facts, "severity=" + one_of({"sev1", "sev2", "sev3", "sev4"}));
  tell(facts, "users=" + one_of({"unknown", "0.5%", "5%", "30%", "65%", "90%"}));
  tell(facts, "data=" + one_of({"none", "stale", "wrong-writes", "corruption", "unknown"}));
  tell(facts, "age=" + one_of({"10m", "3h", "20h", "30h", "3d"}));
  tell(facts, "migration=" + one_of({"none", "additive", "backfill", "breaking", "destructive", "unknown"}));
  tell(facts, "hotfix=" + one_of({"unknown", "none", "45m", "3h"}));
  for (const char* rare : {"mail", "minor", "major", "auth", "canary", "flag", "latency_"})
    if (random() % 8 == 0 && fact_named(rare)) tell(facts, std::string(rare) + "=yes");
  if (random() % 5 == 0) tell(facts, "latency=" + one_of({"1.1x", "1.25x", "1.4x", "2x"}));
  if (random() % 5 == 0) tell(facts, "error_rate=" + one_of({"0.5%", "4%", "20%"}));
  return facts;
}

/// To what the other facts amount to, as assess() does.
void raise_severity(Facts& facts, bool alarm, const Policies& policies) {
  const auto derived = severity_of(facts, alarm || facts.known(FactId::kErrorRate), policies);
  if (derived && *derived > facts.value(FactId::kSeverity).value_or(-1)) facts.set(FactId::kSeverity, *derived, "told");
}

EvaluateInput random_input(std::mt19937& random, const Policies& policies) {
  EvaluateInput input{.site = "shop", .from = "v2", .to = "v1", .now = kNoon, .deployed_at = kNoon - Millis(600'000)};
  input.policies = policies;
  input.facts = random_facts(random);
  input.attribution.posterior = 0.99;
  const bool alarm = random() % 2 == 0;
  if (alarm) input.evidence = {alarm_of(2000, 200, static_cast<double>(1 + random() % 30), Millis(60'000))};
  raise_severity(input.facts, alarm, policies);
  return input;
}

TEST(Evaluate, EachCounterfactualReallyChangesTheOutcome) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  int told = 0;
  for (const char* name : kShipped) {
    const Policies policies = shipped(name);
    for (int time = 0; time < 60; ++time) {
      const EvaluateInput input = random_input(random, policies);
      const Decision decision = evaluate(input);
      const Outcome now = outcome_of(input, input.facts);
      for (const Counterfactual& each : decision.counterfactuals) {
        Facts facts = input.facts;  // their severity is told, so it stays
        facts.set(each.fact, each.value, "");
        const Outcome then = outcome_of(input, facts);
        EXPECT_NE(now, then) << each.text << " seed " << seed;
        EXPECT_EQ(then.verdict, each.verdict) << each.text << " seed " << seed;
        EXPECT_EQ(then.approvals, each.approvals) << each.text << " seed " << seed;
        ++told;
      }
    }
  }
  EXPECT_GT(told, 1000);
}

/// Roll back and needs approval both go back; who must say so is another matter.
int strength(Verdict verdict) { return std::min(static_cast<int>(verdict), static_cast<int>(Verdict::kNeedsApproval)); }

/// That the trouble is minor is no worse trouble: a team may well say "minor: fix forward" where a flag would do.
bool worsened(Facts& facts, FactId id) {
  const FactKind& kind = kind_of(id);
  if (kind.role != FactRole::kHarm || id == FactId::kTroubleFor || id == FactId::kUnhealthyFor) return false;
  if (id == FactId::kMinor) return false;
  if (kind.scale == FactScale::kYesNo) {
    if (facts.yes(id)) return false;
    facts.set(id, 1, "told");
    return true;
  }
  if (!facts.known(id)) return false;
  const double value = *facts[id].value;
  const double worse = kind.scale == FactScale::kLevels    ? value + 1
                       : kind.scale == FactScale::kPercent ? std::min(100.0, value * 2)
                                                           : value * 1.3;
  if (kind.scale == FactScale::kLevels && value >= 3) return false;
  facts.set(id, worse, "told");
  return true;
}

TEST(Evaluate, WorseFactsNeverWeakenTheActionButForAVeto) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  for (const char* name : kShipped) {
    const Policies policies = shipped(name);
    for (int time = 0; time < 120; ++time) {
      const EvaluateInput input = random_input(random, policies);
      const Outcome mild = outcome_of(input, input.facts);
      for (const FactKind& kind : all_fact_kinds()) {
        EvaluateInput other = input;
        if (!worsened(other.facts, kind.id)) continue;
        raise_severity(other.facts, !other.evidence.empty(), policies);
        const Outcome worse = outcome_of(other, other.facts);
        if (strength(worse.verdict) >= strength(mild.verdict)) continue;
        const Decision decision = evaluate(other);
        const bool vetoed =
            std::any_of(decision.vetoes.begin(), decision.vetoes.end(), [](const Veto& veto) { return veto.blocks; });
        EXPECT_TRUE(vetoed) << name << ": " << kind.name << " worse, but " << words_of(mild.verdict) << " -> "
                            << words_of(worse.verdict) << "\nseed " << seed << "\n"
                            << join(explained_fully(decision), "\n");
        if (!vetoed) return;
      }
    }
  }
}

TEST(Evaluate, NoDataIsBlindAndNeverHealthy) {
  AssessInput seen = told_of("");
  Decision decision = evaluate(input_from(seen, policies_from("")));
  EXPECT_EQ(decision.verdict, Verdict::kMonitor);
  EXPECT_TRUE(decision.blind);
  EXPECT_NE(decision.reason.find("BLIND"), std::string::npos);
  Evidence blind{.signal = "shop-log", .measure = "outcomes"};
  blind.why = "/var/log/shop.log: no such file";
  seen.evidence = {blind};
  decision = evaluate(input_from(seen, policies_from("")));  // 40 minutes after the deploy
  EXPECT_EQ(decision.verdict, Verdict::kNeedsApproval);
  EXPECT_TRUE(decision.blind);
  EXPECT_EQ(approvers(decision), "on-call");
  seen.way_back.deployed_at = kNoon - Millis(5 * 60'000);
  decision = evaluate(input_from(seen, policies_from("")));
  EXPECT_EQ(decision.verdict, Verdict::kMonitor);
  EXPECT_TRUE(decision.blind);
}

TEST(Evaluate, WithoutAnAlarmItSaysHowMuchIsMissing) {
  AssessInput seen = told_of("");
  Evidence quiet = alarm_of(400, 3, 0, Millis(0));
  quiet.state = EvidenceState::kQuiet;
  quiet.decibels = 41;
  quiet.more_votes = 140;
  quiet.more_time = Millis(12'000);
  seen.evidence = {quiet};
  const Decision decision = evaluate(input_from(seen, shipped("procedures")));
  EXPECT_EQ(decision.verdict, Verdict::kMonitor);
  EXPECT_FALSE(decision.blind);
  EXPECT_EQ(decision.reason, "no alarm: 41 of 82.6 dB, about 140 votes (12 s) more at today's rate");
}

TEST(Evaluate, NeverBackwardsNorToABadOrYoungTarget) {
  const Policies policies = policies_from("automatic: [roll-back, emergency]");
  const auto verdict_with = [&](const std::function<void(WayBack&)>& change) {
    AssessInput seen = told_of("down=yes");
    change(seen.way_back);
    return evaluate(input_from(seen, policies));
  };
  EXPECT_TRUE(verdict_with([](WayBack&) {}).automatic);
  for (const auto& change : std::vector<std::function<void(WayBack&)>>{
           [](WayBack& way) { way.from_came_by_rollback = true; }, [](WayBack& way) { way.target_bad = true; },
           [](WayBack& way) { way.target_known_good = false, way.target_age = Millis(600'000); },
           [](WayBack& way) { way.target_verified = false; }, [](WayBack& way) { way.freeze = true; },
           [](WayBack& way) { way.security_fix = true; }, [](WayBack& way) { way.migration = "destructive"; }}) {
    const Decision decision = verdict_with(change);
    EXPECT_EQ(decision.verdict, Verdict::kNeedsApproval);
    EXPECT_FALSE(decision.automatic);
    ASSERT_FALSE(decision.vetoes.empty());
    EXPECT_TRUE(decision.vetoes.front().blocks);
  }
  // At most one by itself within the hour, and none to a target at which nobody has looked: but a person may.
  for (const auto& change : std::vector<std::function<void(WayBack&)>>{
           [](WayBack& way) { way.automatic_rollback_at = kNoon - Millis(30 * 60'000); },
           [](WayBack& way) { way.target_verified.reset(); }}) {
    const Decision decision = verdict_with(change);
    EXPECT_EQ(decision.verdict, Verdict::kRollBack);
    EXPECT_FALSE(decision.automatic);
  }
  EXPECT_TRUE(verdict_with([](WayBack& way) { way.automatic_rollback_at = kNoon - Millis(90 * 60'000); }).automatic);
  EXPECT_EQ(verdict_with([](WayBack& way) { way.rollback_running = true; }).verdict, Verdict::kMonitor);
}

TEST(Evaluate, NothingIsAutomaticUnlessItsClassIsNamed) {
  EXPECT_FALSE(decided("procedures", "down=yes").automatic);
  const auto with = [](const char* automatic, const char* words) {
    return evaluate(
        input_from(told_of(words), policies_from(fmt::format("policy: [procedures]\nautomatic: [{}]", automatic))));
  };
  EXPECT_TRUE(with("emergency", "down=yes").automatic);
  EXPECT_FALSE(with("emergency", "error_rate=20%").automatic);  // roll back, but no emergency
  EXPECT_TRUE(with("roll-back", "error_rate=20%").automatic);
  EXPECT_FALSE(with("roll-back", "severity=sev2").automatic);  // needs approval
  EXPECT_FALSE(with("flag-off", "down=yes").automatic);
}

TEST(Evaluate, TheCheapestRemedyWhereNoRuleSpeaks) {
  AssessInput seen = told_of("data=none");
  seen.evidence = {alarm_of(2000, 240, 10, Millis(6 * 60'000))};
  EXPECT_EQ(evaluate(input_from(seen, policies_from(""))).verdict, Verdict::kNeedsApproval);  // sev2: one person
  seen.answers.push_back({"flag", "yes", "dana", kNoon});
  EXPECT_EQ(evaluate(input_from(seen, policies_from(""))).verdict, Verdict::kFlagOff);
  // b.7: a hotfix has to come within seconds to be cheaper than going back in a minute.
  seen.answers = {{"data", "none", "dana", kNoon}, {"canary", "yes", "dana", kNoon}, {"hotfix", "15m", "dana", kNoon}};
  const Decision decision = evaluate(input_from(seen, policies_from("")));
  EXPECT_EQ(decision.verdict, Verdict::kRollBack);
  const auto change = std::find_if(decision.counterfactuals.begin(), decision.counterfactuals.end(),
                                   [](const Counterfactual& one) { return one.fact == FactId::kHotfix; });
  ASSERT_NE(change, decision.counterfactuals.end());
  EXPECT_LT(change->value, 60'000);
}

TEST(Evaluate, TheHashIsOfEverythingThatWentIn) {
  const EvaluateInput input = input_from(four_percent(), shipped("obcms"));
  const std::string hash = inputs_hash(input);
  EXPECT_EQ(hash.size(), 64U);
  EvaluateInput other = input;
  other.now += Millis(1);
  EXPECT_NE(hash, inputs_hash(other));
  other = input;
  other.facts.set(FactId::kFlag, 1, "told");
  EXPECT_NE(hash, inputs_hash(other));
  other = input;
  other.policies = shipped("sum");
  EXPECT_NE(hash, inputs_hash(other));
  other = input;
  other.costs.growth = 2;
  EXPECT_NE(hash, inputs_hash(other));
  EXPECT_EQ(hash, evaluate(input).inputs_hash);
}

TEST(Evaluate, ALaterPolicyReplacesARuleOnlyWhenItSaysSo) {
  const char* softer = R"(
policy: [procedures]
rules: [{id: calm, when: {severity: sev2, canary: no}, do: monitor}])";
  const char* instead = R"(
policy: [procedures]
rules:
  - {id: calm, when: {severity: sev2, canary: no}, do: monitor, instead-of: high}
  - {id: some, when: {severity: sev2}, do: monitor, instead-of: high-for-some})";
  EXPECT_EQ(evaluate(input_from(told_of("severity=sev2"), policies_from(softer))).verdict, Verdict::kNeedsApproval);
  EXPECT_EQ(evaluate(input_from(told_of("severity=sev2"), policies_from(instead))).verdict, Verdict::kMonitor);
}

}  // namespace
}  // namespace backout::decide
