// Target: which release to go back to, and which checkpoint brings it back. From the journal's read models, newest
// first and no further than needed: thousands of older releases cost nothing.
#pragma once
#include <optional>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "model/plan.h"
#include "model/release.h"
#include "run/state.h"

namespace backout::app {

/// What the site serves as far as the journal knows. kNotFound when it has never been told.
Result<Release> current_release(journal::Journal& journal, const SiteId& site);

/// Whether its deploy command came to its end, as far as its state says: what it built is whole.
bool came_whole(const Release& release);

/// The newest known-good release of another version than `current`. What was said last of a version counts.
Result<std::optional<Release>> last_known_good(journal::Journal& journal, const SiteId& site, const Version& current);

/// The newest versions whose last word is known-good, at most `limit`.
Result<std::vector<Version>> good_versions(journal::Journal& journal, const SiteId& site, size_t limit);

/// `asked` empty: back: last_known_good(); forward: the release that the newest rollback left. A release marked bad is
/// refused as a target for going back, and so is the current one.
Result<Release> target_release(journal::Journal& journal, const SiteId& site, const Release& current,
                               const Version& asked, RunKind kind);

/// Whether what was asked for is what runs already, because the newest run brought it there and was closed without the
/// door having been opened: then going there again finishes it. `newest`: with its state.
bool finishes(RunKind kind, const Version& asked, const Release& current, const journal::RunRow& newest,
              const run::RunState& state);

/// The newest checkpoint taken while `version` ran; none if there is none.
const Checkpoint* checkpoint_for(const std::vector<Checkpoint>& checkpoints, const Version& version);

}  // namespace backout::app
