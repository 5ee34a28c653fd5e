#include <cstdio>

#include "app/history/ci.h"
#include "app/history/releasing.h"
#include "base/text.h"
#include "cli/opened.h"
#include "cli/release_words.h"
#include "cli/terminal.h"

namespace backout::cli {
namespace {

int told(const Globals& globals, const Result<Release>& release, const std::string& what) {
  if (!release) return fail(release.error());
  if (globals.json)
    print_json(to_json(*release));
  else if (!globals.quiet)
    std::printf("%s %s\n", one_line(release->version.str()).c_str(), what.c_str());
  return 0;
}

Result<Release> mark(const Globals& globals, const std::string& version, ReleaseState state, const std::string& why) {
  const auto workspace = TRY(open(globals));
  const Version checked = version.empty() ? Version() : TRY(app::checked_version(version));
  return app::mark_release(*workspace, checked, state, why);
}

}  // namespace

int record(const Globals& globals, const std::string& version, const std::string& commit) {
  const auto recorded = [&]() -> Result<Release> {
    const auto workspace = TRY(open(globals));
    Release release = TRY(app::record_release(*workspace, TRY(app::checked_version(version)), commit));
    TRY(app::refresh_ci(*workspace, release));
    return release;
  }();
  std::string what = "is recorded as what runs now";
  if (recorded)
    if (const size_t at = recorded->why.find("; its images"); at != std::string::npos) what += recorded->why.substr(at);
  return told(globals, recorded, what);
}

int good(const Globals& globals, const std::string& version, const std::string& why) {
  return told(globals, mark(globals, version, ReleaseState::kGood, why), "is known-good");
}

int bad(const Globals& globals, const std::string& version, const std::string& why) {
  return told(globals, mark(globals, version, ReleaseState::kBad, why), "is marked bad: no rollback will choose it");
}

int note(const Globals& globals, const std::string& text, const std::string& file, const std::string& section) {
  const auto noted = [&]() -> Result<RunId> {
    if (trimmed(text).empty()) return Error{Code::kInvalid, "the note is empty", "backout note TEXT"};
    const auto workspace = TRY(open(globals));
    return app::add_note(*workspace, text, file, section);
  }();
  if (!noted) return fail(noted.error());
  if (globals.json)
    print_json({{"run", noted->str()}});
  else if (!globals.quiet)
    std::printf("noted%s\n", noted->empty() ? "" : (" with " + noted->str()).c_str());
  return 0;
}

int releases(const Globals& globals) {
  const auto shown = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    const std::vector<Release> all = TRY(workspace->journal().releases(workspace->site().id));
    const std::vector<Checkpoint> checkpoints = TRY(workspace->journal().checkpoints(workspace->site().id));
    if (globals.json) {
      Json list = Json::array();
      for (const Release& release : all) list.push_back(to_json(release));
      Json saved = Json::array();
      for (const Checkpoint& checkpoint : checkpoints) saved.push_back(to_json(checkpoint));
      print_json(
          {{"site", workspace->site().id.str()}, {"releases", std::move(list)}, {"checkpoints", std::move(saved)}});
      return 0;
    }
    if (all.empty())
      std::printf("no release is recorded on %s yet\n  next: backout record VERSION\n",
                  workspace->site().id.str().c_str());
    const WallTime now = system_clock().wall();
    for (const Release& release : all) {
      std::printf("%s %-6s %-20s %-10s %s by %s%s\n", release.current ? "->" : "  ", release.id.str().c_str(),
                  one_line(release.version.str()).c_str(), std::string(name_of(release.state)).c_str(),
                  relative(release.deployed_at, now).c_str(), one_line(release.deployed_by).c_str(),
                  release.why.empty() ? "" : ("   " + one_line(release.why)).c_str());
      for (const std::string& each : notes_on(release, workspace->site().bake))
        std::printf("          %s\n", each.c_str());
    }
    for (const Checkpoint& checkpoint : checkpoints)
      std::printf("   %-20s brings %s back, taken %s%s\n", checkpoint.id.str().c_str(),
                  one_line(checkpoint.version.str()).c_str(), to_iso(checkpoint.taken_at).c_str(),
                  checkpoint.verified ? ", verified" : "");
    return 0;
  }();
  return shown ? *shown : fail(shown.error());
}

}  // namespace backout::cli
