#include "app/retention/retention.h"

#include <algorithm>
#include <map>
#include <set>

#include "app/history/runs.h"
#include "app/history/target.h"
#include "app/retention/kept_databases.h"
#include "app/retention/slots.h"
#include "base/text.h"
#include "os/file.h"

namespace backout::app {
namespace {

constexpr int kRunsWeighed = 1000;
constexpr int64_t kKeepReplaced = 7 * 24 * 3600 * 1000LL;  // ms

/// Directories and checkpoints that may not go, whatever their age.
struct Needed {
  std::set<std::string> checkpoints;  // ids
  std::set<std::string> runs;         // ids
  std::string overtaken;  // the newest run, when a later release is known-good: nobody goes its other way any more
};

void need(const Checkpoint* checkpoint, Needed& needed) {
  if (checkpoint == nullptr) return;
  needed.checkpoints.insert(checkpoint->id.str());
  for (const Json& part : checkpoint->parts)  // what lies in the directory of the run that kept it
    if (const std::string run = get_string(part, "run"); !run.empty()) needed.runs.insert(run);
  if (checkpoint->id.str().starts_with("K-")) needed.runs.insert(checkpoint->id.str().substr(2));
}

Result<Needed> needed(const Workspace& workspace, const std::vector<Checkpoint>& checkpoints,
                      const std::vector<journal::RunRow>& runs) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  Needed all;
  const auto keep = static_cast<size_t>(workspace.site().code ? std::max(workspace.site().code->keep, 1) : 1);
  for (const Version& version : TRY(good_versions(journal, site, keep)))
    need(checkpoint_for(checkpoints, version), all);
  const journal::Serving serving = TRY(journal.serving(site));
  if (serving.current) need(checkpoint_for(checkpoints, serving.current->version), all);
  const std::set<std::string> needed_back = all.runs;
  if (!checkpoints.empty()) need(&checkpoints.front(), all);
  bool newest = true;
  for (const journal::RunRow& run : runs) {
    const bool other_way = run.kind == RunKind::kRollback || run.kind == RunKind::kForward;
    if (!run.open() && !(other_way && newest)) continue;
    if (other_way && !run.open() && !needed_back.contains(run.id.str()) && serving.current &&
        serving.current->state == ReleaseState::kGood && serving.current->deployed_at > run.changed_at)
      all.overtaken = run.id.str();
    if (other_way) newest = false;
    all.runs.insert(run.id.str());
    if (other_way) need(checkpoint_for(checkpoints, run.from), all);
    if (const auto plan = TRY(journal.plan(site, run.plan))) all.checkpoints.insert(plan->contract.checkpoint.str());
  }
  return all;
}

/// When a file that is known by its hash was last attached to a note, on any site of the journal.
Result<std::map<std::string, WallTime>> attached(journal::Journal& journal) {
  std::map<std::string, WallTime> last;
  for (const SiteId& site : TRY(journal.sites()))
    for (const Event& event : TRY(journal.read(site)))
      if (const std::string hash = get_string(event.body, "sha256"); event.type == EventType::kNote && !hash.empty())
        last[hash] = std::max(last[hash], event.at);
  return last;
}

std::vector<std::string> names_in(const std::string& directory) {
  auto names = os::list_directory(directory);
  return names ? std::move(*names) : std::vector<std::string>();
}

/// Files below a path, at most two directories deep: as deep as steps put them.
void files_below(const std::string& path, int depth, std::vector<std::string>& files) {
  const auto names = os::list_directory(path);
  if (!names || depth == 0) {
    files.push_back(path);
    return;
  }
  for (const std::string& name : *names) files_below(path + "/" + name, depth - 1, files);
}

/// How long; zero: there are none.
Millis keeps_replaced(const Site& site) {
  if (!site.database || site.database->kind != "postgresql") return Millis(0);
  return Millis(get_int(site.database->args, "keep_replaced_ms", kKeepReplaced));
}

/// The database that a run replaced is the one that its swap noted.
bool is_of_run(const Workspace& workspace, const KeptDatabase& kept) {
  const std::string directory = workspace.runs_directory() + "/" + kept.run;
  for (const std::string& name : names_in(directory)) {
    if (!name.ends_with(".swap.json")) continue;
    const auto text = os::read_file(directory + "/" + name);
    const auto marker = text ? parse_json(*text) : Result<Json>(text.error());
    if (marker && get_int(*marker, "old_oid") == kept.oid) return true;
  }
  return false;
}

/// A server that does not answer is asked again the next time.
std::vector<Expired> databases_due(const Workspace& workspace, const std::vector<journal::RunRow>& runs,
                                   const Needed& stays) {
  std::vector<Expired> due;
  const auto kept = kept_databases(workspace);
  if (!kept) return due;
  const Millis span = keeps_replaced(workspace.site());
  for (const KeptDatabase& each : *kept)
    for (const journal::RunRow& run : runs) {
      const bool needed = stays.runs.contains(each.run) && each.run != stays.overtaken;
      if (run.id.str() != each.run || run.open() || needed || !is_of_run(workspace, each)) continue;
      if (system_clock().wall() - run.changed_at <= span) continue;
      due.push_back(
          {"the database " + each.name, "K-" + each.run,
           fmt::format("what {} replaced, {}, kept for {}", each.run,
                       bytes_for_people(static_cast<uint64_t>(std::max<int64_t>(each.size, 0))), for_people(span)),
           each.name});
    }
  return due;
}

/// Rows that were exported are rows that runs kept, wherever they lie; only what still is that export.
Result<std::vector<Expired>> exports_due(const Workspace& workspace) {
  std::vector<Expired> due;
  const Millis span = workspace.site().retention.rescue;
  if (span == Millis(0)) return due;
  for (const Event& event : TRY(workspace.journal().read(workspace.site().id))) {
    const std::string directory = get_string(event.body, "exported");
    if (event.type != EventType::kNote || directory.empty()) continue;
    if (system_clock().wall() - event.at <= span) continue;
    const auto sha256 = os::sha256_of_file(directory + "/manifest.json");
    if (sha256 && *sha256 == get_string(event.body, "manifest_sha256"))
      due.push_back({directory, "", "exported rows, kept for " + for_people(span)});
  }
  return due;
}

}  // namespace

