// Report -> Markdown: the answer first, then the clock, then everything that was done.
#include "base/text.h"
#include "record/markdown_text.h"
#include "record/people.h"
#include "record/report.h"
#include "record/words.h"

namespace backout::record {
namespace {

std::string headline(const Report& report) {
  const std::string from = escaped(report.from.str()), to = escaped(report.to.str());
  if (report.result.empty()) return "There is no such run.";
  if (report.result == "running") return "The run has not ended.";
  if (report.result == "stopped") return fmt::format("**Stopped**, to be resumed: {}", escaped(report.why));
  if (report.result == "aborted" && report.exit == 5)
    return fmt::format("**NOT put back** as it was found: {}", escaped(report.why));
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
    list("Decision", r_.decided);
    clock();
    rows();
    steps("Steps", r_.steps);
    steps("Checks", r_.checks);
    list("Unknown at first", unknowns_of(r_));
    list("Interruptions", interruptions_of(r_));
    list("Questions", questions_of(r_));
    list("Releases and checkpoints", r_.changes);
    list("Notes", notes_of(r_));
    list("Incidents beside this one", beside_of(r_));
    cause();
    next_time();
    people();
    watches();
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
    row({"took", for_people(r_.total) + ", outage " + outage_of(r_)});
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

  void people() {
    for (const Section& section : people_sections()) {
      if (section.key == "public") continue;  // stands in the public form
      heading(std::string(section.title));
      std::string text;
      if (const auto said = r_.people.find(std::string(section.key)); said != r_.people.end())
        for (const std::string& said_line : split(trimmed(sanitised(said->second)), '\n'))
          text += escaped(said_line) + "\n";
      text_ += people_block(section.key, text.empty() ? "Nobody has written this yet.\n" : text);
    }
  }

  void watches() {
    for (const WatchSummary& watch : r_.watches) list("Watched afterwards: " + escaped(watch.id), lines_of(watch));
  }

  void cause() {
    const auto answers = cause_of(r_);
    if (answers.empty()) return;
    heading("Cause");
    head({"question", "answer"});
    for (const auto& [question, answer] : answers) row({question, escaped(answer)});
    if (r_.resolution) paragraph(escaped("By " + r_.resolution->by) + ", " + stamp(r_.resolution->at) + ".");
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
      paragraph(fmt::format("### {} {}{} on {}: {}", to_hms(command.started_at),
                            command.purpose == "undo" ? "undo " : "", escaped(command.step), escaped(command.host),
                            ending_of(command)));
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
