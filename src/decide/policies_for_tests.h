// For tests: policies as backout.yaml has them, facts as a person tells them, and a decision from both.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "config/config.h"
#include "decide/assess.h"
#include "decide/evaluate.h"

namespace backout::decide {

inline const WallTime kNoon = wall_from_millis(1'767'225'600'000);

/// `yaml`: what stands in backout.yaml beside the site's name: "policy: [obcms]".
inline Policies policies_from(const std::string& yaml) {
  const config::Loaded loaded = config::parse("site: shop\n" + yaml + "\n", "backout.yaml");
  for (const config::Finding& finding : loaded.findings)
    EXPECT_NE(finding.severity, config::Severity::kError) << config::render("", finding);
  return loaded.site.policies;
}
inline Policies shipped(const std::string& name) { return policies_from("policy: [" + name + "]"); }

/// "severity=sev1 users=85%"
inline void tell(Facts& facts, const std::string& words) {
  for (const std::string& word : split(words, ' ')) {
    if (word.empty()) continue;
    const std::vector<std::string> parts = split(word, '=');
    const std::optional<FactId> id = fact_named(parts.at(0));
    ASSERT_TRUE(id) << word;
    const Result<std::optional<double>> value = fact_value_from(*id, parts.at(1));
    ASSERT_TRUE(value) << value.error().message;
    facts.set(*id, Fact{.value = *value, .source = "told", .at = kNoon, .confidence = 1, .detail = ""});
  }
}

/// A site whose way back is green (target verified and known-good, no migration), and what a person said of it.
inline AssessInput told_of(const std::string& words) {
  AssessInput input{.now = kNoon};
  input.way_back = {.from = "v2.4.0", .to = "v2.3.1", .deployed_at = kNoon - Millis(40 * 60'000)};
  input.way_back.target_verified = true;
  input.way_back.target_known_good = true;
  input.way_back.migration = "none";
  for (const std::string& word : split(words, ' ')) {
    if (word.empty()) continue;
    const std::vector<std::string> parts = split(word, '=');
    input.answers.push_back({.fact = parts.at(0), .value = parts.at(1), .by = "dana", .at = kNoon});
  }
  return input;
}

inline EvaluateInput input_from(const AssessInput& seen, const Policies& policies) {
  const Assessed assessed = assess(seen, policies);
  EXPECT_TRUE(assessed.refused.empty()) << assessed.refused.front();
  EvaluateInput input{.site = "shop/production", .from = seen.way_back.from, .to = seen.way_back.to, .now = seen.now};
  input.deployed_at = seen.way_back.deployed_at;
  input.facts = assessed.facts;
  input.attribution = assessed.attribution;
  input.evidence = seen.evidence;
  input.policies = policies;
  return input;
}

/// `policy`: a shipped one; empty: none.
inline Decision decided(const std::string& policy, const std::string& words) {
  return evaluate(input_from(told_of(words), policy.empty() ? policies_from("") : shipped(policy)));
}

/// An alarm on `outcomes`: `rate` of `votes` are bad, at `per_second` failed requests a second.
inline Evidence alarm_of(int64_t votes, int64_t bad, double per_second, Millis since) {
  Evidence evidence{.signal = "shop-log", .measure = "outcomes", .state = EvidenceState::kAlarm};
  evidence.votes = evidence.requests = votes;
  evidence.bad = evidence.failed = bad;
  evidence.tolerated = 0.005;
  evidence.decibels = 91;
  evidence.needed = 82.6;
  evidence.bad_per_second = per_second;
  evidence.first_bad = evidence.onset = kNoon - since;
  evidence.alarm_at = evidence.onset + Millis(3000);
  return evidence;
}

/// "OBC:67": whether a rule that holds cites it.
inline bool cites(const Decision& decision, std::string_view line) {
  return std::any_of(decision.matched.begin(), decision.matched.end(), [&](const MatchedRule& rule) {
    const std::vector<std::string> lines = split(rule.cites, ',');
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& one) { return trimmed(one) == line; });
  });
}
inline std::string approvers(const Decision& decision) {
  std::vector<std::string> all;
  for (const ApprovalGroup& group : decision.approvals) all.push_back(join(group.of, "+"));
  return join(all, "; ");
}

}  // namespace backout::decide
