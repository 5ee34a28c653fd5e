// Vigil: one process that watches the release that serves: signals every second, and a verdict whenever what they say
// has changed in a way that matters. Who calls step() decides how often; nothing is lost between two processes.
#pragma once
#include <optional>
#include <stop_token>
#include <string>

#include "app/signals/following.h"
#include "app/watching/deciding.h"

namespace backout::app {

struct VigilRound {
  std::vector<Evidence> evidence;
  std::vector<std::string> remarks;
  bool news = false;               // some evidence is of another state than before
  std::optional<Decided> decided;  // when it was worth deciding
};

class Vigil {
 public:
  /// `asked`: who wants to know, for the record.
  static Result<Vigil> open(const Workspace& workspace, Millis span, std::string asked);

  bool no_signals() const { return following_.no_signals(); }
  /// `checked`: the newest look at the checks, or null. `all`: every signal, whatever its time.
  Result<VigilRound> step(bool all, const Checked* checked, const std::stop_token& stop);

  /// Whether backout may go back by itself now: the verdict says so and its class was opted in for, or nobody answered
  /// by the deadline and that was opted in for.
  bool may_act(WallTime now) const;
  bool just_decided() const { return just_decided_; }  // in the last step
  const std::optional<Decided>& last() const { return last_; }
  Json habits() const { return following_.habits(); }
  const Following& following() const { return following_; }

 private:
  Vigil(const Workspace& workspace, Following following, std::string asked)
      : workspace_(&workspace), following_(std::move(following)), asked_(std::move(asked)) {}
  bool worth_deciding(const Following::Round& round, const Checked* checked, const Json& said) const;
  Result<Json> said_by_people() const;

  const Workspace* workspace_;
  Following following_;
  std::string asked_;
  std::optional<Decided> last_;
  BootTime decided_at_{0};
  bool checks_failed_ = false, just_decided_ = false;
  Json said_;              // reports and facts of people, as of the last verdict
  bool standing_ = false;  // the last verdict, perhaps of another process, asks for something
  WallTime deadline_{};    // of the first verdict that had one and still holds
};

}  // namespace backout::app
