#include "model/step.h"

#include "model/names.h"

namespace backout {
namespace {

constexpr NameTable<Phase, 8> kPhaseNames{{{Phase::kPrepare, "prepare"},
                                           {Phase::kClose, "close"},
                                           {Phase::kLastRows, "last rows"},
                                           {Phase::kSwitch, "switch"},
                                           {Phase::kStart, "start"},
                                           {Phase::kCheck, "check"},
                                           {Phase::kOpen, "open"},
                                           {Phase::kSettle, "settle"}}};
constexpr NameTable<StepKind, 4> kKindNames{
    {{StepKind::kEffect, "effect"}, {StepKind::kLook, "look"}, {StepKind::kAsk, "ask"}, {StepKind::kRecord, "record"}}};
constexpr NameTable<OnUnknown, 2> kOnUnknownNames{{{OnUnknown::kAsk, "ask"}, {OnUnknown::kRerun, "rerun"}}};

}  // namespace

std::string_view name_of(Phase phase) { return name_in(kPhaseNames, phase); }
Result<Phase> phase_of(std::string_view name) { return value_in(kPhaseNames, name, "phase"); }

std::string_view part_of(Phase phase) {
  switch (phase) {
    case Phase::kPrepare: return "prepare";
    case Phase::kClose:
    case Phase::kLastRows:
    case Phase::kSwitch:
    case Phase::kStart:
    case Phase::kCheck:
    case Phase::kOpen: return "cutover";
    case Phase::kSettle: return "settle";
  }
  return "settle";
}

Json to_json(const Action& action) { return {{"driver", action.driver}, {"verb", action.verb}, {"args", action.args}}; }

Result<Action> action_from_json(const Json& value) {
  if (!value.is_object() || get_string(value, "driver").empty() || get_string(value, "verb").empty())
    return Error{Code::kCorrupt, "an action needs driver and verb", ""};
  return Action{get_string(value, "driver"), get_string(value, "verb"), get(value, "args")};
}

Json to_json(const Step& step) {
  Json value = {{"id", step.id.str()},
                {"phase", name_of(step.phase)},
                {"kind", name_in(kKindNames, step.kind)},
                {"title", step.title},
                {"hosts", step.hosts},
                {"action", to_json(step.action)},
                {"repeatable", step.repeatable},
                {"has_probe", step.has_probe},
                {"on_unknown", name_in(kOnUnknownNames, step.on_unknown)},
                {"timeout_ms", step.timeout.count()},
                {"attempts", step.patience.attempts},
                {"every_ms", step.patience.every.count()}};
  Json needs = Json::array();
  for (const StepId& need : step.needs) needs.push_back(need.str());
  value["needs"] = std::move(needs);
  if (step.undo) value["undo"] = to_json(*step.undo);
  return value;
}

Result<Step> step_from_json(const Json& value) {
  Step step;
  step.id = StepId(get_string(value, "id"));
  if (step.id.empty()) return Error{Code::kCorrupt, "a step needs an id", ""};
  step.phase = TRY(phase_of(get_string(value, "phase")));
  step.kind = TRY(value_in(kKindNames, get_string(value, "kind"), "kind of step"));
  step.title = get_string(value, "title");
  for (const Json& host : get(value, "hosts")) step.hosts.push_back(host.is_string() ? host.get<std::string>() : "");
  for (const Json& need : get(value, "needs")) step.needs.emplace_back(need.is_string() ? need.get<std::string>() : "");
  step.action = TRY(action_from_json(get(value, "action")));
  if (value.contains("undo")) step.undo = TRY(action_from_json(value["undo"]));
  step.repeatable = get_bool(value, "repeatable");
  step.has_probe = get_bool(value, "has_probe");
  step.on_unknown = TRY(value_in(kOnUnknownNames, get_string(value, "on_unknown", "ask"), "on_unknown"));
  step.timeout = Millis(get_int(value, "timeout_ms", 60'000));
  step.patience = {static_cast<int>(get_int(value, "attempts", 1)), Millis(get_int(value, "every_ms", 1000))};
  return step;
}

}  // namespace backout
