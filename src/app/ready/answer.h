// Answer: can this site go back, and to what? From everything that was seen. Pure values; docs/formats/ready.md.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/finding.h"
#include "model/plan.h"
#include "model/release.h"

namespace backout::app {

struct ReadyAnswer {
  SiteId site;
  WallTime at{};
  Millis took{0};
  bool proved = false;  // --prove: the slow looks were taken, too
  std::optional<Release> current, target;
  std::optional<Checkpoint> checkpoint;  // that brings the target back
  std::optional<Plan> plan;              // as it would be made now
  std::vector<std::string> not_built;  // "people: nobody is called": what backout.yaml says and this version cannot do
  std::vector<Finding> findings;       // red ones first, then warnings

  bool ready() const;  // nothing is red
  std::vector<const Finding*> of(Severity severity) const;
  /// "can go back to v1", "cannot go back to v1: 2 things are in the way"
  std::string says() const;
};

/// Red before warnings before the rest, each in the order in which they were seen; one of each kind, host and subject.
void put_in_order(std::vector<Finding>& findings);

/// Whether the times of `plan` were measured by earlier runs; what to say of them.
bool measured(const Forecast& forecast);

/// The backup of the checkpoint, as the finding of its driver has it; null when there is none.
const Finding* backup_of(const ReadyAnswer& answer);

/// docs/formats/ready.md
Json to_json(const ReadyAnswer& answer);

/// The body of its event; and whether it says something else than the last one, or that is a day old.
Json event_of(const ReadyAnswer& answer);
bool is_news(const Json& last, const Json& now, WallTime at);

}  // namespace backout::app
