#include <cstdio>

#include "app/history/runs.h"
#include "base/text.h"
#include "cli/opened.h"

namespace backout::cli {
namespace {

std::string summary(const Event& event) {
  const Json& body = event.body;
  const auto say = [&](const char* key) { return one_line(get_string(body, key)); };
  switch (event.type) {
    case EventType::kLeaseGranted: return "held by " + say("holder") + ": " + say("doing");
    case EventType::kLeaseReleased: return "";
    case EventType::kCheckpointTaken: return say("checkpoint") + " brings " + say("version") + " back";
    case EventType::kCheckpointVerified: return say("checkpoint") + " " + say("how");
    case EventType::kReleaseRecorded: return say("version") + " " + say("why");
    case EventType::kReleaseState: return say("release") + " is " + say("state") + ": " + say("why");
    case EventType::kReleaseCurrent: return say("version") + " runs: " + say("why");
    case EventType::kReleaseLooked:
      return say("release") + " " + say("result") + (say("failed").empty() ? "" : ": " + say("failed"));
    case EventType::kReleaseResolved:
      return say("version") + ": " + say("cause") + (say("fix").empty() ? "" : "; mended: " + say("fix"));
    case EventType::kCiSeen: return say("version") + " CI " + say("result") + ": " + say("why");
    case EventType::kIncidentOpened: return say("incident") + ": " + say("why");
    case EventType::kPlanMade: return say("plan");
    case EventType::kRunStarted:
      return fmt::format("{} {} -> {}: {}", say("kind"), say("from"), say("to"), say("reason"));
    case EventType::kAttemptIntended: return fmt::format("{} {} on {}", say("purpose"), say("step"), say("host"));
    case EventType::kAttemptEnded:
      return fmt::format("{} {} on {}: exit {} in {}", say("purpose"), say("step"), say("host"),
                         get_int(body, "exit_status", -1), for_people(Millis(get_int(body, "took_ms"))));
    case EventType::kStepEnded: {
      const Json& outcome = get(body, "outcome");
      return fmt::format("{} {} on {}: {}: {}", say("purpose"), say("step"), say("host"), get_string(outcome, "kind"),
                         one_line(get_string(outcome, "why")));
    }
    case EventType::kQuestionAsked: return say("question");
    case EventType::kQuestionAnswered: return fmt::format("{} '{}' by {}", say("question"), say("answer"), say("by"));
    case EventType::kRunTurned: return say("why");
    case EventType::kDoorClosed:
      return say("step") + (say("by") == "services" ? ": services are stopped, and there is no door" : "");
    case EventType::kDoorOpened:
      return say("step") + (say("by") == "services" ? ": services run again, and there is no door" : "");
    case EventType::kRunStopped: return fmt::format("exit {}: {}", get_int(body, "exit"), say("why"));
    case EventType::kRunEnded: return fmt::format("{}, exit {}: {}", say("result"), get_int(body, "exit"), say("why"));
    case EventType::kNote: return say("text");
    case EventType::kReadyLooked: return say("says");
    case EventType::kEvidenceDeleted: return say("path");
    case EventType::kWatchStarted: return say("watch") + " of " + say("version") + ": " + say("why");
    case EventType::kWatchLook:
      return fmt::format("{}: {} of {} did not hold", say("watch"), get(body, "bad").size(), get_int(body, "looks"));
    case EventType::kWatchTrouble: return say("watch") + ": " + say("why");
    case EventType::kWatchEnded: return say("watch") + " " + say("verdict") + ": " + say("why");
    case EventType::kDeploysResumed:
      return fmt::format("{} on {}: {}: {}", say("step"), say("host"), say("result"), say("why"));
    case EventType::kLogLevel: return say("state") + ": " + say("why");
    case EventType::kBackupTaken: return say("path") + " (" + say("made") + ")";
    case EventType::kBackupTested:
      return fmt::format("{} is {}{}", say("path"), say("result"), say("why").empty() ? "" : ": " + say("why"));
    case EventType::kBackupFailed: return say("why");
    case EventType::kBackupDeleted: return say("path") + ": " + say("why");
    case EventType::kProblemReported: return say("by") + ": " + say("text");
    case EventType::kFactStated: return fmt::format("{} = {} by {}", say("fact"), say("value"), say("by"));
    case EventType::kVerdictGiven:
      return one_line(get_string(get(body, "verdict"), "verdict") + ": " + get_string(get(body, "verdict"), "reason"));
  }
  return "";
}

void show_output(const Event& event) {
  for (const char* stream : {"out_tail", "err_tail"})
    for (const std::string& line : split(trimmed(get_string(event.body, stream)), '\n'))
      if (!line.empty()) std::printf("             | %s\n", sanitised(line).c_str());
}

}  // namespace

int log(const Globals& globals, const std::string& run, const std::string& step) {
  const auto shown = [&]() -> Result<int> {
    const auto workspace = TRY(open(globals));
    journal::Journal& journal = workspace->journal();
    const SiteId& site = workspace->site().id;
    RunId wanted;
    if (!run.empty()) {
      wanted = TRY(app::run_named(journal, site, run)).value_or(RunId());
      if (wanted.empty())
        return Error{Code::kNotFound, "there is no run '" + one_line(run) + "' on " + site.str(),
                     "see them: backout log"};
    }
    Json list = Json::array();
    for (const Event& event : TRY(journal.read(site, 0, wanted))) {
      if (!step.empty() && get_string(event.body, "step") != step) continue;
      if (globals.json) {
        list.push_back({{"seq", event.seq},
                        {"at_ms", to_millis(event.at)},
                        {"type", name_of(event.type)},
                        {"actor", event.actor},
                        {"run", event.run.str()},
                        {"body", event.body}});
        continue;
      }
      if (event.type == EventType::kLeaseReleased && !globals.verbose) continue;
      std::printf("%s %-19s %s\n", to_iso(event.at).substr(0, 19).c_str(), std::string(name_of(event.type)).c_str(),
                  shortened(summary(event), 400).c_str());
      if (event.type == EventType::kAttemptEnded && (globals.verbose || !step.empty())) show_output(event);
    }
    if (globals.json) print_json({{"site", site.str()}, {"events", std::move(list)}});
    return 0;
  }();
  return shown ? *shown : fail(shown.error());
}

}  // namespace backout::cli
