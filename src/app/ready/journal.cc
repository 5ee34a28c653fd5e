#include "app/ready/journal.h"

#include "app/history/runs.h"
#include "app/history/target.h"
#include "base/text.h"
#include "os/file.h"

namespace backout::app::ready {
namespace {

using driver::Need;

constexpr uint64_t kWalkedAtOnce = 8U << 20;  // bytes of journal whose chains are walked without being asked: 0.1 s
constexpr uint64_t kRoomOfRun = 16U << 20;    // events, logs and manifests of one run

Finding finding(std::string id, Severity severity, std::string what, std::string next = "") {
  return {std::move(id), severity, "", "", std::move(what), std::move(next), Json::object()};
}
Finding red(std::string id, const Error& error, const std::string& otherwise) {
  return finding(std::move(id), Severity::kRed, one_line(error.message),
                 one_line(error.next.empty() ? otherwise : error.next));
}

void look_at_chains(journal::Journal& journal, driver::Depth depth, JournalSeen& seen) {
  const uint64_t size = os::size_of(journal.directory() + "/journal.db").value_or(0);
  if (depth == driver::Depth::kQuick && size > kWalkedAtOnce) {
    seen.findings.push_back(finding(
        "journal", Severity::kOk,
        fmt::format("it opens and can be written; its {} were not walked (--prove does)", bytes_for_people(size))));
    return;
  }
  const auto report = journal.verify();
  if (!report) {
    seen.findings.push_back(red("journal", report.error(), "backout audit verify"));
  } else if (!report->faults.empty()) {
    seen.findings.push_back(finding("journal", Severity::kRed,
                                    fmt::format("the record is damaged: {}", one_line(report->faults.front())),
                                    "see all of it: backout audit verify; keep the file as it is and restore a copy"));
  } else {
    seen.findings.push_back(
        finding("journal", Severity::kOk, counted(report->events, "event") + ", every chain holds"));
  }
}

Result<void> look_at_runs(const Workspace& workspace, JournalSeen& seen) {
  const auto lease = TRY(workspace.journal().holder(workspace.site().id));
  if (lease)
    seen.findings.push_back(finding("lease", Severity::kRed,
                                    fmt::format("the site is held by {} since {}: {}", one_line(lease->holder),
                                                to_hms(lease->since), one_line(lease->doing)),
                                    "wait for it, or talk to them: backout status"));
  const auto open = TRY(unfinished(workspace));
  if (open && !lease) {
    const Error error = is_unfinished(*open, TRY(told(workspace, *open)));
    seen.findings.push_back(red("run.unfinished", error, "backout resume"));
  }
  return {};
}

Result<void> look_at_releases(const Workspace& workspace, JournalSeen& seen) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  auto current = current_release(journal, site);
  if (!current) {
    seen.findings.push_back(red("current", current.error(), "backout record VERSION"));
    return {};
  }
  seen.current = *current;
  auto target = target_release(journal, site, *current, Version(), RunKind::kRollback);
  if (!target) {
    seen.findings.push_back(red("target", target.error(), "backout releases"));
    return {};
  }
  const std::vector<Checkpoint> checkpoints = TRY(journal.checkpoints(site));
  if (const Checkpoint* checkpoint = checkpoint_for(checkpoints, target->version)) seen.checkpoint = *checkpoint;
  seen.findings.push_back(finding("target", Severity::kOk, one_line(target->version.str()) + " is known-good"));
  seen.target = *std::move(target);
  return {};
}

}  // namespace

JournalSeen look_at_journal(const Workspace& workspace, driver::Depth depth) {
  JournalSeen seen;
  journal::Journal& journal = workspace.journal();
  look_at_chains(journal, depth, seen);
  for (const auto& look : {look_at_releases, look_at_runs})
    if (const auto looked = look(workspace, seen); !looked)
      seen.findings.push_back(red("journal", looked.error(), "backout audit verify"));
  if (journal.reserve_bytes() == 0)
    seen.findings.push_back(
        finding("journal.reserve", Severity::kWarning, "the space that is held back for a full disk was used up",
                "make room on the disk of " + journal.directory() + ": it is taken again by itself"));
  seen.needs = {{Need::Kind::kWritable, journal.directory(), "for the record"},
                {Need::Kind::kRoom, journal.directory(), "for the record of a run", "", kRoomOfRun, 100}};
  return seen;
}

Finding journal_is_shut(const Error& error) {
  return red("journal", error, "mend it first: nothing is done unrecorded");
}

}  // namespace backout::app::ready
