#include "record/words.h"

#include "base/hash.h"
#include "base/text.h"

namespace backout::record {
namespace {

std::string version_of(const Version& version, const std::string& commit) {
  return version.str() + (commit.empty() ? "" : " (" + shortened(commit, 12) + ")");
}

}  // namespace

std::string stamp(WallTime at) {
  const std::string iso = to_iso(at);
  return iso.substr(0, 10) + " " + iso.substr(11, 8) + " UTC";
}

std::string words_of_door(const Event& event) {
  const bool services = get_string(event.body, "by") == "services", opened = event.type == EventType::kDoorOpened;
  return opened ? (services ? "services run" : "door opened") : services ? "services stopped" : "door closed";
}
bool users_leave(const Moment& moment) { return moment.what == "door closed" || moment.what == "services stopped"; }
bool users_return(const Moment& moment) { return moment.what == "door opened" || moment.what == "services run"; }

std::string headline_of(const Report& report) {
  const std::string from = report.from.str(), to = report.to.str();
  if (report.result.empty()) return "There is no such run.";
  if (report.result == "running") return "The run has not ended.";
  if (report.result == "stopped") return "Stopped, to be resumed: " + report.why;
  if (report.result == "aborted" && report.exit == 5) return "NOT put back as it was found: " + report.why;
  if (report.result == "aborted") return fmt::format("Put back as it was found: {}. {}", from, report.why);
  if (report.result != "done")
    return fmt::format("NOT {}: {}", report.kind == RunKind::kRollback ? "rolled back" : "done", report.why);
  switch (report.kind) {
    case RunKind::kRollback: return fmt::format("Rolled back and verified: {} -> {}.", from, to);
    case RunKind::kForward: return fmt::format("Gone forward again and verified: {} -> {}.", from, to);
    case RunKind::kDeploy: return fmt::format("Deployed, and its checks passed: {} -> {}.", from, to);
    case RunKind::kCheckpoint: return fmt::format("Checkpoint taken of {}.", from);
  }
  return "";
}

std::string outage_of(const Report& report) {
  return report.outside_since ? "since " + stamp(*report.outside_since) + ", not over" : for_people(report.outage);
}

std::vector<std::pair<std::string, std::string>> facts_of(const Report& r) {
  return {{"from", version_of(r.from, r.from_commit)},
          {"to", version_of(r.to, r.to_commit)},
          {"why", r.reason},
          {"by", r.by},
          {"when", stamp(r.started_at)},
          {"took", for_people(r.total) + ", outage " + outage_of(r)},
          {"exit status", std::to_string(r.exit)},
          {"run, plan", r.run.str() + ", " + r.plan.str()}};
}

std::vector<std::string> unknowns_of(const Report& r) {
  std::vector<std::string> items;
  for (const Unknown& unknown : r.unknowns)
    items.push_back(fmt::format("{} {} on {}: {}. {}", to_hms(unknown.step.at), unknown.step.step, unknown.step.host,
                                unknown.step.why,
                                unknown.resolved.empty() ? "It stayed Unknown." : "Looked again: " + unknown.resolved));
  return items;
}

std::vector<std::string> interruptions_of(const Report& r) {
  std::vector<std::string> items;
  for (const Interruption& one : r.interruptions) items.push_back(to_hms(one.at) + " " + one.what);
  return items;
}

std::vector<std::string> questions_of(const Report& r) {
  std::vector<std::string> items;
  for (const Answered& one : r.questions) {
    std::string said = "(nobody answered)";
    if (!one.answer.empty())
      said = one.by + ": " + one.answer + (one.note.empty() ? "" : ", " + one.note) +
             (one.waited ? " (after " + for_people(*one.waited) + ")" : "");
    items.push_back(fmt::format("{} {} {}", to_hms(one.at), one.question, said));
  }
  return items;
}

std::vector<std::string> notes_of(const Report& r) {
  std::vector<std::string> items;
  for (const NoteLine& note : r.notes)
    items.push_back(to_hms(note.at) + " " + note.by + ": " + note.text +
                    (note.file.empty() ? "" : " (file " + note.file + ")"));
  return items;
}

std::vector<std::string> concise(std::vector<std::string> argv) {
  for (std::string& word : argv) {
    const auto lines = std::count(word.begin(), word.end(), '\n');
    if (lines > 2 || word.size() > 300)
      word = fmt::format("(script of {}, sha256 {})", counted(lines + 1, "line"), sha256_hex(word).substr(0, 12));
  }
  return argv;
}

std::string without_evidence(const std::string& out) {
  const size_t last = out.find_last_not_of('\n');
  if (last == std::string::npos || out[last] != '}') return out;
  const size_t start = out.rfind('\n', last);
  return start == std::string::npos ? "" : out.substr(0, start);
}

std::string ending_of(const CommandLine& command) {
  if (!command.ended) return "its end is not known";
  if (!command.started) return "it never started";
  const std::string took = ", " + for_people(command.took);
  if (command.timed_out) return "no answer in time, ended" + took;
  if (command.signal != 0) return "ended by signal " + std::to_string(command.signal) + took;
  if (!command.exit_status) return "no exit status" + took;
  return "exit status " + std::to_string(*command.exit_status) + took;
}

std::vector<std::string> beside_of(const Report& report) {
  std::vector<std::string> items;
  for (const Beside& one : report.beside) items.push_back(one.incident.str() + ": " + one.why);
  return items;
}

std::vector<std::pair<std::string, std::string>> cause_of(const Report& report) {
  if (report.next_time.empty()) return {};
  const Resolution told = report.resolution.value_or(Resolution{});
  const auto answer = [](const std::string& text) { return text.empty() ? std::string("(open)") : text; };
  return {{"What failed, and why?", answer(told.cause)},
          {"What was done about it?", answer(told.fix)},
          {"Why did testing not catch it?", answer(told.missed)},
          {"What will catch it, or prevent it, next time?", answer(told.prevent)}};
}

}  // namespace backout::record
