// Context: what a run acts with. The app owns everything here for the length of a run.
#pragma once
#include <map>
#include <string>

#include "base/clock.h"
#include "driver/driver.h"
#include "host/host.h"
#include "journal/journal.h"
#include "run/progress.h"

namespace backout::run {

struct Context {
  journal::Journal& journal;
  const driver::Registry& registry;
  const std::map<std::string, host::Host*>& hosts;  // by name; steps without hosts run on "local"
  Clock& clock;
  Progress& progress;
  Asker& asker;
  SiteId site;
  RunId run;
  std::string runs_directory;  // "{runs}" in arguments
  int jobs = 4;                // (step, host) pairs at once
};

}  // namespace backout::run
