// Rule: a line of a team's decision table: when these facts hold, do this, with whose consent, how soon. Policy: the
// rules of one file. Read by src/config, evaluated by src/decide; docs/decide.md has the language.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/fact.h"
#include "model/verdict.h"

namespace backout {

/// The values that a condition lets through: from `least` to `most`.
struct ValueRange {
  double least, most;
  bool with_least = true, with_most = true;
  bool holds(double value) const {
    return (with_least ? value >= least : value > least) && (with_most ? value <= most : value < most);
  }
  auto operator<=>(const ValueRange&) const = default;
};

/// A condition on one fact: its value lies in one of the ranges.
struct Predicate {
  FactId fact = FactId::kSeverity;
  std::vector<ValueRange> ranges;  // ascending
  bool or_unknown = false;         // it also holds when nobody knows
  std::string text;                // as it was written: ">50%"

  enum class Holds { kNo, kYes, kOpen };  // kOpen: the fact is unknown
  Holds holds(const Facts& facts) const;
  bool holds(double value) const;
};
/// "sev1", "[sev1, sev2]" as "sev1, sev2", ">50%", "10%..50%" (from, up to but without), "50% to 80%" (with
/// both), "sev2 or worse", "yes", "unknown". kInvalid with what is expected.
Result<Predicate> predicate_from(FactId fact, const std::vector<std::string>& any_of);

struct Rule {
  std::string id;      // unique in its policy
  std::string policy;  // the name of its policy
  std::string file;    // as messages show it
  int line = 0, column = 0;
  std::vector<Predicate> when;                 // all of them
  std::optional<Verdict> action;               // nothing: it only adds people, time or a veto
  bool never_roll_back = false;                // a veto
  std::optional<std::vector<std::string>> by;  // who must approve: empty, nobody; nothing: not said
  int need = 0;                                // of `by`; 0: all of them
  std::optional<Millis> within;
  std::vector<std::string> tell;
  std::optional<OnTimeout> on_timeout;
  std::string cites;       // "OBC:67": the runbook and the line of it
  std::string says;        // what stands there
  std::string instead_of;  // a rule of an earlier policy, which is out of force
  bool in_force = true;    // false: a later policy has one instead of it

  std::string where() const;  // "obcms.yaml:12"
};

struct Policy {
  std::string name;  // "obcms", "./rules.yaml", "backout.yaml"
  std::string file;
  bool shipped = false;
  std::vector<Rule> rules;
};

/// Everything that a site says about deciding. `levels` in the order of the file: org < team < service.
struct Policies {
  std::vector<Policy> levels;
  // What may be done without asking: classes "emergency", "roll-back", "flag-off", "timeout". Default: nothing.
  std::vector<std::string> automatic;
  double sev2_rate = 10, sev3_rate = 2;                      // % of bad votes from which an alarm is of that severity
  std::map<std::string, std::vector<std::string>> features;  // a fact ("payments") -> the routes that it is about
  std::string digest;                                        // SHA-256 of all of the above, set by sealed()

  /// Rules in force, in the order of the levels.
  std::vector<const Rule*> rules() const;
};
/// With the digest, which decisions are hashed with. Call it once all is read.
Policies sealed(Policies policies);

Json to_json(const Rule& rule);
Json to_json(const Policies& policies);

}  // namespace backout
