#include "app/watching/baking.h"

#include <algorithm>

#include "app/history/target.h"
#include "app/watching/vigil.h"
#include "base/text.h"
#include "model/verdict.h"

namespace backout::app {
namespace {

constexpr int kStretches = 4;   // the longest time between two looks that counts is this part of the bake time
constexpr int kRecorded = 100;  // looks that hold are written down about so often in a bake time, not more

enum class Round { kHeld, kFailed, kUnseen };

Round round_of(const Checked& checked) {
  const bool failed = std::any_of(checked.looks.begin(), checked.looks.end(), [](const Look& look) {
    return !look.manual && look.sight.kind == SightKind::kDoesNotHold;
  });
  if (failed) return Round::kFailed;
  return checked.all_hold() ? Round::kHeld : Round::kUnseen;
}

std::string first_failed(const Checked& checked) {
  for (const Look& look : checked.looks)
    if (!look.manual && look.sight.kind == SightKind::kDoesNotHold)
      return shortened(fmt::format("{} on {}: {}", look.step, look.host, one_line(look.sight.why)), 300);
  return "";
}

bool is_set(WallTime at) { return to_millis(at) != 0; }

journal::NewEvent looked(const Release& release, std::string_view result, const Checked& checked, Millis needed,
                         Millis baked) {
  Json body = {{"release", release.id.str()},
               {"result", result},
               {"looks", checked.looks.size()},
               {"bake_ms", needed.count()},
               {"baked_ms", baked.count()}};
  if (result == "failed") body["failed"] = first_failed(checked);
  if (result != "unseen") body["bake_until_ms"] = to_millis(system_clock().wall() + (needed - baked));
  return {EventType::kReleaseLooked, std::move(body)};
}

/// As a look of its own.
void add_signals(const std::vector<Evidence>& evidence, Checked& checked) {
  const SignalsSaid said = said_by(evidence);
  const std::string& bad = said.alarm.empty() ? said.bad_before : said.alarm;
  if (!bad.empty())
    checked.looks.push_back({"signals", "", "signals", false, Sight::does_not_hold(bad)});
  else if (!said.blind.empty())
    checked.looks.push_back({"signals", "", "signals", false, Sight::cannot_tell(said.blind)});
}

}  // namespace

std::string bake_words(const Release& release, Millis needed) {
  if (release.state != ReleaseState::kWatching) return "";
  const Bake& bake = release.bake;
  std::string words =
      fmt::format("{} of {} baked, {} held", for_people(bake.done), for_people(needed), counted(bake.looks, "look"));
  if (is_set(bake.failed_at))
    words += fmt::format("; begun anew after {} ({} UTC)", one_line(bake.failed), to_iso(bake.failed_at).substr(0, 16));
  if (!is_set(bake.last)) return words + "; waits for looks that hold: backout tick";
  return words + "; known-good in about " + for_people(std::max(needed - bake.done, Millis(0)));
}

Result<Baking> bake(const Workspace& workspace, Checked checked, const std::vector<Evidence>& evidence) {
  add_signals(evidence, checked);
  const Json judgement = TRY(workspace.journal().judgement(workspace.site().id));
  const Json& verdict = get(judgement, "verdict");
  if (verdict.is_object() && get_string(verdict, "verdict") != name_of(Verdict::kMonitor))
    checked.looks.push_back(
        {"verdict", "", "verdict", false,
         Sight::does_not_hold(get_string(verdict, "verdict") + ": " + get_string(verdict, "reason"))});
  journal::Journal& journal = workspace.journal();
  const SiteId& site = workspace.site().id;
  const Millis needed = workspace.site().bake;
  if (TRY(journal.holder(site))) return Baking{};  // somebody moves it: what is seen meanwhile says nothing about it
  const Release release = TRY(current_release(journal, site));
  if (release.version != checked.version) return Baking{};
  const bool bakes = release.state == ReleaseState::kWatching;
  const Bake& so_far = release.bake;
  const WallTime now = system_clock().wall();
  const Round round = round_of(checked);

  std::vector<journal::NewEvent> events;
  Baking result;
  if (round == Round::kFailed) {
    const bool news = so_far.done > Millis(0) || is_set(so_far.last) || so_far.failed != first_failed(checked);
    if (bakes ? news : !release.sign) events.push_back(looked(release, "failed", checked, needed, Millis(0)));
  } else if (bakes && round == Round::kUnseen) {
    if (is_set(so_far.last)) events.push_back(looked(release, "unseen", checked, needed, so_far.done));
  } else if (bakes) {
    const auto since = is_set(so_far.last) ? std::chrono::duration_cast<Millis>(now - so_far.last) : Millis(0);
    const Millis baked = so_far.done + std::clamp(since, Millis(0), needed / kStretches);
    result.promoted = baked >= needed;
    if (result.promoted || !is_set(so_far.last) || since >= needed / kRecorded)
      events.push_back(looked(release, "held", checked, needed, baked));
    if (result.promoted)
      events.push_back(
          {EventType::kReleaseState,
           {{"release", release.id.str()},
            {"state", "known-good"},
            {"why", fmt::format("baked for {}, and {} held", for_people(needed), counted(so_far.looks + 1, "look"))}}});
  }
  if (!events.empty()) TRY(journal.append(site, 0, std::move(events)));
  if (result.promoted)
    result.says = fmt::format("{} is known-good now: it has baked for {}", release.version.str(), for_people(needed));
  else if (bakes)
    result.says = release.version.str() + ": " + bake_words(TRY(current_release(journal, site)), needed);
  return result;
}

}  // namespace backout::app
