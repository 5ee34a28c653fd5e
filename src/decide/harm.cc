#include "decide/harm.h"

#include <algorithm>

namespace backout::decide {
namespace {

constexpr double kCloseMargin = 1.5;

double seconds(Millis span) { return static_cast<double>(span.count()) / 1000; }

}  // namespace

Harms harms_of(const HarmInput& input, const Facts& facts, const Costs& costs) {
  Harms harms;
  const double bad = input.bad_per_second;
  const double approval = input.asked_first ? seconds(costs.approval) : 0;
  const double lost = facts.value(FactId::kRowsLost).value_or(0) * costs.lost_rows_weigh;
  const double hotfix = facts.value(FactId::kHotfix).value_or(kNever);

  const double roll_back = bad * (approval + seconds(costs.roll_back)) +
                           costs.roll_back_fails * bad * seconds(costs.hotfix_if_failed) + lost;
  const double flag = bad * seconds(costs.flag_off) + (1 - costs.flag_works) * roll_back;
  const double forward = bad * hotfix / 1000 * costs.hotfix_overrun / costs.hotfix_works;
  const double monitor = bad * costs.growth * seconds(costs.horizon);

  const auto set = [&](Remedy remedy, bool there, double failed, double span) {
    Harm& harm = harms.all[static_cast<size_t>(remedy)];
    harm.there = there;
    harm.millis = span * 1000;
    if (there && bad > 0) harm.failed = failed;
  };
  set(Remedy::kFlagOff, facts.yes(FactId::kFlag), flag, seconds(costs.flag_off));
  set(Remedy::kRollBack, input.can_go_back, roll_back, approval + seconds(costs.roll_back));
  set(Remedy::kFixForward, hotfix < kNever, forward, hotfix / 1000 * costs.hotfix_overrun);
  set(Remedy::kMonitor, true, monitor, seconds(costs.horizon));
  if (bad <= 0) return harms;

  harms.break_even = 1000 * costs.hotfix_works / costs.hotfix_overrun * (roll_back / bad);
  double least = -1, second = -1;
  for (const Remedy remedy : {Remedy::kFlagOff, Remedy::kRollBack, Remedy::kFixForward}) {
    if (!harms[remedy].there) continue;
    const double failed = *harms[remedy].failed;
    if (least < 0 || failed < least) {
      second = least;
      least = failed;
      harms.best = remedy;
    } else if (second < 0 || failed < second) {
      second = failed;
    }
  }
  harms.close = second >= 0 && second < kCloseMargin * std::max(least, 1e-9);
  return harms;
}

}  // namespace backout::decide
