// Gather: reads the facts of a project and its host. It only looks: files, links, /proc and, when its daemon runs
// already, `pm2 jlist`. Nothing of the project is executed.
//
// Bounded in files, bytes and depth. What may not be read is named in Facts::unread, and is no error.
#pragma once
#include <string>

#include "base/result.h"
#include "init/facts.h"

namespace backout::init {

struct GatherSpec {
  std::string directory;  // of the project; a release's own directory leads to the one above releases/
  std::string root;       // put before /etc, /var, /proc and the like: for tests. Empty: this host
};
/// kNotFound when there is no such directory.
Result<Facts> gather(const GatherSpec& spec);

}  // namespace backout::init
