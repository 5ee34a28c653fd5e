#include "plan/forecast.h"

#include <algorithm>

#include "base/text.h"

namespace backout::plan {
namespace {

Millis usual(StepKind kind) {
  switch (kind) {
    case StepKind::kEffect: return Millis(2000);
    case StepKind::kLook: return Millis(1000);
    case StepKind::kAsk: return Millis(60'000);
    case StepKind::kRecord: return Millis(0);
  }
  return Millis(0);
}

Millis median(std::vector<Millis> spans) {
  const auto middle = spans.begin() + static_cast<std::ptrdiff_t>(spans.size() / 2);
  std::nth_element(spans.begin(), middle, spans.end());
  return *middle;
}

}  // namespace

bool users_stay(const Step& step) { return get_bool(step.action.args, "users_stay"); }

Forecast forecast(const std::vector<Step>& steps, const Durations& earlier) {
  Forecast result;
  size_t known = 0, runs = 0;
  std::map<StepId, Millis> ends;
  Millis phase_start{0}, latest{0}, closed{0}, opened{0};
  bool closes = false;
  for (const Phase phase : kPhases) {
    phase_start = latest;
    if (phase == Phase::kClose) closed = phase_start;
    for (const Step& step : steps) {
      if (step.phase != phase) continue;
      if (phase == Phase::kClose && !users_stay(step)) closes = true;
      const auto before = earlier.find(step.id.str());
      const bool measured = before != earlier.end() && !before->second.empty();
      const Millis span = measured ? median(before->second) : usual(step.kind);
      if (measured) ++known, runs = std::max(runs, before->second.size());
      Millis start = phase_start;
      for (const StepId& need : step.needs) start = std::max(start, ends[need]);
      ends[step.id] = start + span;
      latest = std::max(latest, start + span);
      result.per_step[step.id.str()] = span;
    }
    if (phase == Phase::kOpen) opened = latest;
  }
  result.total = latest;
  result.outage = closes ? opened - closed : Millis(0);
  result.source = known == 0 ? "no earlier run on this site: a guess"
                             : counted(static_cast<int64_t>(runs), "earlier run") +
                                   (known < steps.size() ? ", a guess where a step is new" : "");
  return result;
}

}  // namespace backout::plan
