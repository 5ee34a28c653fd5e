// What there is to say of a release in a list: state, times, CI, bake time. Pure.
#pragma once
#include <string>

#include "app/history/candidates.h"
#include "model/release.h"

namespace backout::cli {

/// "known-good for 6 days, deployed 12 Nov, CI passed, backup verified".
std::string words_of(const app::Candidate& candidate, WallTime now);

/// What follows a release in `releases`: CI, how it bakes, whether it may be deployed again. Empty: nothing.
std::vector<std::string> notes_on(const Release& release, Millis bake);

}  // namespace backout::cli
