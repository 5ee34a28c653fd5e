// Report -> Markdown: the answer first, then the clock, then everything that was done.
#include "base/hash.h"
#include "base/text.h"
#include "record/markdown_text.h"
#include "record/report.h"

namespace backout::record {
namespace {

/// "2026-03-01 14:02:11 UTC"
std::string stamp(WallTime at) {
  const std::string iso = to_iso(at);
  return iso.substr(0, 10) + " " + iso.substr(11, 8) + " UTC";
}

std::string headline(const Report& report) {
  const std::string from = escaped(report.from.str()), to = escaped(report.to.str());
  if (report.result.empty()) return "There is no such run.";
  if (report.result == "running") return "The run has not ended.";
  if (report.result == "stopped") return fmt::format("**Stopped**, to be resumed: {}", escaped(report.why));
  if (report.result == "aborted") return fmt::format("**Put back** as it was found: {}. {}", from, escaped(report.why));
  if (report.result != "done")
    return fmt::format("**NOT {}**: {}", report.kind == RunKind::kRollback ? "rolled back" : "done",
                       escaped(report.why));
  switch (report.kind) {
    case RunKind::kRollback: return fmt::format("**Rolled back and verified**: {} -> {}.", from, to);
    case RunKind::kForward: return fmt::format("**Gone forward again and verified**: {} -> {}.", from, to);
    case RunKind::kDeploy: return fmt::format("**Deployed**, and its checks passed: {} -> {}.", from, to);
    case RunKind::kCheckpoint: return fmt::format("**Checkpoint taken** of {}.", from);
  }
  return "";
}

/// A command line for reading: a script that a driver composed is named by its size and hash. The whole is in the JSON
/// form.
std::vector<std::string> concise(std::vector<std::string> argv) {
  for (std::string& word : argv) {
    const auto lines = std::count(word.begin(), word.end(), '\n');
    if (lines > 2 || word.size() > 300)
      word = fmt::format("(script of {}, sha256 {})", counted(lines + 1, "line"), sha256_hex(word).substr(0, 12));
  }
  return argv;
}

/// Without the last line when it is the command's own report: that is told in words elsewhere.
std::string without_evidence(const std::string& out) {
  const size_t last = out.find_last_not_of('\n');
  if (last == std::string::npos || out[last] != '}') return out;
  const size_t start = out.rfind('\n', last);
  return start == std::string::npos ? "" : out.substr(0, start);
}

std::string ending(const CommandLine& command) {
  if (!command.ended) return "its end is not known";
  if (!command.started) return "it never started";
  if (command.timed_out) return "no answer in time, ended";
  if (command.signal != 0) return "ended by signal " + std::to_string(command.signal);
  if (!command.exit_status) return "no exit status";
  return "exit status " + std::to_string(*command.exit_status);
}

class Page {
 public:
  explicit Page(const Report& report) : r_(report) {}

  std::string text() && {
    const std::string name = r_.incident.empty() ? r_.run.str() : r_.incident.str();
    line("# " + escaped(name) + ": " + escaped(r_.site.str()));
    paragraph(headline(r_));
    if (r_.result.empty()) return std::move(text_);
    facts();
    list("Impact", r_.impact);
    clock();
    rows();
    steps("Steps", r_.steps);
    steps("Checks", r_.checks);
    unknowns();
    interruptions();
    questions();
    list("Releases and checkpoints", r_.changes);
    notes();
    beside();
    cause();
    next_time();
    follow_ups();
    commands();
    return std::move(text_);
  }

 private:
  void line(const std::string& text) { text_ += text + "\n"; }
  void paragraph(const std::string& text) { text_ += "\n" + text + "\n"; }
  void heading(const std::string& text) { text_ += "\n## " + text + "\n\n"; }
  void row(const std::vector<std::string>& cells) { line("| " + join(cells, " | ") + " |"); }
  void head(const std::vector<std::string>& cells) {
    row(cells);
    row(std::vector<std::string>(cells.size(), "---"));
  }
  void list(const std::string& title, const std::vector<std::string>& items) {
    if (items.empty()) return;
    heading(title);
    for (const std::string& item : items) line("- " + escaped(item));
  }
  static std::string version(const Version& version, const std::string& commit) {
    return escaped(version.str()) + (commit.empty() ? "" : " (" + escaped(shortened(commit, 12)) + ")");
  }

  void facts() {
    line("");
    head({"", ""});
    row({"from", version(r_.from, r_.from_commit)});
    row({"to", version(r_.to, r_.to_commit)});
    row({"why", escaped(r_.reason)});
    row({"by", escaped(r_.by)});
    row({"when", stamp(r_.started_at)});
    row({"took", for_people(r_.total) + ", outage " + for_people(r_.outage) + (r_.door_closed ? " so far" : "")});
    row({"exit status", std::to_string(r_.exit)});
    row({"run, plan", escaped(r_.run.str()) + ", " + escaped(r_.plan.str())});
  }

  void clock() {
    heading("Clock");
    head({"time (UTC)", "what", "after", ""});
    for (const Moment& moment : r_.clock)
      row({stamp(moment.at).substr(0, 19), escaped(moment.what),
           moment.since_before ? for_people(*moment.since_before) : "", escaped(moment.detail)});
  }

