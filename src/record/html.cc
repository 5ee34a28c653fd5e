#include "record/html.h"

#include "base/text.h"
#include "record/html_text.h"
#include "record/markdown_text.h"
#include "record/people.h"
#include "record/timeline.h"
#include "record/words.h"

namespace backout::record {
namespace {

std::string_view tone_of(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kApplied:
    case OutcomeKind::kAlreadyDone: return "fine";
    case OutcomeKind::kRefused:
    case OutcomeKind::kFailed: return "failed";
    case OutcomeKind::kUnknown: return "unknown";
  }
  return "";
}

struct Cell {
  std::string text;
  std::string_view tone = {};
};

class Page {
 public:
  explicit Page(const Report& report) : r_(report) {}

  std::string text() && {
    const std::string name = r_.incident.empty() ? r_.run.str() : r_.incident.str();
    out_ = page_begin(name + ": " + r_.site.str());
    out_ += "<main>\n<h1>" + html(name) + ": " + html(r_.site.str()) + "</h1>\n";
    const bool fine = r_.result == "done";
    out_ += fmt::format("<p class=\"verdict {}\"><strong>{}</strong></p>\n", fine ? "fine" : "failed",
                        html(headline_of(r_)));
    if (!r_.result.empty()) body();
    out_ += "</main>\n" + page_end();
    return std::move(out_);
  }

 private:
  void body() {
    facts();
    list("Impact", r_.impact);
    list("Decision", r_.decided);
    people();
    heading("Timeline");
    out_ += "<div class=\"wide\">" + to_svg(timeline_of(r_)) + "</div>\n";
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
    for (const WatchSummary& watch : r_.watches) list("Watched afterwards: " + watch.id, lines_of(watch));
    follow_ups();
    commands();
  }

  void heading(const std::string& title) { out_ += "<h2>" + html(title) + "</h2>\n"; }
  void list(const std::string& title, const std::vector<std::string>& items) {
    if (items.empty()) return;
    heading(title);
    out_ += "<ul>\n";
    for (const std::string& item : items) out_ += "<li><bdi>" + html(item) + "</bdi></li>\n";
    out_ += "</ul>\n";
  }
  void head(const std::vector<std::string>& names) {
    out_ += "<div class=\"wide\"><table>\n<thead><tr>";
    for (const std::string& name : names) out_ += "<th scope=\"col\">" + html(name) + "</th>";
    out_ += "</tr></thead>\n<tbody>\n";
  }
  void row(const std::vector<Cell>& cells) {
    out_ += "<tr>";
    for (const Cell& cell : cells)
      out_ += (cell.tone.empty() ? "<td>" : fmt::format("<td class=\"{}\">", cell.tone)) + "<bdi>" + html(cell.text) +
              "</bdi></td>";
    out_ += "</tr>\n";
  }
  void end_table() { out_ += "</tbody></table></div>\n"; }

  void facts() {
    out_ += "<div class=\"wide\"><table>\n<tbody>\n";
    for (const auto& [name, value] : facts_of(r_))
      out_ += "<tr><th scope=\"row\">" + html(name) + "</th><td><bdi>" + html(value) + "</bdi></td></tr>\n";
    end_table();
  }

  void people() {
    for (const Section& section : people_sections()) {
      if (section.key == "public") continue;  // stands in the public form
      heading(std::string(section.title));
      out_ += "<div class=\"people\">\n" + people_block(section.key, text_of(section.key)) + "</div>\n";
    }
  }
  std::string text_of(std::string_view key) const {
    const auto said = r_.people.find(std::string(key));
    if (said == r_.people.end()) return "<p class=\"dim\">Nobody has written this yet.</p>\n";
    std::string text;
    for (const std::string& paragraph : split(trimmed(sanitised(said->second)), '\n'))
      if (!trimmed(paragraph).empty()) text += "<p><bdi>" + html(paragraph) + "</bdi></p>\n";
    return text;
  }

  void clock() {
    head({"time (UTC)", "what", "after", ""});
    for (const Moment& moment : r_.clock)
      row({{stamp(moment.at).substr(0, 19)},
           {moment.what},
           {moment.since_before ? for_people(*moment.since_before) : ""},
           {moment.detail}});
    end_table();
  }

  void rows() {
    if (!r_.rows.empty()) {
      heading("Rows written since the checkpoint");
      head({"table", "inserted", "updated", "deleted", "carried over"});
      for (const TableRows& table : r_.rows)
        row({{table.table},
             {std::to_string(table.inserted)},
             {std::to_string(table.updated)},
             {std::to_string(table.deleted)},
             {std::to_string(table.carried)}});
      end_table();
    }
    std::vector<std::string> conflicts = r_.conflicts;
    if (const int64_t more = r_.conflict_count - std::ssize(r_.conflicts); more > 0)
      conflicts.push_back("and " + std::to_string(more) + " more");
    list("Rows that could not be carried over", conflicts);
    list("Left behind", r_.residue);
  }

  void steps(const std::string& title, const std::vector<StepLine>& lines) {
    if (lines.empty()) return;
    heading(title);
    head({"time", "phase", "step", "host", "outcome", "took", "seen"});
    for (const StepLine& step : lines)
      row({{to_hms(step.at)},
           {step.phase},
           {(step.purpose == "undo" ? "undo " : "") + step.step},
           {step.host},
           {std::string(name_of(step.kind)), tone_of(step.kind)},
           {for_people(step.took)},
           {step.why}});
    end_table();
  }

  void cause() {
    const auto answers = cause_of(r_);
    if (answers.empty()) return;
    heading("Cause");
    head({"question", "answer"});
    for (const auto& [question, answer] : answers) row({{question}, {answer}});
    end_table();
    if (r_.resolution)
      out_ += "<p class=\"dim\">By " + html(r_.resolution->by) + ", " + stamp(r_.resolution->at) + ".</p>\n";
  }

  void next_time() {
    std::vector<std::string> items;
    for (const Condition& each : r_.next_time) items.push_back((each.met ? "done: " : "open: ") + each.what);
    list("Before " + r_.from.str() + " goes out again", items);
  }

  void follow_ups() {
    if (r_.follow_ups.empty()) return;
    std::vector<std::string> items;
    for (const FollowUp& item : r_.follow_ups) items.push_back("by " + stamp(item.due) + ": " + item.text);
    list("Follow-ups", items);
  }

  void commands() {
    if (r_.commands.empty()) return;
    heading("Commands");
    for (const CommandLine& command : r_.commands) {
      out_ += fmt::format("<details><summary>{} {}{} on {}: {}</summary>\n", to_hms(command.started_at),
                          command.purpose == "undo" ? "undo " : "", html(command.step), html(command.host),
                          html(ending_of(command)));
      if (!command.user.empty() || !command.cwd.empty())
        out_ += "<p class=\"dim\">" +
                html((command.user.empty() ? "" : "as " + command.user + " ") +
                     (command.cwd.empty() ? "" : "in " + command.cwd)) +
                "</p>\n";
      pre(typed(concise(command.argv)));
      pre(without_evidence(command.out_tail));
      pre(command.err_tail);
      out_ += "</details>\n";
    }
  }
  void pre(const std::string& output) {
    if (!trimmed(sanitised(output)).empty()) out_ += "<pre>" + html_lines(output) + "</pre>\n";
  }

  const Report& r_;
  std::string out_;
};

}  // namespace

std::string to_html(const Report& report) { return Page(report).text(); }

}  // namespace backout::record
