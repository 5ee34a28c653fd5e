// Workspace: everything a command acts with, opened once: the site, its journal, its hosts, the drivers.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "driver/driver.h"
#include "host/host.h"
#include "journal/journal.h"
#include "model/site.h"

namespace backout::app {

struct Where {
  std::string file;         // -f; empty: backout.yaml in `directory`
  std::string directory;    // -C; empty: the working directory
  std::string environment;  // -e
  std::string state;        // --state; empty: $BACKOUT_STATE, the file's `state:`, else the default for this user
};

class Workspace {
 public:
  static Result<std::unique_ptr<Workspace>> open(const Where& where);
  const Site& site() const { return site_; }
  journal::Journal& journal() const { return *journal_; }
  const driver::Registry& registry() const { return registry_; }
  /// By name; "local" is always among them.
  const std::map<std::string, host::Host*>& hosts() const { return by_name_; }
  const std::string& actor() const { return actor_; }
  /// Where checkpoints and runs of this site keep their files: below the state directory, mode 0700.
  std::string runs_directory() const;
  std::string checkpoints_directory() const;
  std::string watching_directory() const;

 private:
  Workspace() = default;
  Site site_;
  std::string actor_;
  std::unique_ptr<journal::Journal> journal_;
  driver::Registry registry_;
  std::vector<std::unique_ptr<host::Host>> hosts_;
  std::map<std::string, host::Host*> by_name_;
};

/// Who acts: $BACKOUT_ACTOR, else the user behind sudo, else the login name. A claim, not a proof.
std::string acting_person();
/// The configuration file that `where` means, absolute.
std::string file_of(const Where& where);
/// The state directory for `where` and what the file says.
Result<std::string> state_directory(const Where& where, const Site& site);
/// This program's own file, for the effects that run as `backout internal ...`.
std::string own_path();
/// Fills the registry: the one list of drivers (app/site/drivers.cc).
void add_drivers(driver::Registry& registry, const std::string& self);

}  // namespace backout::app