  void rows() {
    if (!r_.rows.empty()) {
      heading("Rows written since the checkpoint");
      head({"table", "inserted", "updated", "deleted", "carried over"});
      for (const TableRows& table : r_.rows)
        row({escaped(table.table), std::to_string(table.inserted), std::to_string(table.updated),
             std::to_string(table.deleted), std::to_string(table.carried)});
    }
    list("Rows that could not be carried over", r_.conflicts);
    if (const int64_t more = r_.conflict_count - static_cast<int64_t>(r_.conflicts.size()); more > 0)
      line("- and " + std::to_string(more) + " more");
    list("Left behind", r_.residue);
  }

  void steps(const std::string& title, const std::vector<StepLine>& lines) {
    if (lines.empty()) return;
    heading(title);
    head({"time", "phase", "step", "host", "outcome", "took", "seen"});
    for (const StepLine& step : lines)
      row({to_hms(step.at), escaped(step.phase), escaped((step.purpose == "undo" ? "undo " : "") + step.step),
           escaped(step.host), escaped(replaced(std::string(name_of(step.kind)), "_", " ")), for_people(step.took),
           escaped(step.why)});
  }

  void unknowns() {
    std::vector<std::string> items;
    for (const Unknown& unknown : r_.unknowns)
      items.push_back(fmt::format(
          "{} {} on {}: {}. {}", to_hms(unknown.step.at), unknown.step.step, unknown.step.host, unknown.step.why,
          unknown.resolved.empty() ? "It stayed Unknown." : "Looked again: " + unknown.resolved));
    list("Unknown at first", items);
  }

  void interruptions() {
    std::vector<std::string> items;
    for (const Interruption& one : r_.interruptions) items.push_back(to_hms(one.at) + " " + one.what);
    list("Interruptions", items);
  }

  void questions() {
    std::vector<std::string> items;
    for (const Answered& one : r_.questions)
      items.push_back(fmt::format("{} {} {}", to_hms(one.at), one.question,
                                  one.answer.empty() ? "(nobody answered)" : one.by + ": " + one.answer));
    list("Questions", items);
  }

  void notes() {
    std::vector<std::string> items;
    for (const NoteLine& note : r_.notes)
      items.push_back(to_hms(note.at) + " " + note.by + ": " + note.text +
                      (note.file.empty() ? "" : " (file " + note.file + ")"));
    list("Notes", items);
  }

  void beside() {
    std::vector<std::string> items;
    for (const Beside& one : r_.beside) items.push_back(one.incident.str() + ": " + one.why);
    list("Incidents beside this one", items);
  }

  /// The root-cause questions, answered or open.
  void cause() {
    if (r_.next_time.empty()) return;
    heading("Cause");
    const Resolution told = r_.resolution.value_or(Resolution{});
    head({"question", "answer"});
    const auto answer = [](const std::string& text) { return text.empty() ? std::string("(open)") : escaped(text); };
    row({"What failed, and why?", answer(told.cause)});
    row({"What was done about it?", answer(told.fix)});
    row({"Why did testing not catch it?", answer(told.missed)});
    row({"What will catch it, or prevent it, next time?", answer(told.prevent)});
    if (r_.resolution) paragraph(escaped("By " + told.by) + ", " + stamp(told.at) + ".");
  }

  void next_time() {
    if (r_.next_time.empty()) return;
    heading("Before " + escaped(r_.from.str()) + " goes out again");
    for (const Condition& each : r_.next_time) line(fmt::format("- [{}] {}", each.met ? "x" : " ", escaped(each.what)));
  }

  void follow_ups() {
    if (r_.follow_ups.empty()) return;
    heading("Follow-ups");
    for (const FollowUp& item : r_.follow_ups)
      line(fmt::format("- [ ] by {}: {}", stamp(item.due), escaped(item.text)));
  }

  void commands() {
    if (r_.commands.empty()) return;
    heading("Commands");
    line("Each with where it ran, as whom, what it answered and the end of what it printed.");
    for (const CommandLine& command : r_.commands) {
      paragraph(fmt::format("### {} {}{} on {}: {}{}", to_hms(command.started_at),
                            command.purpose == "undo" ? "undo " : "", escaped(command.step), escaped(command.host),
                            ending(command), command.ended && command.started ? ", " + for_people(command.took) : ""));
      std::vector<std::string> where;
      if (!command.user.empty()) where.push_back("as " + escaped(command.user));
      if (!command.cwd.empty()) where.push_back("in " + escaped(command.cwd));
      if (!where.empty()) paragraph(join(where, ", "));
      text_ += "\n" + code_block(typed(concise(command.argv)));
      print("printed" + std::string(command.truncated ? ", the end of it" : ""), without_evidence(command.out_tail));
      print("on standard error", command.err_tail);
    }
  }
  void print(const std::string& what, const std::string& output) {
    const std::string block = code_block(output);
    if (block.empty()) return;
    paragraph(what + ":");
    text_ += "\n" + block;
  }

  const Report& r_;
  std::string text_;
};

}  // namespace

std::string to_markdown(const Report& report) { return Page(report).text(); }

}  // namespace backout::record
