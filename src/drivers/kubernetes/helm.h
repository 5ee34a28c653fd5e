// Helm: a release of a chart taken back by `helm rollback`. Its history is read, never guessed: a rollback makes a new
// revision whose description says which one it was made from.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "drivers/kubernetes/kubectl.h"
#include "model/outcome.h"

namespace backout::drivers::kubernetes {

struct Helm {
  std::string release;  // empty: the site is not a Helm release
  std::string program = "helm";
};
/// args["helm"] and args["helm_program"]. kInvalid.
Result<Helm> helm_of(const Json& args);

struct HelmRevision {
  int64_t number = 0;
  std::string status;  // "deployed", "superseded", "failed", "pending-upgrade", ...
  std::string chart, app_version, description;
  std::optional<WallTime> updated = {};  // when helm began it
  bool pending() const { return status.starts_with("pending-"); }
};
/// The output of `helm history -o json`, oldest first. kCorrupt. Pure.
Result<std::vector<HelmRevision>> parse_history(const std::string& text);
/// The newest deployed one; none when none is.
const HelmRevision* deployed_in(const std::vector<HelmRevision>& history);
/// The revision whose content `number` has: "Rollback to 2" is 2's.
int64_t origin_of(const std::vector<HelmRevision>& history, int64_t number);
/// Why `history` is not at the content of `number`; empty: it is.
std::string lack_in(const std::vector<HelmRevision>& history, int64_t number);

/// The newest revision as a plan keeps it: {revision, status, pending?: true, age_ms?, words?}. Null: there is none.
Json newest_in(const std::vector<HelmRevision>& history, WallTime now);
/// What somebody's helm that may be at work would say: a helm that was killed leaves its revision pending for ever, and
/// one that works does so, too, so a pending one is taken for at work for as long as helm's own time limit and that
/// again; one that does not say when it began, always. Empty: none may be. Pure, of newest_in().
std::string at_work_in(const Json& newest);

/// A helm of ours that was begun: it makes the revision after `newest`, with the content of `to`.
struct Begun {
  int64_t newest = 0, to = 0;
};
/// [{newest, to}], as kept in the run's directory. kCorrupt.
Result<std::vector<Begun>> begun_from(const std::string& text);
std::string to_text(const std::vector<Begun>& begun);
/// What of `history` is neither as the plan saw it (`planned`: newest_in()) nor of a helm of ours: "revision 4
/// (pending-upgrade: Preparing upgrade)". Empty: nothing.
std::string by_others_in(const std::vector<HelmRevision>& history, const Json& planned,
                         const std::vector<Begun>& begun);

/// What helm's standard error means. Pure; codes as trouble_of.
Error helm_trouble_of(std::string_view err, const Helm& helm, const Cluster& cluster);

/// What to do about a revision that stays pending.
std::string helm_way_out(const Helm& helm, const std::string& kube_namespace);

std::vector<std::string> helm_words(const Helm& helm, const Cluster& cluster, std::vector<std::string> words);
Result<std::vector<HelmRevision>> helm_history(const Ask& ask, const Helm& helm, const Cluster& cluster);

}  // namespace backout::drivers::kubernetes
