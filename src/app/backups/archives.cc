#include "app/backups/archives.h"

#include "app/backups/archive_loader.h"
#include "app/backups/backup_test_restore.h"
#include "base/text.h"
#include "database/archive/choose.h"

namespace backout::app {
namespace {

/// When the time of `to` began. The first release that the journal knows may have been there for years before it was
/// recorded: nothing.
Result<std::optional<WallTime>> began(const Workspace& workspace, const Release& to) {
  std::optional<WallTime> since;
  for (const Release& release : TRY(workspace.journal().releases(workspace.site().id)))
    if (release.version != to.version && release.deployed_at < to.deployed_at) since = to.deployed_at;
  return since;
}

/// What a plan says of the file: the run loads exactly this one.
Json archive_of(const Backup& backup) {
  return {{"path", backup.found.path}, {"name", backup.found.name}, {"sha256", backup.sha256}, {"kind", backup.kind}};
}

/// What is known already is not said again: `ready` asks often.
void record(const Workspace& workspace, const Backup& backup) {
  const auto known = workspace.journal().backups(workspace.site().id);
  if (known)
    for (const Json& document : *known)
      if (get_string(document, "path") == backup.found.path &&
          get_string(document, "identity") == backup.found.identity &&
          get_string(document, "result") == backup.result && get_string(document, "how") == backup.how)
        return;
  (void)workspace.journal().append(workspace.site().id, 0, {{EventType::kBackupTested, body_of(backup)}});
}

/// What a backup that is no checkpoint leaves open.
std::vector<std::string> caveats(const Tested& tested, bool time_known, const Release& to) {
  std::vector<std::string> notes;
  notes.push_back(
      "counted and carried over is whatever differs from that backup, also what was written before the "
      "release came that is left: what users wrote and what a migration wrote cannot be told apart");
  if (!time_known)
    notes.push_back(to.version.str() + " was recorded at " + to_iso(to.deployed_at) +
                    ", and nothing before it is known: that it ran already when the backup was taken is assumed");
  if (!tested.backup.found.when.doubt.empty()) notes.push_back(tested.backup.found.when.doubt);
  notes.insert(notes.end(), tested.loaded->caveats.begin(), tested.loaded->caveats.end());
  return notes;
}

}  // namespace

StandIn::~StandIn() { remove_files(files); }

Result<std::unique_ptr<StandIn>> stand_in(const Workspace& workspace, const Subject& subject, const Release& from,
                                          const Release& to, const Checkpoint* checkpoint) {
  const Json known = checkpoint == nullptr ? Json::object() : saved_part(*checkpoint, subject);
  const std::unique_ptr<ArchiveLoader> loader = archive_loader(workspace);
  const std::optional<WallTime> since = TRY(began(workspace, to));
  std::vector<archive::Found> all;
  for (Backup& backup : TRY(look_at_backups(workspace, Depth::kListed))) all.push_back(std::move(backup.found));
  Tested tested;
  const archive::Chosen chosen =
      archive::choose(all, from.deployed_at, [&](const archive::Found& found) -> std::string {
        if (since && found.when.at < *since)
          return "taken before " + to.version.str() + " came, at " + to_iso(*since) + ": of an older release";
        tested = test_backup(workspace, found, true, {});
        record(workspace, tested.backup);
        if (!tested.backup.good()) return tested.backup.why.empty() ? "it could not be tested" : tested.backup.why;
        std::string fault = loader->against_schema(known, *tested.loaded);
        if (!fault.empty()) remove_files(tested.loaded->files);
        return fault;
      });
  auto made = std::make_unique<StandIn>();
  for (const archive::Skipped& skipped : chosen.skipped)
    made->notes.push_back("passed over: " + one_line(skipped.name) + ": " + one_line(skipped.why));
  if (!chosen.index) {
    std::string why = all.empty() ? "there is no backup in " + workspace.site().database->backups->dir
                                  : "no backup will do: " + join(made->notes, "; ");
    return Error{Code::kNotFound, std::move(why), "look: backout backups check"};
  }
  made->files = tested.loaded->files;
  for (std::string& note : caveats(tested, since.has_value(), to)) made->notes.push_back(std::move(note));
  made->checkpoint = checkpoint == nullptr ? Checkpoint{.version = to.version} : *checkpoint;
  Json parts = Json::array();
  for (const Json& part : made->checkpoint.parts)
    if (get_string(part, "driver") != subject.driver || get_string(part, "subject") != subject.name)
      parts.push_back(part);
  Json part = loader->part_instead_of(known, *tested.loaded);
  part["driver"] = subject.driver;
  part["subject"] = subject.name;
  part["archive"] = archive_of(tested.backup);
  parts.push_back(std::move(part));
  made->checkpoint.parts = std::move(parts);
  made->words =
      fmt::format("the backup {} of {} ({}, {}; {})", one_line(tested.backup.found.name),
                  to_iso(tested.backup.found.when.at).substr(0, 16) + "Z", bytes_for_people(tested.backup.found.size),
                  tested.backup.kind, join(tested.backup.tested, ", "));
  return made;
}

}  // namespace backout::app
