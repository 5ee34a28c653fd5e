// Checking: look now whether a version serves: processes, code, checks. Changes nothing on the site.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "app/site/workspace.h"
#include "model/outcome.h"
#include "run/progress.h"

namespace backout::app {

struct Look {
  std::string step, host, title;
  bool manual = false;  // a question to a person that was not asked
  Sight sight;
};

struct Checked {
  Version version;
  std::vector<Look> looks;
  bool all_hold() const;
  /// Nothing was there to look at: never a success.
  bool blind() const;
  /// By host: the version that an answer reported there, where one did.
  std::map<std::string, std::string> versions() const;
};

/// `version` empty: the current release. `once`: no patience, each look is taken once (for watching).
/// `seen` is called after each look. `asker`: questions to people are asked, and who answered is recorded; without one
/// they are left out.
Result<Checked> check_now(const Workspace& workspace, const Version& version, bool once,
                          const std::function<void(const Look&)>& seen, run::Asker* asker = nullptr);

}  // namespace backout::app
