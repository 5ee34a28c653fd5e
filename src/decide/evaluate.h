// Evaluate: facts and policies -> decision. Pure and deterministic: the same inputs, in whatever order, give the same
// bytes. In this order, and the first that is decisive wins: evidence, vetoes, emergencies, the cheapest sufficient
// remedy, the team's rules (which may overrule what is cheapest), authority and deadline. docs/decide.md.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "decide/attribution.h"
#include "model/rule.h"
#include "model/verdict.h"

namespace backout::decide {

/// What the arithmetic needs: measured in earlier runs and drills where there are any, else these defaults.
struct Costs {
  Millis approval{5 * 60'000};        // until somebody who is asked has answered
  Millis roll_back{60'000};           // t_rb
  double roll_back_fails = 0.02;      // p_rbfail
  Millis flag_off{60'000};            // t_flag
  double flag_works = 0.9;            // p_flag
  double hotfix_overrun = 2;          // k: how much longer a hotfix takes than was said
  double hotfix_works = 0.7;          // p_ff
  Millis hotfix_if_failed{3600'000};  // t_ff: how long the trouble goes on when a rollback fails
  double lost_rows_weigh = 1;         // failed requests that a lost row is worth
  double growth = 1;                  // of bad requests a second over the horizon
  Millis horizon{10 * 60'000};        // of watching on
  std::string source = "defaults";    // "3 drills", "the plan's forecast"
};

struct EvaluateInput {
  std::string site, from, to;
  WallTime now{};
  WallTime deployed_at{};  // epoch: unknown
  Facts facts;
  Attribution attribution;
  std::vector<Evidence> evidence;
  Policies policies;
  Costs costs;
  Millis blind_after{10 * 60'000};  // B: blind for longer after the deploy, a person decides
};

Decision evaluate(const EvaluateInput& input);

/// The same without words: for what-if questions and for walking the grid.
struct Outcome {
  Verdict verdict = Verdict::kMonitor;
  int approvals = 0;
  bool operator==(const Outcome&) const = default;
};
Outcome outcome_of(const EvaluateInput& input, const Facts& facts);

/// Of everything that a decision is made from, `now` included.
std::string inputs_hash(const EvaluateInput& input);

}  // namespace backout::decide
