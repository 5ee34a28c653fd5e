// Deliberation: the evaluation itself, without words. Built once for a set of inputs, asked for as many sets of facts
// as "what if" and the grid need.
#pragma once
#include <vector>

#include "decide/evaluate.h"
#include "decide/harm.h"
#include "decide/vetoes.h"

namespace backout::decide {

enum class Stage { kEvidence, kVetoes, kEmergency, kCheapest, kRules, kAuthority };

/// Who must approve: as a rule names them, or by the default ladder.
struct Consent {
  const Rule* rule = nullptr;
  enum class Default { kNone, kOnCall, kLead, kBreaking, kDestructive } ladder = Default::kNone;
  int need = 1;
};

struct Judgement {
  Verdict verdict = Verdict::kMonitor;
  Stage decisive = Stage::kEvidence;
  bool trouble = false;  // something is wrong
  bool blind = false;    // nothing was seen
  bool blind_for_long = false;
  bool emergency = false;
  bool turned = false;  // a veto turned going back into `verdict`
  VetoSet vetoes = 0;
  Harms harms;
  Verdict cheapest = Verdict::kMonitor;  // what the arithmetic, or without figures the severity, proposes
  std::vector<const Rule*> matched;      // in the order of the levels
  const Rule* deciding = nullptr;        // whose action was taken
  const Rule* bound = nullptr;           // no rule decides, but this one does for what is worse, or milder
  bool at_most = false;                  // `bound` speaks of what is worse: so no more than it says
  std::vector<const Rule*> against;      // rules that forbid going back
  std::vector<Consent> consents;
  std::optional<Millis> within;
  OnTimeout on_timeout = OnTimeout::kEscalate;

  int approvals() const;
};

class Deliberation {
 public:
  /// `input` must outlive it.
  explicit Deliberation(const EvaluateInput& input);
  Judgement judge(const Facts& facts) const;

  const std::vector<const Rule*>& rules() const { return rules_; }
  bool alarm() const { return alarm_; }
  double bad_per_second() const { return bad_per_second_; }

 private:
  bool is_lesser(const Rule* const& rule, const Facts& facts) const;
  void gate(const Facts& facts, Judgement& judgement) const;
  void match(const Facts& facts, Judgement& judgement) const;
  void weigh(const Facts& facts, Judgement& judgement) const;
  void settle_gap(const Facts& facts, Judgement& judgement) const;
  void turn(const Facts& facts, Judgement& judgement) const;
  void authorise(const Facts& facts, Judgement& judgement) const;

  const EvaluateInput& input_;
  std::vector<const Rule*> rules_;
  std::vector<std::optional<double>> troubles_;  // by rule: how severe what it names is by itself
  std::vector<bool> names_symptom_;              // likewise: it asks for a symptom
  bool alarm_ = false, sees_ = false;
  double bad_per_second_ = 0;
};

/// Whether the facts by themselves say that something is wrong.
bool says_trouble(const Facts& facts);

}  // namespace backout::decide
