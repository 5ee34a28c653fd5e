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
};
/// The output of `helm history -o json`, oldest first. kCorrupt. Pure.
Result<std::vector<HelmRevision>> parse_history(const std::string& text);
/// The newest deployed one; none when none is.
const HelmRevision* deployed_in(const std::vector<HelmRevision>& history);
/// The revision whose content `number` has: "Rollback to 2" is 2's.
int64_t origin_of(const std::vector<HelmRevision>& history, int64_t number);
/// Why `history` is not at the content of `number`; empty: it is.
std::string lack_in(const std::vector<HelmRevision>& history, int64_t number);

/// What helm's standard error means. Pure; codes as trouble_of.
Error helm_trouble_of(std::string_view err, const Helm& helm, const Cluster& cluster);

std::vector<std::string> helm_words(const Helm& helm, const Cluster& cluster, std::vector<std::string> words);
Result<std::vector<HelmRevision>> helm_history(const Ask& ask, const Helm& helm, const Cluster& cluster);

}  // namespace backout::drivers::kubernetes
