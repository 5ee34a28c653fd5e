#include <cstdio>

#include "app/acting/session.h"
#include "app/backups/backups.h"
#include "app/history/answering.h"
#include "app/history/runs.h"
#include "app/history/target.h"
#include "app/ready/backups.h"
#include "app/retention/slots.h"
#include "base/text.h"
#include "cli/opened.h"
#include "cli/release_words.h"
#include "cli/terminal.h"
#include "cli/verify_view.h"
#include "record/watch.h"
#include "run/recovery.h"

namespace backout::cli {
namespace {

/// What the journal and, for a command in doubt, the target say about an unfinished run.
struct Unfinished {
  journal::RunRow row;
  run::RunState state;
  run::Ways ways;
  run::Users users = run::Users::kInside;
  std::string door;  // a sentence about where users are
  std::vector<std::string> doubts;
};

std::string seen_at_target(const app::Workspace& workspace, const std::string& host, const std::string& attempt,
                           int64_t token) {
  const auto found = workspace.hosts().find(host);
  if (found == workspace.hosts().end()) return "its host is not in backout.yaml";
  const auto state =
      found->second->inspect({workspace.site().id.str(), workspace.journal().id(), token}, host::AttemptId(attempt));
  if (!state) return "the target cannot be asked: " + one_line(state.error().message);
  switch (state->kind) {
    case host::AttemptState::Kind::kNeverStarted: return "its command was not started";
    case host::AttemptState::Kind::kRunning:
      return "its command is still running, for " + for_people(state->running_for);
    case host::AttemptState::Kind::kFinished:
      return state->result.ok() ? "its command finished with exit status 0"
                                : "its command finished: " + state->result.why_not_ok();
    case host::AttemptState::Kind::kLost: return "its command was started and ended without leaving an exit status";
  }
  return "";
}

/// The newest lease granted since the run began: looking under it is no claim, and the target does not take us for a
/// stranger.
Result<int64_t> newest_token(journal::Journal& journal, const SiteId& site, const journal::RunRow& row) {
  int64_t token = 0;
  const std::vector<Event> own = TRY(journal.read(site, 0, row.id, 1));
  const int64_t before = own.empty() ? 0 : std::max<int64_t>(own.front().seq - 8, 0);
  for (const Event& event : TRY(journal.read(site, before)))
    if (event.type == EventType::kLeaseGranted) token = std::max(token, get_int(event.body, "token"));
  return token;
}

Result<std::optional<Unfinished>> look(const app::Workspace& workspace) {
  auto row = TRY(app::unfinished(workspace));
  if (!row) return std::optional<Unfinished>();
  journal::Journal& journal = workspace.journal();
  app::Told run = TRY(app::told(workspace, *row));
  Unfinished unfinished{*row,
                        run.state,
                        run::ways_out(run.state, run.plan),
                        run::users(run.state, run.plan),
                        run::about_the_door(run.state, run.plan),
                        {}};
  const int64_t token = TRY(newest_token(journal, workspace.site().id, *row));
  for (const auto& [pair, at] : unfinished.state.pairs)
    if (run::recorded(at) == run::Recorded::kInDoubt)
      unfinished.doubts.push_back(fmt::format("step '{}' on {} was begun: {}", pair.step, pair.host,
                                              seen_at_target(workspace, pair.host, at.last_attempt, token)));
    else if (run::recorded(at) == run::Recorded::kUnknown && !get_bool(at.outcome->evidence, "ended_early"))
      unfinished.doubts.push_back(fmt::format("step '{}' on {} is Unknown: {}", pair.step, pair.host, at.outcome->why));
  return std::optional(std::move(unfinished));
}

void show(const Unfinished& unfinished, bool held) {
  const journal::RunRow& row = unfinished.row;
  std::printf("  %s  %s %s -> %s  %s%s\n", (row.incident.empty() ? row.id.str() : row.incident.str()).c_str(),
              std::string(name_of(row.kind)).c_str(), one_line(row.from.str()).c_str(), one_line(row.to.str()).c_str(),
              held ? "is running" : "is UNFINISHED", row.why.empty() ? "" : (": " + one_line(row.why)).c_str());
  for (const std::string& doubt : unfinished.doubts) std::printf("    %s\n", one_line(doubt).c_str());
  if (!unfinished.door.empty()) std::printf("    %s\n", unfinished.door.c_str());
  if (!held) std::printf("  next: %s\n", run::next_steps(unfinished.ways).c_str());
}

void show(const app::BackupHealth& health) {
  if (!health.configured) return;
  std::printf("  backups    %s\n", health.newest_good ? in_words(*health.newest_good).c_str()
                                                      : "none has passed a test: backout backups check");
  if (!health.newest_is_bad.empty())
    std::printf("    ! the newest is not to be relied on: %s: %s\n", one_line(health.newest->found.name).c_str(),
                one_line(health.newest_is_bad).c_str());
  if (!health.problem.empty()) std::printf("    ! %s\n", one_line(health.problem).c_str());
  if (health.overdue) std::printf("    ! a newer one is overdue: backout tick makes it\n");
}

std::string_view name_of(run::Users users) {
  switch (users) {
    case run::Users::kInside: return "inside";
    case run::Users::kOutside: return "outside";
    case run::Users::kUnknown: return "unknown";
  }
  return "";
}

/// What `ready` said of another release, or of another target, says nothing about this one.
Json about_now(Json ready, const Release* current, const Release* target) {
  const auto is = [&](const char* key, const Release* release) {
    return get_string(ready, key) == (release == nullptr ? "" : release->version.str());
  };
  return is("from", current) && is("to", target) ? std::move(ready) : Json();
}

std::string minute_of(int64_t millis) { return to_iso(wall_from_millis(millis)).substr(0, 16) + "Z"; }

/// The last verdict about the release that serves, while it asks for something, and what people reported of it.
void show_judgement(const Json& judgement) {
  const Json& verdict = get(judgement, "verdict");
  const bool asks = verdict.is_object() && (get_string(verdict, "verdict") != "monitor" || get_bool(verdict, "blind"));
  if (asks)
    std::printf("  verdict    %s at %s: %s\n    now, and why: backout decide\n",
                one_line(get_string(verdict, "verdict")).c_str(), minute_of(get_int(verdict, "at_ms")).c_str(),
                one_line(get_string(verdict, "reason")).c_str());
  for (const Json& report : get(judgement, "reports"))
    std::printf("  reported   %s by %s: %s\n", minute_of(get_int(report, "at_ms")).c_str(),
                one_line(get_string(report, "by")).c_str(),
                shortened(one_line(get_string(report, "text")), 160).c_str());
}

void show_watch(const Json& watch, const Json& level) {
  if (get_bool(watch, "open")) {
    const bool trouble = record::in_trouble(get(watch, "recent"), static_cast<int>(get_int(watch, "trouble_failed", 2)),
                                            static_cast<int>(get_int(watch, "trouble_of", 5)));
    std::printf("  watched    %s until %s: %s, %lld failed%s\n", one_line(get_string(watch, "version")).c_str(),
                minute_of(get_int(watch, "until_ms")).c_str(), counted(get_int(watch, "looks"), "look").c_str(),
                static_cast<long long>(get_int(watch, "failed")), trouble ? "   TROUBLE" : "");
    std::map<std::string, std::string> versions;
    for (const auto& [host, version] : get(watch, "versions").items())
      if (version.is_string()) versions[host] = version.get<std::string>();
    if (const std::string words = versions_in_words(versions); !words.empty()) std::printf("    %s\n", words.c_str());
  }
  if (const std::string state = get_string(level, "state"); state == "raised" || state == "raising")
    std::printf("  log level  %s since %s: %s\n", state == "raised" ? "raised" : "perhaps raised",
                minute_of(get_int(level, "since_ms")).c_str(), one_line(get_string(level, "why")).c_str());
}

}  // namespace

int status(const Globals& globals) {
  const auto shown = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    journal::Journal& journal = workspace->journal();
    const SiteId& site = workspace->site().id;
    const journal::Serving serving = TRY(journal.serving(site));
    const Release* current = serving.current ? &*serving.current : nullptr;
    const auto good = TRY(app::last_known_good(journal, site, current == nullptr ? Version() : current->version));
    const Release* target = good ? &*good : nullptr;
    const auto lease = TRY(journal.holder(site));
    const auto unfinished = TRY(look(*workspace));
    const std::vector<journal::RunRow> runs = TRY(journal.runs(site, 3));
    const Json ready = about_now(TRY(journal.ready(site)), current, target);
    const app::BackupHealth backups = TRY(app::backup_health(*workspace));
    const Json slot = TRY(app::slot_of_checkpoint(*workspace));
    const Json watch = TRY(journal.watch(site)), level = TRY(journal.log_level(site)),
               judgement = TRY(journal.judgement(site));
    if (globals.json) {
      Json value = {{"site", site.str()}, {"state_directory", journal.directory()}};
      value["current"] = current == nullptr ? Json() : to_json(*current);
      value["target"] = target == nullptr ? Json() : to_json(*target);
      value["held_by"] =
          lease ? Json{{"holder", lease->holder}, {"doing", lease->doing}, {"since_ms", to_millis(lease->since)}}
                : Json();
      value["ready"] = ready;
      if (unfinished)
        value["unfinished"] = {{"run", unfinished->row.id.str()},
                               {"incident", unfinished->row.incident.str()},
                               {"kind", name_of(unfinished->row.kind)},
                               {"why", unfinished->row.why},
                               {"doubts", unfinished->doubts},
                               {"users", name_of(unfinished->users)},
                               {"door_closed", unfinished->users == run::Users::kOutside}};
      if (backups.configured) value["backups"] = to_json(backups);
      if (slot.is_object()) value["slot"] = slot;
      value["watch"] = watch;
      value["log_level"] = level;
      value["judgement"] = {{"verdict", get(judgement, "verdict")}, {"reports", get(judgement, "reports")}};
      print_json(std::move(value));
      return 0;
    }
    std::printf("%s\n", site.str().c_str());
    if (current == nullptr) {
      std::printf("  now        not known to the journal\n  next: backout record VERSION\n");
    } else {
      const auto ago =
          std::max(std::chrono::duration_cast<Millis>(system_clock().wall() - current->deployed_at), Millis(0));
      std::printf("  now        %s  %s  deployed %s ago by %s\n", one_line(current->version.str()).c_str(),
                  std::string(name_of(current->state)).c_str(), for_people(ago).c_str(),
                  one_line(current->deployed_by).c_str());
    }
    if (current != nullptr)
      for (const std::string& each : notes_on(*current, workspace->site().bake))
        std::printf("             %s\n", each.c_str());
    std::printf("  target     %s\n", target == nullptr ? "none: no other release is known-good"
                                                       : (one_line(target->version.str()) + "  known-good").c_str());
    if (ready.is_object())
      std::printf("  ready      %s  %s\n", one_line(get_string(ready, "says")).c_str(),
                  relative(wall_from_millis(get_int(ready, "at_ms")), system_clock().wall()).c_str());
    show(backups);
    if (slot.is_object())
      std::printf("  slot       %s follows %s since %s: the server keeps its log for it; how much: backout ready\n",
                  one_line(get_string(slot, "slot")).c_str(), get_string(slot, "checkpoint").c_str(),
                  minute_of(get_int(slot, "since_ms")).c_str());
    if (lease)
      std::printf("  held by    %s since %s: %s\n", one_line(lease->holder).c_str(), to_iso(lease->since).c_str(),
                  one_line(lease->doing).c_str());
    if (unfinished) {
      show(*unfinished, lease.has_value());
      for (const run::Question& asked : TRY(app::questions(*workspace)))
        if (!asked.answer)
          std::printf("    asks since %s: %s%s\n      answer: backout verify --answer %s yes|no\n",
                      to_iso(asked.asked_at).c_str(), one_line(asked.question).c_str(),
                      asked.role.empty() ? "" : (" (" + one_line(asked.role) + ")").c_str(), asked.step.c_str());
    } else if (!runs.empty()) {
      const journal::RunRow& last = runs.front();
      std::printf("  last run   %s  %s %s -> %s  %s\n",
                  (last.incident.empty() ? last.id.str() : last.incident.str()).c_str(),
                  std::string(name_of(last.kind)).c_str(), one_line(last.from.str()).c_str(),
                  one_line(last.to.str()).c_str(), last.state.c_str());
    }
    show_watch(watch, level);
    show_judgement(judgement);
    return 0;
  }();
  return shown ? *shown : fail(shown.error());
}

}  // namespace backout::cli
