// Releasing: a person's word about releases: what runs, what is good, what is bad; and notes. Each is one append.
#pragma once
#include <string>

#include "app/site/workspace.h"

namespace backout::app {

/// Version names go into paths and git arguments: [A-Za-z0-9._+-], at most 128, not starting with '-' or '.'.
Result<Version> checked_version(const std::string& text);

/// What runs now, for a site that was deployed without backout. New release, current, watching. Which images its
/// containers run is noted, where they run it; its `why` says where they do not.
Result<Release> record_release(const Workspace& workspace, const Version& version, const std::string& commit);

/// Marks the newest release of `version` (empty: the current one).
Result<Release> mark_release(const Workspace& workspace, const Version& version, ReleaseState state,
                             const std::string& why);

/// A note on the newest incident, or on the site when there is none. `file`: evidence, copied beside the journal under
/// its hash.
/// `section` not empty: it is that section of the report (record/people.h).
Result<RunId> add_note(const Workspace& workspace, const std::string& text, const std::string& file,
                       const std::string& section = "");

}  // namespace backout::app
