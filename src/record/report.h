// Report: what happened in one run, as a value made from the events of its site and nothing else.
//
// The same events give the same report, today or in a year. Text in it comes from people and from commands; it is data,
// and to_markdown() escapes it. Durations are differences of boot time where both events are of one boot (between(),
// model/event.h). The JSON form has a version and is documented in docs/formats/report.md.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/event.h"
#include "model/outcome.h"
#include "model/plan.h"
#include "record/watch.h"

namespace backout::record {

/// One line of the clock table.
struct Moment {
  std::string what;  // "deployed", "first bad sign", "run started", "door closed", "door opened", "ended"; where
                     // there is no door: "services stopped", "services run"
  WallTime at{};
  std::optional<Millis> since_before;  // from the line before; none on the first
  std::string detail;                  // "v2.4.0 by dana"; may be empty
};

/// One command at a target: an intent, and its end if it came.
struct CommandLine {
  std::string step, host, purpose;  // purpose: apply | undo
  std::vector<std::string> argv;
  std::string cwd, user;
  WallTime started_at{};
  bool ended = false;   // false: its end is not in the journal
  bool started = true;  // false: the target was asked, and knows nothing of it
  std::optional<int> exit_status;
  int signal = 0;
  bool timed_out = false;
  bool truncated = false;  // more was printed than is kept
  Millis took{0};
  std::string out_tail, err_tail;
};

/// How a step ended on a host. A step that was tried again has one for each time.
struct StepLine {
  std::string step, title, phase, host, purpose;
  OutcomeKind kind = OutcomeKind::kUnknown;
  std::string why;
  WallTime at{};
  Millis took{0};
};

/// Rows that users wrote since the checkpoint, of one table.
struct TableRows {
  std::string table;
  int64_t inserted = 0, updated = 0, deleted = 0;  // found
  int64_t carried = 0;                             // of these, now in the database that serves
};

struct Interruption {
  WallTime at{};
  std::string what;  // "stopped: connection lost", "dana@web-1 pid 4121 took over, token 8: resume of RUN-3"
};
struct Answered {
  WallTime at{};                     // of the answer; of the question while there is none
  std::string question, answer, by;  // no answer: asked, and nobody answered
  std::string note, role;            // what was seen; who should have answered
  std::optional<Millis> waited;      // from question to answer; none: not asked by a run
};
struct NoteLine {
  WallTime at{};
  std::string text, by, file;
};
struct FollowUp {
  Millis within{0};  // of the end of the run
  WallTime due{};
  std::string text;
};
struct Unknown {
  StepLine step;
  std::string resolved;  // how the next look at the same step and host ended; empty: it stayed Unknown
};

/// An incident of its own that came with the run.
struct Beside {
  IncidentId incident;
  std::string why;
};

struct Report {
  RunId run;
  IncidentId incident;
  SiteId site;
  RunKind kind = RunKind::kRollback;
  PlanId plan;
  Version from, to;
  std::string from_commit, to_commit;
  std::string reason, by;
  std::string result;  // done | aborted | failed | unverified | stopped | running; empty: no such run
  std::string why;     // of the end or the last stop
  int exit = 0;
  bool turned = false;                // it undid what it had done
  WallTime started_at{}, ended_at{};  // ended_at: the last event of a run that has not ended
  Millis total{0};
  Millis outage{0};                       // users outside: every span from door closed to door opened
  bool door_closed = false;               // still, as far as the journal says, and no later run opened it
  std::optional<WallTime> outside_since;  // then; `outage` is counted to the newest event of the site
  std::vector<Moment> clock;
  std::vector<std::string> impact;      // sentences
  std::vector<std::string> decided;     // what was decided before it, and what people had said (decided.h)
  std::vector<StepLine> steps, checks;  // checks: the steps that only look or ask
  std::vector<CommandLine> commands;
  std::vector<TableRows> rows;
  std::vector<std::string> conflicts;  // rows that could not be carried, and why: the first ones
  int64_t conflict_count = 0;          // all of them
  std::vector<std::string> residue;    // what stays elsewhere and must not be forgotten
  std::vector<Unknown> unknowns;
  std::vector<Interruption> interruptions;
  std::vector<Answered> questions;
  std::vector<NoteLine> notes;
  std::vector<std::string> changes;  // to releases and checkpoints: "v2.4.0 is marked bad: ..."
  std::vector<Beside> beside;
  std::optional<Resolution> resolution;  // why `from` failed, once somebody has said it
  std::string database_rung;             // of the plan: "restore", "step-down", "leave", "none"
  std::vector<Condition> next_time;      // before `from` goes out again
  std::vector<FollowUp> follow_ups;
  std::vector<WatchSummary> watches;          // that followed the run
  std::map<std::string, std::string> people;  // what people wrote, by section: the newest of each (record/people.h)
  bool ended() const { return result != "running" && result != "stopped"; }
  int64_t rows_found() const;
  int64_t rows_carried() const;
};

/// `events`: all of the site, in order of seq; those that matter are picked. An unknown run gives an empty result.
Report make_report(const std::vector<Event>& events, const RunId& run);

std::string to_markdown(const Report& report);
Json to_json(const Report& report);

}  // namespace backout::record
