// Readiness: what a driver says, long before, about a way back. Values; see Driver::ready.
//
// A need is looked at by the app, for all drivers of a host and for each user in one go, so that `backout ready` costs
// a few processes and not one for each need. What only the driver itself can look at becomes a finding
// (model/finding.h).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/finding.h"

namespace backout::driver {

struct Need {
  enum class Kind {
    kTool,      // what: a program, by its name on PATH or its absolute path
    kReadable,  // what: an absolute path that `user` can read
    kWritable,  // what: a directory in which `user` can make files, or a file that he can write, or make
    kRoom,      // what: a directory (or what will be one) whose file system has room for `bytes` and `files` more
  };
  Kind kind;
  std::string what;
  std::string why;   // what it is needed for: "to build v2.3.1"
  std::string user;  // who needs it; empty: as we are. That he can be used at all is looked at, too
  uint64_t bytes = 0, files = 0;
};

/// kQuick: at most some tenths of a second, for a timer. kProve: the slow ones as well (a restore, every file hashed).
enum class Depth { kQuick, kProve };

struct Readiness {
  std::vector<Need> needs;
  std::vector<Finding> findings;  // without host and about: the caller knows both
};

}  // namespace backout::driver
