// Step: one action on one target, as data. Drivers offer steps, the planner orders them, the executor runs them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/ids.h"

namespace backout {

/// In the order of a run. Users are outside from kClose to kOpen; kOpen is the commit point.
enum class Phase { kPrepare, kClose, kLastRows, kSwitch, kStart, kCheck, kOpen, kSettle };
inline constexpr Phase kPhases[] = {Phase::kPrepare, Phase::kClose, Phase::kLastRows, Phase::kSwitch,
                                    Phase::kStart,   Phase::kCheck, Phase::kOpen,     Phase::kSettle};
std::string_view name_of(Phase phase);  // "prepare", "close", "last rows", "switch", "start", "check", "open", "settle"
Result<Phase> phase_of(std::string_view name);
/// The three words of the screens: prepare, cutover, settle.
std::string_view part_of(Phase phase);

enum class StepKind {
  kEffect,  // a command at the target, through the shim; then verify looks
  kLook,    // verify alone, as often as patience says; changes nothing
  kAsk,     // a question to a person
  kRecord,  // an event in the journal and nothing else
};

enum class OnUnknown { kAsk, kRerun };

/// One thing for a driver to do, as data: docs/formats/plan.md.
struct Action {
  std::string driver;  // registry name: "releases", "systemd", "nginx-door", ...
  std::string verb;    // one of the driver's capabilities
  Json args = Json::object();
  bool operator==(const Action&) const = default;
};

/// How long a look is repeated before it counts as failed.
struct Patience {
  int attempts = 1;
  Millis every{1000};
  bool operator==(const Patience&) const = default;
};

struct Step {
  StepId id;
  Phase phase = Phase::kPrepare;
  StepKind kind = StepKind::kEffect;
  std::string title;               // "current -> releases/v2.3.1"; plain text, may name hosts
  std::vector<std::string> hosts;  // names from backout.yaml; empty: "local". One outcome per host
  std::vector<StepId> needs;       // steps that must have succeeded on all hosts first, beside the phase before
  Action action;
  std::optional<Action> undo;  // puts it back; run in reverse order by abort. None: nothing to undo
  bool repeatable = false;     // running it twice does the same as once
  bool has_probe = false;      // the driver's verify can tell done from not done
  OnUnknown on_unknown = OnUnknown::kAsk;
  Millis timeout{60'000};
  Patience patience;
  bool operator==(const Step&) const = default;
};

Json to_json(const Action& action);
Json to_json(const Step& step);
Result<Action> action_from_json(const Json& value);
Result<Step> step_from_json(const Json& value);

}  // namespace backout
