// PlacesInTheWay: does a directory that a rollback empties or writes over (a leftover's, one of static files) hold
// something that a rollback needs? lint says it from the words of backout.yaml; here symbolic links are followed, on
// the host itself.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"

namespace backout::app {

/// Why the plan must be refused, one sentence each. `to`: what is gone back to. Changes nothing.
std::vector<std::string> refusals_of_places(const Workspace& workspace, const Version& to);

}  // namespace backout::app
