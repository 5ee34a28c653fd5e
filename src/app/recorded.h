// Recorded: which images a release is, where its version alone does not say so: a tag may be moved, and a cluster runs
// whatever it was told last.
#pragma once
#include "app/subject.h"

namespace backout::app {

/// What the newest run that brought `version` saw of the code when it looked whether it ran; else what the newest
/// checkpoint of it noted. In the shape of the driver's part of a checkpoint; an empty object when nothing is recorded,
/// and for code that says itself which release it is.
Result<Json> recorded_of(const Workspace& workspace, const Subject& subject, const Version& version);

}  // namespace backout::app
