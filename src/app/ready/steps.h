// What the steps of the way back say by themselves: their commands can be made (secrets are there), their programs
// exist, their users can be used, what they look at in prepare holds. Nothing of it is run.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/site/subject.h"
#include "app/site/workspace.h"
#include "driver/readiness.h"

namespace backout::app::ready {

struct StepsSeen {
  std::map<std::string, std::vector<driver::Need>> needs;  // by host
  std::vector<Finding> findings;
};

/// `hosts`: those that answer; the others are told of elsewhere.
StepsSeen look_at_steps(const Workspace& workspace, const Plan& plan, const std::set<std::string>& hosts,
                        std::stop_token stop);

/// What the log level, the figures of a watch and the team's own backup commands need: no step of a rollback, but what
/// goes on beside one. By host.
std::map<std::string, std::vector<driver::Need>> needs_beside(const Site& site);

/// Every secret that a part of the site names: is there a value at its place? Values are forgotten at once.
std::vector<Finding> look_at_secrets(const std::vector<Subject>& subjects);

}  // namespace backout::app::ready
