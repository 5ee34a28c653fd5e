// Deciding: everything that is known of the release that serves, handed to the pure judgement of src/decide. What was
// decided is an event with all its inputs, so that it can be decided again.
#pragma once
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/planning/way_back.h"
#include "app/signals/following.h"
#include "app/site/workspace.h"
#include "app/watching/checking.h"
#include "model/verdict.h"

namespace backout::app {

struct DecideRequest {
  std::map<std::string, std::string> facts;  // a person's answers, kept while this release serves
  std::string asked = "decide";              // decide | watch | tick | deploy: who wants to know
};

struct Decided {
  Decision decision;
  std::optional<Plan> plan;          // of going back, when there is one
  std::vector<std::string> refused;  // answers that are none
  std::vector<std::string> remarks;
};

/// Looks at checks, signals and the way back once, and decides. Recorded when it is another verdict than the last one
/// of this release, or a person asked with new facts. kInvalid: a fact that does not exist.
Result<Decided> decide_now(const Workspace& workspace, const DecideRequest& request, const std::stop_token& stop);

/// The same with what a watch has just seen. `checked` null: checks were not looked at.
Result<Decided> decide_on(const Workspace& workspace, const DecideRequest& request, const Following& following,
                          const std::vector<Evidence>& evidence, const Checked* checked);

/// What one recorded verdict would be today.
struct Replayed {
  SiteId site;
  int64_t seq = 0;
  WallTime at{};
  std::string then;  // the verdict that was given
  Decision now;      // from the same inputs
};
/// Every verdict of a journal (its directory, or its file), of an export of one, or of this site's own (`file` empty),
/// decided again from its recorded inputs by the policies of this site. Nothing is recorded.
Result<std::vector<Replayed>> replay(const Workspace& workspace, const std::string& file);

}  // namespace backout::app
