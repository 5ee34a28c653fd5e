// Verdict: what to do about a release, and the decision around it: facts, rules, vetoes, costs, what would change it.
// A value that explains itself: everything that was weighed is in it. Made by src/decide; docs/decide.md.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/evidence.h"
#include "model/fact.h"

namespace backout {

enum class Verdict {
  kMonitor,        // go on watching
  kFixForward,     // a new release mends it
  kFlagOff,        // a flag switches the broken part off
  kNeedsApproval,  // going back may be right; people must say so
  kRollBack,       // go back, now
};
std::string_view name_of(Verdict verdict);          // "roll-back", as in rules and JSON
std::string_view words_of(Verdict verdict);         // "roll back", for people
Result<Verdict> verdict_of(std::string_view name);  // kInvalid

/// When nobody has answered by the deadline.
enum class OnTimeout { kEscalate, kRollBack, kRefuse };
std::string_view name_of(OnTimeout choice);
Result<OnTimeout> on_timeout_of(std::string_view name);

/// So many of these roles must say yes.
struct ApprovalGroup {
  std::vector<std::string> of;  // sorted
  int need = 1;
  std::string why;  // "obcms.yaml:31 (OBC:413)", or "migration breaking"
};

struct MatchedRule {
  std::string id, policy;  // "matrix-critical" of "obcms"
  std::string where;       // "obcms.yaml:12"
  std::string cites;       // "OBC:67"
  std::string says;        // the row in the team's words
  std::optional<Verdict> action;
  bool decided = false;  // its action is the one that was taken
};

struct Veto {
  std::string id;      // "migration-destructive"; docs/decide.md lists them
  std::string what;    // one sentence
  bool blocks = true;  // false: only never by itself, without a person
  std::string where;   // a rule's place, or empty
};

struct Alternative {
  std::string remedy;                     // "roll back", "flag off", "fix forward", "monitor"
  std::optional<double> failed_requests;  // expected, until it is over; nothing: it cannot be told, or it is not there
  std::optional<Millis> time;
  std::string why;  // how it comes about, or why it is not there
  bool chosen = false;
};

/// One fact changed, everything else as it is: what would be decided then.
struct Counterfactual {
  FactId fact;
  double value = 0;
  Verdict verdict = Verdict::kMonitor;
  int approvals = 0;
  std::string text;  // "a tested hotfix under 25 s: fix forward"
};

/// One step of the evaluation, in order.
struct TraceStep {
  std::string step;  // "evidence", "vetoes", "emergency", "cheapest", "rules", "authority"
  std::string text;
  bool decisive = false;
};

/// A rule that was tried and did not hold, and why not.
struct RuleTried {
  std::string id, where;
  std::string why;    // "users is 13.8 %, asked for: > 50 %"
  bool open = false;  // only because a fact is unknown
};

struct Decision {
  std::string site, from, to;
  WallTime at{};
  Verdict verdict = Verdict::kMonitor;
  std::string remedy;  // how: "go back to v2.3.1", "traffic to v2.3.1", "turn the flag off", "wait"
  std::string reason;  // one sentence: why
  bool blind = false;  // nothing was seen: `verdict` is not a statement about the release
  bool emergency = false;
  double confidence_db = 0, needed_db = 0;  // of the strongest evidence
  double posterior = 0;                     // that it is the release
  std::vector<std::string> cause;           // how the posterior came about, a factor each
  std::string suspect;                      // the top competing one, with its share; may be empty
  Facts facts;
  std::vector<Evidence> evidence;
  std::vector<MatchedRule> matched;
  std::vector<RuleTried> tried;
  std::vector<Veto> vetoes;
  std::vector<Alternative> alternatives;
  std::vector<Counterfactual> counterfactuals;
  std::vector<ApprovalGroup> approvals;  // each must be satisfied before it is done
  std::optional<Millis> within;          // how soon it must be decided or done
  WallTime deadline{};                   // at + within; epoch: none
  OnTimeout on_timeout = OnTimeout::kEscalate;
  std::vector<std::string> tell;       // who is to hear of it, sorted
  bool automatic = false;              // may be done without asking
  std::string automatic_why;           // which class allows it, or why not
  std::vector<std::string> questions;  // facts that a person should look for, as --fact takes them
  std::vector<TraceStep> trace;
  std::string inputs_hash;  // SHA-256 over everything that it was made from

  int people_needed() const;
};

Json to_json(const Decision& decision);

}  // namespace backout
