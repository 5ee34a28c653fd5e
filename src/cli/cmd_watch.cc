#include <algorithm>
#include <cstdio>
#include <optional>

#include "app/acting/session.h"
#include "app/backups/backup_keeping.h"
#include "app/history/ci.h"
#include "app/history/runs.h"
#include "app/retention/retention.h"
#include "app/watching/baking.h"
#include "app/watching/checking.h"
#include "app/watching/log_level.h"
#include "app/watching/vigil.h"
#include "app/watching/watching.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/opened.h"
#include "cli/verify_view.h"
#include "cli/vigil_view.h"

namespace backout::cli {
namespace {

void tell_remarks(const app::WatchRound& round) {
  for (const std::string& remark : round.remarks) std::fprintf(stderr, "  note: %s\n", sanitised(remark).c_str());
}

void tell_failed(const app::Checked& checked) {
  for (const app::Look& look : checked.looks)
    if (!look.manual && look.sight.kind != SightKind::kHolds)
      std::fprintf(stderr, "  %-6s %s on %s: %s\n", std::string(word_of(look)).c_str(), look.step.c_str(),
                   look.host.c_str(), one_line(look.sight.why).c_str());
}

/// The end report, and the exit status that it stands for.
int tell_end(const Globals& globals, const record::WatchSummary& report) {
  if (!globals.quiet || report.verdict != "good")
    for (const std::string& line : record::lines_of(report))
      std::fprintf(report.verdict == "good" || report.verdict == "replaced" ? stdout : stderr, "%s\n",
                   sanitised(line).c_str());
  return report.verdict == "good" || report.verdict == "replaced" ? 0 : 1;
}

std::string why_of(const app::WatchRound& round, const app::SignalsAtLook& signals) {
  const std::string alarm = app::said_by(signals.evidence).alarm;
  if (alarm.empty() || !round.trouble) return "too many of the last looks failed";
  return one_line(alarm);
}

Json json_of(const app::WatchRound& round) {
  Json value = {
      {"verified", round.checked.all_hold()}, {"trouble", round.trouble}, {"looks", looks_json(round.checked)}};
  if (round.report) value["report"] = record::to_json(*round.report);
  return value;
}

Result<int> one_round(const Globals& globals, const app::Workspace& workspace, const app::SignalsAtLook& signals,
                      const Json& backups) {
  const app::WatchRound round = TRY(app::look_again(workspace, signals, [](const app::Look&) {}));
  const bool looked = !round.checked.looks.empty();
  const app::Baking baking = looked ? TRY(app::bake(workspace, round.checked, signals.evidence)) : app::Baking{};
  const bool good = !round.report || round.report->verdict == "good" || round.report->verdict == "replaced";
  const int exit = round.trouble || !good ? 1 : 0;
  if (globals.json) {
    Json value = json_of(round);
    value["promoted"] = baking.promoted ? baking.says : "";
    value["bake"] = baking.says;
    value["backups"] = backups;
    print_json(std::move(value));
    return exit;
  }
  tell_remarks(round);
  if (!round.checked.all_hold() && !round.checked.looks.empty()) tell_failed(round.checked);
  if (round.trouble)
    std::fprintf(stderr, "TROUBLE: %s\n  go on: backout decide, backout plan\n", why_of(round, signals).c_str());
  else if (!globals.quiet && round.checked.all_hold() && !round.report)
    std::printf("watched: every look held\n");
  if (!baking.says.empty() && !globals.quiet) std::printf("%s\n", one_line(baking.says).c_str());
  return round.report ? std::max(exit, tell_end(globals, *round.report)) : exit;
}

/// How long the release is watched in all: for the bound on false alarms.
Millis span_of(const app::Workspace& workspace, const Json& watch) {
  const Millis asked(watch.is_null() ? 0 : get_int(watch, "until_ms") - get_int(watch, "started_ms"));
  return std::max(asked, workspace.site().bake);
}

app::Kept keep_backups(const app::Workspace& workspace, const Globals& globals) {
  const bool talk = !globals.json && !globals.quiet;
  auto kept = app::keep_backups(workspace, [&](const std::string& line) {
    if (talk && globals.verbose) std::printf("    %s\n", one_line(line).c_str());
  });
  if (!kept) {
    app::Kept none;
    none.problems.push_back("backups could not be looked after: " + kept.error().message);
    kept = std::move(none);
  }
  for (const std::string& line : kept->lines)
    if (talk) std::printf("  %s\n", one_line(line).c_str());
  for (const std::string& problem : kept->problems) std::fprintf(stderr, "  ! %s\n", one_line(problem).c_str());
  return std::move(*kept);
}

/// A CI result that was still open, and files whose time is over.
Result<void> keep_up(const Globals& globals, const app::Workspace& workspace) {
  const journal::Serving serving = TRY(workspace.journal().serving(workspace.site().id));
  const auto& current = serving.current;
  const bool open = current && (!current->ci || current->ci->state == CiState::kPending);
  if (open) TRY(app::refresh_ci(workspace, *current));
  for (const app::Expired& each : TRY(app::expired(workspace))) {
    if (!globals.json && !globals.quiet)
      std::printf("deletes %s: %s\n", one_line(each.directory).c_str(), one_line(each.says).c_str());
    TRY_VOID(app::expire(workspace, each));
  }
  return {};
}

struct Followed {
  app::SignalsAtLook signals;
  int exit = 0;
};
/// Every signal once, for a timer: what is judged goes on where the last process left off. After an automatic rollback
/// the exit status is that of its run.
Result<Followed> follow_once(const Globals& globals, const app::Workspace& workspace, const Json& watch) {
  Followed followed;
  if (const auto run = TRY(app::unfinished(workspace))) {
    if (TRY(workspace.journal().holder(workspace.site().id))) return followed;  // somebody is at it
    std::fprintf(stderr,
                 "  ! %s was left unfinished: no signal is judged until it is closed\n  go on: backout status\n",
                 run->id.str().c_str());
    followed.exit = 4;
    return followed;
  }
  if (workspace.site().signals.empty() || !TRY(workspace.journal().serving(workspace.site().id)).current)
    return followed;
  app::Vigil vigil = TRY(app::Vigil::open(workspace, span_of(workspace, watch), "tick"));
  const app::VigilRound round = TRY(vigil.step(true, nullptr, {}));
  tell_round(globals, round);
  followed.signals = {round.evidence, vigil.habits()};
  if (const auto exit = act_on(globals, workspace, vigil)) {
    followed.signals = {};
    followed.exit = *exit == 0 ? 1 : *exit;  // a release that had to be taken back is no success
    return followed;
  }
  const Json judgement = TRY(workspace.journal().judgement(workspace.site().id));
  const std::string standing = get_string(get(judgement, "verdict"), "verdict");
  followed.exit = exit_by(round.evidence) == 1 || (!standing.empty() && standing != "monitor") ? 1 : 0;
  return followed;
}

/// Backups first: they are kept whether or not the release serves.
Result<int> run_tick(const Globals& globals) {
  const auto workspace = TRY(open(globals));
  const app::Kept kept = keep_backups(*workspace, globals);
  const auto back = app::put_log_level_back(*workspace, false, "its time is over");
  if (!back)
    std::fprintf(stderr, "backout: the log level: %s\n", sanitised(back.error().message).c_str());
  else if (*back && !globals.quiet && !globals.json)
    std::printf("the log level is put back\n");
  const Json backups = {{"done", kept.lines}, {"problems", kept.problems}};
  const Json watch = TRY(app::open_watch(*workspace));
  Followed followed = TRY(follow_once(globals, *workspace, watch));
  const int looked =
      !watch.is_null()
          ? TRY(one_round(globals, *workspace, followed.signals, backups))
          : TRY(look_and_tell(globals, *workspace,
                              {.promote = true, .evidence = followed.signals.evidence, .backups = backups}));
  TRY_VOID(keep_up(globals, *workspace));
  if (followed.exit != 0) return followed.exit;
  return looked == 0 && !kept.problems.empty() ? 1 : looked;
}

Result<Millis> span_from(const std::string& text, const char* option, Millis otherwise) {
  if (text.empty()) return otherwise;
  const auto span = parse_duration(text);
  if (!span || *span <= Millis(0))
    return Error{Code::kInvalid, fmt::format("{} '{}' is no duration", option, one_line(text)),
                 "such as 30s, 10m, 24h"};
  return *span;
}

void tell_looked(const Globals& globals, const app::WatchRound& round) {
  tell_remarks(round);
  if (globals.quiet || globals.json || round.checked.looks.empty()) return;
  const auto failed = std::count_if(round.checked.looks.begin(), round.checked.looks.end(), [](const app::Look& each) {
    return !each.manual && each.sight.kind != SightKind::kHolds;
  });
  std::printf("%s %s, %td failed%s\n", to_hms(system_clock().wall()).c_str(),
              counted(std::ssize(round.checked.looks), "look").c_str(), failed, round.trouble ? "   TROUBLE" : "");
  std::fflush(stdout);
  tell_failed(round.checked);
}

/// Until the watch is over: signals every second, checks every `every`, and whenever a verdict has changed.
Result<int> follow(const Globals& globals, const app::Workspace& workspace, Millis every, const std::stop_token& stop) {
  Json watch = TRY(app::open_watch(workspace));
  const WallTime until = wall_from_millis(get_int(watch, "until_ms"));
  app::Vigil vigil = TRY(app::Vigil::open(workspace, span_of(workspace, watch), "watch"));
  BootTime next_look{0};
  std::optional<app::Checked> checked;
  int bad_looks = 0;  // one that failed alone decides nothing
  while (true) {
    app::VigilRound round;
    if (!vigil.no_signals()) {
      round = TRY(vigil.step(false, checked && bad_looks != 1 ? &*checked : nullptr, stop));
      tell_round(globals, round);
      if (const auto exit = act_on(globals, workspace, vigil)) return *exit == 0 ? 1 : *exit;
    }
    const bool over = system_clock().wall() >= until;
    if (system_clock().boot() >= next_look || over || round.decided) {
      next_look = system_clock().boot() + every;
      const app::SignalsAtLook signals{round.evidence, vigil.habits()};
      const app::WatchRound looked = TRY(app::look_again(workspace, signals, [](const app::Look&) {}));
      tell_looked(globals, looked);
      if (looked.report) {
        if (globals.json) print_json(json_of(looked));
        return globals.json ? (looked.report->verdict == "good" ? 0 : 1) : tell_end(globals, *looked.report);
      }
      checked = looked.checked;
      bad_looks = looked.checked.all_hold() ? 0 : bad_looks + 1;
    }
    const Millis left = until - system_clock().wall();
    const Millis pause =
        vigil.no_signals() ? std::clamp(left, Millis(10), every) : std::clamp(left, Millis(10), Millis(1'000));
    if (!system_clock().wait(pause, stop)) {
      if (!globals.quiet && !globals.json)
        std::printf("the watch goes on until %s: backout watch, or backout tick from a timer\n",
                    to_iso(until).substr(0, 19).c_str());
      return 4;
    }
  }
}

Result<int> run_watch(const Globals& globals, const WatchOptions& options) {
  const auto workspace = TRY(open(globals));
  const WatchConfig& config = workspace->site().watch;
  const Millis span = TRY(span_from(options.span, "--for", config.heightened));
  const Millis every = TRY(span_from(options.every, "--every", Millis(30'000)));
  if (TRY(app::open_watch(*workspace)).is_null()) {
    if (span == Millis(0))
      return Error{Code::kInvalid, "for how long? Neither --for nor watch.heightened says", "backout watch --for 10m"};
    TRY_VOID(app::begin_watch(*workspace, span, "asked for by " + workspace->actor()));
  } else if (!options.span.empty()) {
    return Error{Code::kRefused, "a watch is on already, and its time stands", "follow it: backout watch"};
  }
  std::stop_source stop;
  const Interrupt interrupt(stop);
  return follow(globals, *workspace, every, stop.get_token());
}

}  // namespace

int tick(const Globals& globals) {
  const auto exit = run_tick(globals);
  return exit ? *exit : fail(exit.error());
}

int watch(const Globals& globals, const WatchOptions& options) {
  const auto exit = run_watch(globals, options);
  return exit ? *exit : fail(exit.error());
}

}  // namespace backout::cli
