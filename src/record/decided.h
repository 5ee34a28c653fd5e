// What was decided of a release before it was left, and what people had said of it, as sentences for the report. From
// events alone.
#pragma once
#include <string>
#include <vector>

#include "model/event.h"

namespace backout::record {

/// Problem reports, facts that people stated, and verdicts that came between `version` beginning to serve and `start`,
/// the event that began the run; oldest first. Without a verdict: what people reported, if anything.
std::vector<std::string> decided_before(const std::vector<Event>& events, const Event& start, const Version& version);

}  // namespace backout::record
