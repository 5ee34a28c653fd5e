// Subject: one part of the site that a driver looks after, with where it lives.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "app/site/workspace.h"
#include "plan/compose.h"

namespace backout::app {

struct Subject {
  plan::Part part = plan::Part::kCommand;
  std::string driver;
  std::string name;                // for messages: "shop-web"
  Json config;                     // Offering::subject
  std::vector<std::string> hosts;  // never empty
  Patience patience;               // checks only
  bool in_front = false;           // a check asked in front of the door, after open
};

/// Every part of the site, services in drain order. Checks given as a path appear once per host.
std::vector<Subject> subjects_of(const Site& site);

/// What observe() returned for a subject, by host. An unreachable host is an error.
using Seen = std::map<std::string, Json>;
Result<Seen> observe(const Workspace& workspace, const Subject& subject);

/// The steps its driver offers. kUnsupported when this version has no such driver.
struct Journey {
  RunKind kind = RunKind::kRollback;
  Version from, to;
  const Checkpoint* checkpoint = nullptr;        // that brings `to` back
  std::vector<std::string> keep_versions;        // known-good: never cleaned up by a run
  std::string keep_in;                           // directory for what the run keeps; may hold "{runs}" and "{run}"
  std::string from_commit = {}, to_commit = {};  // as recorded; empty: not known
  const Checkpoint* noted = nullptr;           // what was seen while a good release ran, for looks that restore nothing
  std::vector<std::string> bad_versions = {};  // marked bad: none of them may get traffic
  bool from_whole = false;                     // `from` came to the end of its deploy: what was built for it is whole
  Json recorded = Json::object();              // of looks at what runs: which images `to` is (app/history/recorded.h)
};
driver::Offering offering_for(const Workspace& workspace, const Subject& subject, const Journey& journey,
                              const Seen& seen);
Result<std::vector<Step>> offers(const Workspace& workspace, const Subject& subject, const Journey& journey,
                                 const Seen& seen);

/// A look or a question that says whether what is behind the door, or in front of it, serves.
bool is_look(const Step& step);

/// This subject's part of a checkpoint: the evidence its steps left, merged; what a driver calls its "part" lies on
/// top.
Json saved_part(const Checkpoint& checkpoint, const Subject& subject);

}  // namespace backout::app
