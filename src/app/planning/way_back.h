// Way back: what is known, right now, of going back from the release that serves: to what, whether it can work, what it
// costs. From the journal and from a plan that is drawn up and thrown away. Changes nothing.
#pragma once
#include <optional>
#include <string>

#include "app/signals/following.h"
#include "app/site/workspace.h"
#include "decide/assess.h"
#include "decide/evaluate.h"
#include "model/plan.h"

namespace backout::app {

struct WayBackSeen {
  decide::WayBack way_back;
  decide::Costs costs;
  std::optional<Plan> plan;  // nothing: there is no way
  std::string why_not;       // then
};
/// `newcomer`: what serves. Takes as long as `backout plan`.
Result<WayBackSeen> look_at_way_back(const Workspace& workspace, const Newcomer& newcomer);

}  // namespace backout::app
