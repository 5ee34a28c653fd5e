#include "app/history/releasing.h"

#include "app/history/recorded.h"
#include "app/history/resolving.h"
#include "app/history/target.h"
#include "base/text.h"
#include "os/file.h"
#include "record/people.h"

namespace backout::app {

Result<Version> checked_version(const std::string& text) {
  const bool fits = !text.empty() && text.size() <= 128 && text[0] != '-' && text[0] != '.' &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) {
                      return (std::isalnum(c) != 0 && c < 0x80) || c == '.' || c == '_' || c == '+' || c == '-';
                    });
  if (!fits)
    return Error{Code::kInvalid, "'" + shortened(one_line(text), 60) + "' cannot be a version",
                 "letters, digits and . _ + - only, not starting with - or ., at most 128"};
  return Version(text);
}

Result<Release> record_release(const Workspace& workspace, const Version& version, const std::string& commit) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  Release release;
  release.id = ReleaseId(fmt::format("R-{}", TRY(journal.next_number(site, "R"))));
  release.version = version;
  release.commit = one_line(commit);
  // Coolify knows commits alone: one that is not said is that of the tag.
  if (commit.empty() && workspace.site().code && workspace.site().code->layout == "coolify")
    release.commit = commit_of(workspace.site(), version, "");
  release.state = ReleaseState::kWatching;
  release.deployed_at = release.state_since = system_clock().wall();
  release.bake_until = release.deployed_at + workspace.site().bake;
  release.deployed_by = workspace.actor();
  release.why = "recorded by " + workspace.actor();
  if (auto seen = seen_to_run(workspace, version))
    release.code = std::move(*seen);
  else
    release.why += "; its images are not noted: " + one_line(seen.error().message);
  TRY(journal.append(site, 0,
                     {{EventType::kReleaseRecorded, to_json(release)},
                      {EventType::kReleaseCurrent,
                       {{"release", release.id.str()}, {"version", version.str()}, {"why", release.why}}}}));
  release.current = true;
  return release;
}

Result<Release> mark_release(const Workspace& workspace, const Version& version, ReleaseState state,
                             const std::string& why) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  std::optional<Release> found;
  TRY_VOID(journal.each_release(site, [&](const Release& release) {
    if (version.empty() ? release.current : release.version == version) found = release;
    return !found;
  }));
  if (!found)
    return Error{Code::kNotFound,
                 version.empty() ? "the journal does not know which release runs now"
                                 : "no release '" + one_line(version.str()) + "' is recorded on this site",
                 "see what there is: backout releases; tell what runs: backout record VERSION"};
  const std::string reason =
      why.empty() ? "marked by " + workspace.actor() : sanitised(why) + " (" + workspace.actor() + ")";
  TRY(journal.append(
      site, 0,
      {{EventType::kReleaseState, {{"release", found->id.str()}, {"state", name_of(state)}, {"why", reason}}}}));
  Release marked = *found;
  marked.state = state;
  marked.why = reason;
  return marked;
}

Result<RunId> add_note(const Workspace& workspace, const std::string& text, const std::string& file,
                       const std::string& section) {
  if (!section.empty() && !record::is_people_section(section)) {
    std::vector<std::string> known;
    for (const record::Section& each : record::people_sections()) known.emplace_back(each.key);
    return Error{Code::kInvalid, "the report has no section '" + one_line(section) + "'",
                 "one of " + join(known, ", ")};
  }
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  RunId run;
  for (const journal::RunRow& row : TRY(journal.runs(site, 20)))
    if (!row.incident.empty()) {
      run = row.id;
      break;
    }
  Json body = {{"text", sanitised(text)}, {"by", workspace.actor()}};
  if (!section.empty()) body["section"] = section;
  if (!file.empty()) {
    const std::string content = TRY(os::read_file(file, 64U << 20).with_context("evidence"));
    const std::string hash = TRY(os::sha256_of_file(file));
    const std::string kept = journal.directory() + "/evidence/" + hash;
    TRY_VOID(os::make_directories(journal.directory() + "/evidence", 0700));
    TRY_VOID(os::write_file_atomic(kept, content, 0600));
    body["file"] = one_line(file.substr(file.rfind('/') + 1));
    body["sha256"] = hash;
  }
  TRY(journal.append(site, 0, {{EventType::kNote, std::move(body), run}}));
  return run;
}

}  // namespace backout::app
