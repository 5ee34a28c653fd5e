// Self-deploy: what would bring the bad release back while nobody looks: a crontab line or a timer that pulls, an agent
// that fetches its playbook, a watcher of image tags, a loop around `git pull`. Found by looking on each host.
#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "host/host.h"
#include "model/finding.h"
#include "model/site.h"

namespace backout::app::ready {

/// One line that somebody else's machinery runs.
struct Candidate {
  std::string kind;    // cron | timer | process | container
  std::string where;   // the crontab, the unit, "a process in /srv/shop", the container's name
  std::string line;    // what it runs
  std::string script;  // what stands in the script that it names, of the lines that look like a deployment
  std::string pid{};
};

/// Pure. kCorrupt when cut short.
Result<std::vector<Candidate>> parse_candidates(std::string_view output);

/// What it does that puts code in place ("git pull"); none when nothing of it does.
std::optional<std::string> deploys_by(const std::string& text);

/// What the site's own files are called in such a line.
struct Marks {
  std::vector<std::string> paths;   // the code, its repository
  std::vector<std::string> parked;  // units and names that a rollback stops
  struct Pause {
    std::string name, match;  // of a crontab: its lines with `match` in them; empty: all that deploy
  };
  std::vector<Pause> paused;  // until their cause is resolved
};
Marks marks_of(const Site& site);

/// Pure. Red: it deploys this site and nothing parks it. A warning: it deploys, and which site cannot be seen.
/// Other sites' machinery is none of ours.
std::vector<Finding> judge_candidates(const std::vector<Candidate>& candidates, const Marks& marks);

std::vector<Finding> look_for_self_deploys(const Marks& marks, host::Host& host, std::stop_token stop);

}  // namespace backout::app::ready
