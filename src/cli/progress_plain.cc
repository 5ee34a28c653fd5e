#include <cstdio>
#include <map>

#include "base/text.h"
#include "cli/progress_view.h"
#include "cli/said_once.h"

namespace backout::cli {
namespace {

std::string mark(const Outcome& outcome) {
  switch (outcome.kind) {
    case OutcomeKind::kApplied: return "done";
    case OutcomeKind::kAlreadyDone: return "was done already";
    case OutcomeKind::kRefused: return "REFUSED";
    case OutcomeKind::kFailed: return "FAILED";
    case OutcomeKind::kUnknown: return get_bool(outcome.evidence, "ended_early") ? "ended" : "UNKNOWN";
  }
  return "";
}

std::string place(const std::string& host) { return host == "local" ? "" : " on " + host; }

/// One timestamped line per event: for pipes, logs and people who scroll.
class PlainProgress : public run::Progress {
 public:
  explicit PlainProgress(const Globals& globals) : verbose_(globals.verbose), quiet_(globals.quiet || globals.json) {}

  void run_begins(const RunId& run, const IncidentId& incident, const Plan& plan, bool again) override {
    line(fmt::format("{}  {}  {} -> {}   plan {}{}", incident.empty() ? run.str() : incident.str(),
                     plan.contract.site.str(), one_line(plan.contract.from.str()), one_line(plan.contract.to.str()),
                     plan.id, again ? "   taken up again" : ""));
  }
  void step_begins(const Step& step, const std::string& host, run::Purpose purpose) override {
    if (verbose_)
      line(fmt::format("{:<8} {}{}{}: {}", part_of(step.phase), undoing(purpose), step.id, place(host),
                       one_line(step.title)));
  }
  /// While it waits: each reason once, for it is looked at several times a second. How it ended is told at the end.
  void step_says(const Step& step, const std::string& host, const std::string& text) override {
    if (!verbose_ && !told_[step.id.str() + "@" + host].is_news(text)) return;
    line(fmt::format("{:<8} {}{}: {}", part_of(step.phase), step.id, place(host), one_line(text)));
  }
  void step_prints(const Step& step, const std::string& host, std::string_view chunk) override {
    // A deploy command's own output is what its user wants to see; of the others only when asked.
    if (quiet_ || (!verbose_ && step.action.verb != "deploy")) return;
    std::string& rest = rest_[step.id.str() + "@" + host];
    rest += chunk;
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      line(fmt::format("  {}{} | {}", step.id, place(host), sanitised(rest.substr(0, end))));
      rest.erase(0, end + 1);
    }
    if (rest.size() > 4096) line(fmt::format("  {}{} | {}", step.id, place(host), sanitised(rest))), rest.clear();
  }
  void step_ends(const Step& step, const std::string& host, run::Purpose purpose, const Outcome& outcome) override {
    told_.erase(step.id.str() + "@" + host);
    if (const auto rest = rest_.find(step.id.str() + "@" + host); rest != rest_.end() && !rest->second.empty())
      line(fmt::format("  {}{} | {}", step.id, place(host), sanitised(rest->second))), rest_.erase(rest);
    const bool say_why =
        verbose_ || !outcome.succeeded() || outcome.kind == OutcomeKind::kAlreadyDone || step.kind == StepKind::kLook;
    line(fmt::format("{:<8} {}{}{} {} {}{}", part_of(step.phase), undoing(purpose), step.id, place(host), mark(outcome),
                     for_people(outcome.took), say_why ? ": " + one_line(outcome.why) : ""));
    for (const std::string& words : last_words(outcome)) line(fmt::format("  {}{} | {}", step.id, place(host), words));
  }
  void door(bool open, run::KeptOutBy by) override {
    if (by == run::KeptOutBy::kServices)
      line(open ? "services run again: users are back" : "services are stopped: users are outside from now on");
    else
      line(open ? "the door is open: users are back" : "the door closes: users are outside from now on");
  }
  void turns(const std::string& why) override { line("putting everything back: " + one_line(why)); }

 private:
  static std::string_view undoing(run::Purpose purpose) { return purpose == run::Purpose::kUndo ? "undo " : ""; }
  void line(const std::string& text) {
    if (quiet_) return;
    std::printf("%s %s\n", to_hms(system_clock().wall()).c_str(), text.c_str());
    std::fflush(stdout);
  }
  const bool verbose_, quiet_;
  std::map<std::string, std::string> rest_;  // of output lines not ended yet
  std::map<std::string, SaidOnce> told_;
};

}  // namespace

std::vector<std::string> last_words(const Outcome& outcome) {
  constexpr size_t kShown = 10;
  std::vector<std::string> lines;
  if (outcome.succeeded()) return lines;
  for (const Json& line : get(outcome.evidence, "log"))
    if (line.is_string()) lines.push_back(one_line(line.get<std::string>()));
  if (lines.size() > kShown) lines.erase(lines.begin(), lines.end() - kShown);
  return lines;
}

std::unique_ptr<run::Progress> make_plain_progress(const Globals& globals) {
  return std::make_unique<PlainProgress>(globals);
}

}  // namespace backout::cli
