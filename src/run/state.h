// State of a run, folded from its events: what was intended, what ended, which way it is going. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "model/event.h"
#include "model/outcome.h"
#include "model/plan.h"
#include "run/progress.h"

namespace backout::run {

/// What a look said after an effect of the door failed: the value of "looked" in the evidence of its outcome.
inline constexpr const char* kLookedSo = "holds";
inline constexpr const char* kLookedNot = "does not hold";

/// One step on one host, one way. Outcomes are kept per pair from the first day.
struct Pair {
  std::string step, host;
  Purpose purpose = Purpose::kApply;
  auto operator<=>(const Pair&) const = default;
};

struct PairState {
  int attempts = 0;                // intended so far
  int never_started = 0;           // of these, those that were found not to have begun
  std::string last_attempt;        // id of the newest intent; empty if none
  bool attempt_ended = true;       // the newest intent has its end in the journal
  bool not_begun = false;          // the newest intent was found never to have started
  std::optional<Outcome> outcome;  // of the newest StepEnded; reset by a newer intent
  bool touched() const { return attempts > 0; }
  bool may_have_run() const { return attempts > never_started; }
};

struct RunState {
  bool begun = false;  // a RunStarted was seen
  PlanId plan;
  RunKind kind = RunKind::kRollback;
  IncidentId incident;
  std::string reason;
  std::map<Pair, PairState> pairs;
  std::map<std::string, Json>
      evidence;         // by step id: of the newest successful apply (several hosts: merged, the last word counts)
  bool turned = false;  // undoing
  std::string turned_why;
  bool turned_by_person = false;
  bool door_closed = false, door_opened = false;
  std::optional<WallTime> door_closed_at;  // by the journal; none: it was not closed
  bool starting = false;  // an apply attempt after phase switch was intended: what was stopped need not stay so
  int opening = 0;        // apply attempts in phase open that may have run: no way back inside this run
  bool let_in = false;    // an effect of phase open succeeded, or failed and was then seen done; or it settles
  bool stopped = false, ended = false;
  std::string result, why;  // of the end or the last stop
  int exit = 0;
  int resumed = 0;  // stops after which it went on
  const PairState& at(const Pair& pair) const;
};

/// Takes one more event of the run into account. `plan` tells the phases of steps.
void take(RunState& state, const Event& event, const Plan& plan);
/// Folds the events of one run, oldest first. Events of other runs are ignored.
RunState fold(const std::vector<Event>& events, const RunId& run, const Plan& plan);

}  // namespace backout::run
