// For tests: policies as backout.yaml has them, facts as a person tells them, and a decision from both.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "config/config.h"
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

/// A site whose way back is green: target verified, known-good, no migration.
inline EvaluateInput input_of(const Policies& policies, const std::string& facts) {
  EvaluateInput input{.site = "shop/production", .from = "v2.4.0", .to = "v2.3.1", .now = kNoon};
  input.deployed_at = kNoon - Millis(40 * 60'000);
  input.policies = policies;
  tell(input.facts,
       "age=40m migration=none schema_fits=yes restore=no target_verified=yes target_bad=no target_young=no");
  tell(input.facts, facts);
  return input;
}

inline Decision decided(const std::string& policy, const std::string& facts) {
  return evaluate(input_of(policy.empty() ? policies_from("") : shipped(policy), facts));
}

/// "procedures.yaml:12 (GEN:26)" for each rule that holds.
inline std::vector<std::string> cited(const Decision& decision) {
  std::vector<std::string> all;
  for (const MatchedRule& rule : decision.matched) all.push_back(rule.cites);
  return all;
}

}  // namespace backout::decide
