#include <unistd.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "cli/progress_view.h"
#include "cli/terminal.h"

namespace backout::cli {
namespace {

/// A finished part stays as it is; the last lines (what runs now, the outage so far) are drawn again and again.
class LiveProgress : public run::Progress {
 public:
  explicit LiveProgress(const Globals& globals)
      : style_(style_for(STDOUT_FILENO, globals.no_color)),
        verbose_(globals.verbose),
        ticker_([this](std::stop_token stop) {
          while (system_clock().wait(Millis(200), stop)) {
            const std::lock_guard lock(mutex_);
            draw();
          }
        }) {}
  ~LiveProgress() override {
    ticker_.request_stop();
    ticker_.join();
    const std::lock_guard lock(mutex_);
    running_.clear();
    draw();
    std::printf("\n");
  }

  void run_begins(const RunId& run, const IncidentId& incident, const Plan& plan, bool again) override {
    const std::lock_guard lock(mutex_);
    forecast_ = plan.forecast;
    keep(fmt::format("{}  {}  {} -> {}   plan {}{}", incident.empty() ? run.str() : incident.str(),
                     plan.contract.site.str(), one_line(plan.contract.from.str()), one_line(plan.contract.to.str()),
                     plan.id, again ? "   taken up again" : ""));
    keep("");
  }
  void step_begins(const Step& step, const std::string& host, run::Purpose purpose) override {
    const std::lock_guard lock(mutex_);
    enter(part_of(step.phase), purpose);
    running_[key(step, host)] = {name_of_step(step, host), "", system_clock().boot(), step.id.str()};
    draw();
  }
  void step_says(const Step& step, const std::string& host, const std::string& text) override {
    const std::lock_guard lock(mutex_);
    running_[key(step, host)].says = one_line(text);
    draw();
  }
  void step_prints(const Step& step, const std::string& host, std::string_view chunk) override {
    if (!verbose_ && step.action.verb != "deploy") return;
    const std::lock_guard lock(mutex_);
    std::string& rest = rest_[key(step, host)];
    rest += chunk;
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      keep("  | " + sanitised(rest.substr(0, end)));
      rest.erase(0, end + 1);
    }
  }
  void step_ends(const Step& step, const std::string& host, run::Purpose purpose, const Outcome& outcome) override {
    const std::lock_guard lock(mutex_);
    enter(part_of(step.phase), purpose);
    running_.erase(key(step, host));
    const Mark mark = outcome.succeeded()                     ? Mark::kDone
                      : outcome.kind == OutcomeKind::kUnknown ? Mark::kUnknown
                                                              : Mark::kFailed;
    done_.push_back(style_.mark(mark, name_of_step(step, host)) +
                    (outcome.took > Millis(50) ? " " + for_people(outcome.took) : ""));
    if (!outcome.succeeded())
      keep("  " + style_.in(Tone::kBad, fmt::format("{} on {}: {}", step.id, host, one_line(outcome.why))));
    for (const std::string& words : last_words(outcome)) keep("  | " + words);
    draw();
  }
  void door(bool open, run::KeptOutBy) override {
    const std::lock_guard lock(mutex_);
    if (!open) closed_at_ = system_clock().boot();
    if (open && closed_at_) outage_ = system_clock().boot() - *closed_at_, closed_at_.reset();
    draw();
  }
  void turns(const std::string& why) override {
    const std::lock_guard lock(mutex_);
    finish_part();
    keep(style_.in(Tone::kWarning, "  putting everything back: ") + one_line(why));
  }

 private:
  struct Running {
    std::string name, says;
    BootTime since{0};
    std::string step;
  };

  static std::string key(const Step& step, const std::string& host) { return step.id.str() + "@" + host; }
  static std::string name_of_step(const Step& step, const std::string& host) {
    return step.id.str() + (host == "local" ? "" : " " + host);
  }

  void enter(std::string_view part, run::Purpose purpose) {
    const std::string name = purpose == run::Purpose::kUndo ? "put back" : std::string(part);
    if (part_ == name) return;
    finish_part();
    part_ = name;
  }

  void finish_part() {
    if (!part_.empty() && !done_.empty())
      for (const std::string& line : part_lines()) keep(line);
    done_.clear();
    part_.clear();
  }

  /// "  prepare   ✓ save 20.4 s   ✓ fetch 2.9 s", wrapped between steps.
  std::vector<std::string> part_lines() const {
    const size_t width = columns_of(STDOUT_FILENO);
    std::vector<std::string> lines{"  " + padded(part_, 9)};
    for (const std::string& step : done_) {
      if (display_width(lines.back()) + display_width(step) + 3 > width) lines.emplace_back(11, ' ');
      lines.back() += " " + step + "  ";
    }
    return lines;
  }

  /// A line that stays: printed above what is drawn again.
  void keep(const std::string& line) {
    erase();
    std::printf("%s\n", line.c_str());
    draw();
  }

  void erase() {
    for (size_t i = 0; i < drawn_; ++i) std::printf("\x1b[1A\x1b[2K");
    drawn_ = 0;
  }

  void draw() {
    erase();
    std::vector<std::string> lines;
    if (!part_.empty()) lines = part_lines();
    const size_t width = columns_of(STDOUT_FILENO);
    for (const auto& [where, running] : running_) {
      const auto usual = forecast_.per_step.find(running.step);
      std::string line = "           " + style_.mark(Mark::kRunning, running.name) + "   " +
                         for_people(system_clock().boot() - running.since);
      if (usual != forecast_.per_step.end()) line += " of about " + for_people(usual->second);
      if (!running.says.empty()) line += "   " + running.says;
      lines.push_back(cut_to(line, width));
    }
    if (closed_at_) lines.push_back("  outage " + for_people(system_clock().boot() - *closed_at_) + " so far");
    if (outage_) lines.push_back("  outage " + for_people(*outage_));
    for (const std::string& line : lines) std::printf("%s\n", line.c_str());
    drawn_ = lines.size();
    std::fflush(stdout);
  }

  const Style style_;
  const bool verbose_;
  std::mutex mutex_;
  Forecast forecast_;
  std::string part_;
  std::vector<std::string> done_;
  std::map<std::string, Running> running_;
  std::map<std::string, std::string> rest_;
  std::optional<BootTime> closed_at_;
  std::optional<Millis> outage_;
  size_t drawn_ = 0;
  std::jthread ticker_;
};

}  // namespace

std::unique_ptr<run::Progress> make_live_progress(const Globals& globals) {
  return std::make_unique<LiveProgress>(globals);
}

std::unique_ptr<run::Progress> make_progress(const Globals& globals) {
  const bool live = !globals.quiet && !globals.json && isatty(STDOUT_FILENO) != 0;
  return live ? make_live_progress(globals) : make_plain_progress(globals);
}

}  // namespace backout::cli
