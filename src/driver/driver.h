// The driver contract: how one kind of thing (a symlink, a unit, a door, a database file) is looked at and acted on.
//
// A driver has no state and no effects of its own. It turns data into commands: `command` says what to run for an
// action, the executor runs it at the target through the shim, and `verify` looks whether it is so. That makes every
// driver killable at any instant by construction; docs/design/drivers.md says why apply(step) became command(action).
// All functions are thread-safe and may be called on any host.
#pragma once
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "driver/readiness.h"
#include "host/host.h"
#include "model/outcome.h"
#include "model/plan.h"
#include "model/step.h"

namespace backout::driver {

struct Verb {
  std::string name;  // "switch"
  StepKind kind;     // effect: command + verify; look: verify alone; ask: neither, the executor asks args["question"]
  bool repeatable;   // running the command twice does the same as once
  bool has_probe;    // verify can tell done from not done (never CannotTell on a reachable host)
};

/// What a driver is asked to offer steps for. Everything it may use is here: offers are pure.
struct Offering {
  // kCheckpoint: only what a checkpoint needs. kDeploy: that, and the looks (phases check and settle) that say whether
  // `to` serves; `to` need not be there yet, and nothing may be done to the site.
  RunKind kind = RunKind::kRollback;
  SiteId site;
  Version from, to;                  // what runs, what shall run; `to` is empty for a checkpoint
  Json subject;                      // the driver's part of the configuration, as it documents
  std::vector<std::string> hosts;    // where the subject lives; never empty
  std::map<std::string, Json> seen;  // what observe() returned, by host
  // This driver's part of the checkpoint that brings `to` back; empty object if none. Of looks at a release that should
  // be running (kDeploy, nothing seen): what was recorded of `to`, in the same shape, where app/history/recorded.h
  // knows it. A look that has neither that nor a name by which the thing itself tells the release cannot tell.
  Json saved = Json::object();
  std::string run_directory;  // for what this run keeps on the controller: absolute, made by the app, mode 0700
  std::string public_url;     // of the site; may be empty
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual std::string_view name() const = 0;
  virtual std::vector<Verb> capabilities() const = 0;

  /// The member of a checkpoint's part, and of what its look in the check phase leaves as evidence, by which this
  /// driver knows which release runs where a version alone does not say it: images have digests, and tags are moved.
  /// Empty: it needs none.
  virtual std::string_view release_evidence() const { return {}; }

  /// The steps that this subject needs in such a run, with phases, undo and probe said; `needs` only among its own
  /// steps. Step ids: "<verb>-<subject>", lowercase, [a-z0-9.-], unique in the site. Pure. kRefused / kNotFound with
  /// what to do next when there is no way (the release directory is gone and no source is configured).
  virtual Result<std::vector<Step>> offer(const Offering& offering) const = 0;

  /// Looks at the target: what is there now. `subject` is the driver's part of the configuration, as it documents.
  virtual Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const = 0;

  /// The command that does `action` on `host`. Pure but for reading nothing more than the action. kInvalid on bad
  /// arguments. When the command prints one JSON object as its last line of output, that becomes evidence of the
  /// outcome.
  virtual Result<host::Command> command(const Action& action, const host::Host& host) const = 0;

  /// Looks whether `action` is done on `host`. Called after its command, and again after any doubt. Evidence
  /// "left_behind" of an effect: sentences for the last words and the report, until the run puts everything back.
  virtual Sight verify(const Action& action, host::Host& host, std::stop_token stop) const = 0;

  /// What a run of `offering` (seen and saved filled in as for a plan) takes away or puts aside that others made:
  /// sentences for the plan, with what was read there made harmless. "- " begins an item of the sentence before. Looks
  /// only.
  virtual Result<std::vector<std::string>> takes_away(const Offering&, host::Host&, std::stop_token) const {
    return std::vector<std::string>();
  }

  /// What the way back of `offering` (kRollback, seen and saved filled in as for a plan) will need of `host`, and what
  /// a look of the driver's own found amiss there. Changes nothing. The steps' own commands, users and secrets are
  /// looked at without being named here; so is every look of the prepare phase.
  virtual Readiness ready(const Offering&, host::Host&, Depth, std::stop_token) const { return {}; }
};

/// Every driver of this build, in one visible list (app/site/drivers.cc fills it). Immutable after start.
class Registry {
 public:
  void add(std::unique_ptr<Driver> driver);
  /// kUnsupported, with the nearest name, when there is none.
  Result<const Driver*> find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, std::unique_ptr<Driver>, std::less<>> drivers_;
};

}  // namespace backout::driver
