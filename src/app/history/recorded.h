// Recorded: what runs have noted of a release where its version alone does not say it: which images it is, for a tag
// may be moved; which files went with it.
#pragma once
#include "app/site/subject.h"

namespace backout::app {

/// What the newest run that brought `version` saw of the code when it looked whether it ran; else what the newest
/// checkpoint of it noted, or `record` if that was later. In the shape of the driver's part of a checkpoint; an empty
/// object when nothing is recorded, and for code that says itself which release it is.
Result<Json> recorded_of(const Workspace& workspace, const Subject& subject, const Version& version);

/// For `record`: what the containers of each host run now, if that is `version` as far as their tags say. Empty for
/// code of another kind. Waits a few seconds for those that were started just now; an error says what is not so.
Result<Json> seen_to_run(const Workspace& workspace, const Version& version);

/// What the newest rollback that left `version` kept of it as it was found: files, images. As a checkpoint's part;
/// empty: none left it, or its driver keeps nothing.
Result<Json> kept_when_left(const Workspace& workspace, const Subject& subject, const Version& version);

}  // namespace backout::app
