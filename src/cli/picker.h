// Picker: a person chooses where to go back to, by number.
#pragma once
#include <string>

#include "app/site/workspace.h"

namespace backout::cli {

/// The version that was chosen; one that the journal did not know is recorded. kRefused, with the list, when nobody can
/// be asked.
Result<Version> picked(const app::Workspace& workspace);

}  // namespace backout::cli
