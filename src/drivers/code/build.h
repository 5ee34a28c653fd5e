// Build commands of the user, composed into one script: it runs them in order in one directory and writes a marker when
// the last one is done, so that a killed build is told from a finished one. Pure.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "host/host.h"

namespace backout::drivers {

struct Build {
  std::vector<std::string> lines;              // one shell line each: cd, environment, exec
  std::map<std::string, std::string> env;      // carries values, which never stand in a line
  std::map<std::string, std::string> secrets;  // the same, by their places
  Millis timeout{0};                           // of all together
  std::string digest;                          // names exactly these commands; in the marker
  bool empty() const { return lines.empty(); }
};

/// `commands`: a list of UserCommand as JSON; relative `cwd` lies in the directory that is built. `user` is for
/// commands that name none. kInvalid; kUnsupported when two commands want different users.
Result<Build> build_of(const Json& commands, const std::string& user);

}  // namespace backout::drivers
