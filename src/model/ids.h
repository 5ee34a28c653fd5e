// The ids of the domain. See base/ids.h.
#pragma once
#include "base/ids.h"

namespace backout {

using SiteId = StrongId<struct SiteTag>;              // "shop/production"
using Version = StrongId<struct VersionTag>;          // "v2.3.1", as the team names it
using ReleaseId = StrongId<struct ReleaseTag>;        // "R-12": one deployment of a version on a site
using CheckpointId = StrongId<struct CheckpointTag>;  // "C-12"
using PlanId = StrongId<struct PlanTag>;              // first 8 hex digits of the contract's hash
using StepId = StrongId<struct StepTag>;              // "switch-code": unique in its plan, stable between plans
using RunId = StrongId<struct RunTag>;                // "RUN-0012"
using IncidentId = StrongId<struct IncidentTag>;      // "INC-2026-0007"

}  // namespace backout