Result<std::vector<Expired>> expired(const Workspace& workspace) {
  const RetentionConfig& keeps = workspace.site().retention;
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  const WallTime now = system_clock().wall();
  const auto over = [&](WallTime at, Millis span) { return span > Millis(0) && now - at > span; };
  std::vector<Expired> due;
  const bool on_server = workspace.site().database && workspace.site().database->kind == "postgresql";
  if (keeps.checkpoints == Millis(0) && keeps.rescue == Millis(0) && keeps.evidence == Millis(0) && !on_server)
    return due;
  const std::vector<Checkpoint> checkpoints = TRY(journal.checkpoints(site));
  const std::vector<journal::RunRow> runs = TRY(journal.runs(site, kRunsWeighed));
  for (DueSlot& slot : slots_due(workspace, checkpoints, runs))
    due.push_back({.directory = "the replication slot " + slot.name,
                   .checkpoint = "",
                   .says = std::move(slot.why),
                   .slot = slot.name});
  const Needed stays = TRY(needed(workspace, checkpoints, runs));

  for (const Checkpoint& checkpoint : checkpoints) {
    const std::string directory = workspace.checkpoints_directory() + "/" + checkpoint.id.str();
    if (!over(checkpoint.taken_at, keeps.checkpoints) || stays.checkpoints.contains(checkpoint.id.str())) continue;
    if (os::exists(directory))
      due.push_back({directory, checkpoint.id.str(),
                     fmt::format("checkpoint {} of {}, kept for {}", checkpoint.id, checkpoint.version,
                                 for_people(keeps.checkpoints))});
  }
  if (keeps_replaced(workspace.site()) > Millis(0))
    for (Expired& each : databases_due(workspace, runs, stays)) due.push_back(std::move(each));
  for (Expired& each : TRY(exports_due(workspace))) due.push_back(std::move(each));
  for (const journal::RunRow& run : runs) {
    const std::string directory = workspace.runs_directory() + "/" + run.id.str();
    if (run.open() || !over(run.changed_at, keeps.rescue) || stays.runs.contains(run.id.str())) continue;
    if (os::exists(directory) && !names_in(directory).empty())
      due.push_back({directory, "K-" + run.id.str(),
                     fmt::format("what {} kept of the database, kept for {}", run.id, for_people(keeps.rescue))});
  }
  const std::string evidence = journal.directory() + "/evidence";
  if (keeps.evidence == Millis(0) || names_in(evidence).empty()) return due;
  const auto last = TRY(attached(journal));
  for (const std::string& name : names_in(evidence))
    if (const auto found = last.find(name); found != last.end() && over(found->second, keeps.evidence))
      due.push_back({evidence + "/" + name, "",
                     fmt::format("evidence {}, kept for {}", name.substr(0, 12), for_people(keeps.evidence))});
  return due;
}

Result<void> expire(const Workspace& workspace, const Expired& what) {
  if (!what.database.empty()) {
    const Json body{
        {"path", what.directory}, {"sha256", ""}, {"checkpoint", what.checkpoint}, {"why", "retention: " + what.says}};
    TRY(workspace.journal().append(workspace.site().id, 0, {{EventType::kEvidenceDeleted, body}}));
    return drop_kept(workspace, what.database);
  }
  if (!what.slot.empty()) {
    const Json body{{"path", what.directory}, {"sha256", ""}, {"why", what.says}};
    TRY(workspace.journal().append(workspace.site().id, 0, {{EventType::kEvidenceDeleted, body}}));
    return drop_slot(workspace, what.slot);
  }
  std::vector<std::string> files;
  files_below(what.directory, 3, files);
  std::vector<journal::NewEvent> events;
  for (const std::string& file : files) {
    const auto hash = os::sha256_of_file(file);
    Json body = {{"path", file}, {"sha256", hash ? *hash : ""}, {"why", "retention: " + what.says}};
    if (!what.checkpoint.empty()) body["checkpoint"] = what.checkpoint;
    events.push_back({EventType::kEvidenceDeleted, std::move(body)});
  }
  if (files.empty() && !what.checkpoint.empty())
    events.push_back({EventType::kEvidenceDeleted,
                      {{"path", what.directory},
                       {"sha256", ""},
                       {"checkpoint", what.checkpoint},
                       {"why", "retention: " + what.says}}});
  if (!events.empty()) TRY(workspace.journal().append(workspace.site().id, 0, std::move(events)));
  return os::remove_tree(what.directory);
}

}  // namespace backout::app
