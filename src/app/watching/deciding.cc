#include "app/watching/deciding.h"

#include <algorithm>
#include <filesystem>

#include "app/history/target.h"
#include "app/history/testimony.h"
#include "base/text.h"
#include "decide/recorded.h"
#include "journal/read_export.h"

namespace backout::app {
namespace {

/// What keeps backout from going back by itself is what the journal and the plan say. A person may add to it.
bool is_looked_at(FactId fact) {
  static constexpr FactId kLookedAt[] = {FactId::kTargetBad, FactId::kTargetYoung, FactId::kRollbackRunning,
                                         FactId::kBackwards, FactId::kRecentRollback};
  return std::find(std::begin(kLookedAt), std::end(kLookedAt), fact) != std::end(kLookedAt);
}

/// A look at a process or unit that should run, as drivers/services names its steps.
bool is_of_a_service(const Workspace& workspace, const Look& look) {
  for (const ServiceConfig& service : workspace.site().services)
    if (look.step == "serves-" + service.name) return true;
  return false;
}

/// What people said to the journal since this release serves.
void add_testimony(const Json& judgement, decide::AssessInput& seen) {
  for (const auto& [name, fact] : get(judgement, "facts").items())
    seen.answers.push_back(
        {name, get_string(fact, "value"), get_string(fact, "by"), wall_from_millis(get_int(fact, "at_ms"))});
  for (const Json& report : get(judgement, "reports")) {
    Occurrence occurrence;
    occurrence.kind = "report";
    occurrence.at = wall_from_millis(get_int(report, "at_ms"));
    occurrence.what = shortened(one_line(get_string(report, "by") + ": " + get_string(report, "text")), 300);
    occurrence.severe = get_bool(report, "severe");
    seen.occurrences.push_back(std::move(occurrence));
  }
}

void add_checks(const Workspace& workspace, const Release& release, const Checked& checked, decide::AssessInput& seen) {
  for (const Look& look : checked.looks) {
    if (look.manual || look.sight.kind != SightKind::kDoesNotHold) continue;
    // One that runs, but since before the switch, did start: the clock may have moved, or nobody restarted it.
    const bool too_old = look.sight.why.find(", before the ") != std::string::npos;
    if (is_of_a_service(workspace, look) && !too_old) seen.service_failed_to_start = true;
    seen.failing_checks.push_back(look.step);
  }
  if (!seen.failing_checks.empty())
    seen.unhealthy_since = release.bake.failed_at != WallTime() ? release.bake.failed_at
                           : release.sign                       ? release.sign->at
                                                                : seen.now;
}

Result<Decided> decide_from(const Workspace& workspace, const DecideRequest& request, decide::AssessInput seen,
                            WayBackSeen way) {
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  const Json judgement = TRY(journal.judgement(site));
  add_testimony(judgement, seen);
  seen.way_back = way.way_back;
  const decide::Recorded recorded{site.str(), std::move(seen), way.costs};
  decide::Judged judged = decide::decide(recorded, workspace.site().policies);
  Decided decided{std::move(judged.decision), std::move(way.plan), std::move(judged.refused), {}};
  if (!way.why_not.empty()) decided.remarks.push_back("the way back: " + way.why_not);
  const Json& last = get(judgement, "verdict");
  const bool same = last.is_object() && get_string(last, "verdict") == name_of(decided.decision.verdict) &&
                    get_bool(last, "blind") == decided.decision.blind;
  // Whoever was asked first set the clock: asking again does not give more time.
  if (same && decided.decision.verdict == Verdict::kNeedsApproval && get_int(last, "deadline_ms") > 0)
    decided.decision.deadline = std::min(decided.decision.deadline, wall_from_millis(get_int(last, "deadline_ms")));
  if (same && request.facts.empty()) return decided;
  Json verdict = to_json(decided.decision);
  verdict.erase("rules_tried");
  TRY(journal.append(
      site, 0,
      {{EventType::kVerdictGiven,
        {{"asked", request.asked}, {"inputs", decide::to_json(recorded)}, {"verdict", std::move(verdict)}}}}));
  return decided;
}

Result<void> keep_answers(const Workspace& workspace, const DecideRequest& request) {
  for (const auto& [name, value] : request.facts) {
    const auto fact = fact_named(name);
    if (!fact) {
      std::vector<std::string> known;
      for (const FactKind& kind : all_fact_kinds()) known.emplace_back(kind.name);
      const auto near = nearest(name, known);
      return Error{Code::kInvalid, "there is no fact '" + one_line(name) + "'",
                   near ? "did you mean " + *near + "?" : "see them: backout decide --explain"};
    }
    auto meant = fact_value_from(*fact, value);
    if (!meant) return std::move(meant).error().with_context("--fact " + name);
    if (is_looked_at(*fact) && meant->value_or(0) == 0)
      return Error{Code::kRefused, "--fact " + name + ": that is looked at, and nobody's word takes it away", ""};
  }
  for (const auto& [name, value] : request.facts) TRY_VOID(state_fact(workspace, name, value));
  return {};
}

}  // namespace

Result<Decided> decide_now(const Workspace& workspace, const DecideRequest& request, const std::stop_token& stop) {
  TRY_VOID(keep_answers(workspace, request));
  Following following = TRY(Following::open(workspace, workspace.site().bake));
  Following::Round round = TRY(following.look(true, stop));
  const auto checked = check_now(workspace, following.newcomer().release.version, true, [](const Look&) {});
  Decided decided = TRY(decide_on(workspace, request, following, round.evidence, checked ? &*checked : nullptr));
  if (!checked) decided.remarks.push_back("checks: " + one_line(checked.error().message));
  decided.remarks.insert(decided.remarks.end(), round.remarks.begin(), round.remarks.end());
  return decided;
}

Result<Decided> decide_on(const Workspace& workspace, const DecideRequest& request, const Following& following,
                          const std::vector<Evidence>& evidence, const Checked* checked) {
  WayBackSeen way = TRY(look_at_way_back(workspace, following.newcomer()));
  decide::AssessInput seen;
  seen.now = system_clock().wall();
  seen.evidence = evidence;
  seen.occurrences = following.occurrences();
  seen.figures = following.figures();
  if (checked != nullptr) add_checks(workspace, following.newcomer().release, *checked, seen);
  return decide_from(workspace, request, std::move(seen), std::move(way));
}

namespace {

/// The directory of a journal that `file` means; empty: it means none.
std::string journal_of(const std::string& file) {
  const std::filesystem::path path(file);
  std::error_code failure;
  if (std::filesystem::is_regular_file(path / "journal.db", failure)) return file;
  if (path.filename() == "journal.db" && std::filesystem::is_regular_file(path, failure))
    return path.has_parent_path() ? path.parent_path().string() : ".";
  return "";
}

}  // namespace

Result<std::vector<Replayed>> replay(const Workspace& workspace, const std::string& file) {
  std::vector<Replayed> all;
  const auto again = [&](const SiteId& site, int64_t seq, WallTime at, const Json& body) -> Result<void> {
    const decide::Recorded recorded = TRY(decide::recorded_from_json(get(body, "inputs")));
    all.push_back({site, seq, at, get_string(get(body, "verdict"), "verdict"),
                   decide::decide(recorded, workspace.site().policies).decision});
    return {};
  };
  const auto of_journal = [&](journal::Journal& journal, const SiteId& site) -> Result<void> {
    for (const Event& event : TRY(journal.read(site)))
      if (event.type == EventType::kVerdictGiven) TRY_VOID(again(site, event.seq, event.at, event.body));
    return {};
  };
  if (file.empty()) {
    TRY_VOID(of_journal(workspace.journal(), workspace.site().id));
  } else if (const std::string directory = journal_of(file); !directory.empty()) {
    const auto other = TRY(journal::Journal::open(directory, workspace.actor(), system_clock()));
    for (const SiteId& site : TRY(other->sites())) TRY_VOID(of_journal(*other, site));
  } else {
    TRY_VOID(journal::each_exported(file, [&](const Json& header, const Json& body) -> Result<void> {
      if (get_string(header, "type") != name_of(EventType::kVerdictGiven)) return {};
      return again(SiteId(get_string(header, "site")), get_int(header, "seq"),
                   wall_from_millis(get_int(header, "at_ms")), body);
    }));
  }
  return all;
}

}  // namespace backout::app
