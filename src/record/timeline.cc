#include "record/timeline.h"

#include "base/text.h"
#include "record/html_text.h"
#include "record/words.h"

namespace backout::record {
namespace {

constexpr double kLabels = 250, kWidth = 960, kRow = 20, kTop = 44;

Tone tone_of(const StepLine& step) {
  switch (step.kind) {
    case OutcomeKind::kApplied:
    case OutcomeKind::kAlreadyDone: return step.purpose == "undo" ? Tone::kUndo : Tone::kFine;
    case OutcomeKind::kRefused:
    case OutcomeKind::kFailed: return Tone::kFailed;
    case OutcomeKind::kUnknown: return Tone::kUnknown;
  }
  return Tone::kUnknown;
}

std::string_view class_of(Tone tone) {
  switch (tone) {
    case Tone::kFine: return "fine";
    case Tone::kFailed: return "failed";
    case Tone::kUnknown: return "unknown";
    case Tone::kUndo: return "undo";
  }
  return "";
}

void take(const StepLine& step, Timeline& timeline) {
  const WallTime from = std::max(step.at - step.took, timeline.from), to = std::max(step.at, from);
  auto row = std::find_if(timeline.rows.begin(), timeline.rows.end(),
                          [&](const Row& each) { return each.step == step.step && each.host == step.host; });
  if (row == timeline.rows.end()) row = timeline.rows.insert(row, {step.step, step.host, {}});
  row->bars.push_back(
      {from, to, tone_of(step),
       fmt::format("{}{} in {}", step.purpose == "undo" ? "undo " : "", name_of(step.kind), for_people(step.took))});
  if (step.purpose == "undo" || step.phase.empty()) return;
  for (Band& phase : timeline.phases)
    if (phase.name == step.phase) {
      phase.from = std::min(phase.from, from);
      phase.to = std::max(phase.to, to);
      return;
    }
  timeline.phases.push_back({step.phase, from, to});
}

class Drawing {
 public:
  explicit Drawing(const Timeline& timeline) : t_(timeline) {}

  std::string svg() && {
    const double bottom = kTop + kRow * static_cast<double>(t_.rows.size()) + 8;
    out_ = fmt::format(
        "<svg class=\"timeline\" role=\"img\" aria-labelledby=\"tl-title tl-desc\" viewBox=\"0 0 {:.0f} {:.0f}\">"
        "\n<title id=\"tl-title\">Timeline</title>\n<desc "
        "id=\"tl-desc\">{}</desc>\n",
        kWidth, bottom + 22, html(described()));
    for (size_t i = 0; i < t_.phases.size(); ++i) {
      const Band& phase = t_.phases[i];
      rect(i % 2 == 0 ? "phase" : "phase odd", phase, 0, bottom);
      text("phase-name", x(phase.from) + 2, i % 2 == 0 ? 12 : 26, phase.name);
    }
    for (const Band& outage : t_.outage) {
      rect("outage", outage, 30, bottom - 30);
      text("outage-name", x(outage.from) + 2, 39, outage.name);
    }
    double y = kTop;
    for (const Row& row : t_.rows) {
      text("label", 4, y + 14, shortened(one_line(row.step + (row.host.empty() ? "" : " @ " + row.host)), 40));
      for (const Bar& bar : row.bars) {
        const double left = x(bar.from), width = std::max(x(bar.to) - left, 3.0);
        out_ += fmt::format(
            "<rect class=\"bar {}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
            "height=\"{:.0f}\"><title>{}</title></rect>\n",
            class_of(bar.tone), std::min(left, kWidth - 3), y + 4, width, kRow - 7,
            html(row.step + (row.host.empty() ? "" : " on " + row.host) + ": " + bar.outcome));
      }
      y += kRow;
    }
    for (const Mark& mark : t_.marks)
      out_ += fmt::format(
          "<line class=\"mark {}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.0f}\" y2=\"{:.0f}\"><title>{}</title></line>\n",
          mark.kind, x(mark.at), x(mark.at), kTop - 4, bottom, html(to_hms(mark.at) + " " + mark.what));
    text("axis", kLabels, bottom + 14, to_hms(t_.from));
    out_ += fmt::format("<text class=\"axis\" text-anchor=\"end\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n</svg>\n",
                        kWidth - 4, bottom + 14, html(to_hms(t_.to)));
    return std::move(out_);
  }

 private:
  double x(WallTime at) const {
    const double whole = std::max<double>(static_cast<double>((t_.to - t_.from).count()), 1);
    const double part = static_cast<double>((std::clamp(at, t_.from, t_.to) - t_.from).count());
    return kLabels + (kWidth - 8 - kLabels) * part / whole;
  }
  void rect(std::string_view style, const Band& band, double top, double height) {
    out_ += fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"{:.0f}\"/>\n", style,
                        x(band.from), top, std::max(x(band.to) - x(band.from), 2.0), height);
  }
  void text(std::string_view style, double left, double top, const std::string& words) {
    out_ += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", style, left, top, html(words));
  }
  std::string described() const {
    std::string words = fmt::format("From {} to {} UTC.", to_hms(t_.from), to_hms(t_.to));
    for (const Band& phase : t_.phases)
      words += fmt::format(" {}: {} to {}.", phase.name, to_hms(phase.from), to_hms(phase.to));
    for (const Band& band : t_.outage)
      words += fmt::format(" Users were outside from {} to {}.", to_hms(band.from), to_hms(band.to));
    return words + " Every step is in the table below.";
  }

  const Timeline& t_;
  std::string out_;
};

}  // namespace

Timeline timeline_of(const Report& report) {
  Timeline timeline{.from = report.started_at, .to = report.ended_at};
  std::vector<StepLine> steps = report.steps;
  steps.insert(steps.end(), report.checks.begin(), report.checks.end());
  std::stable_sort(steps.begin(), steps.end(),
                   [](const StepLine& a, const StepLine& b) { return a.at - a.took < b.at - b.took; });
  for (const StepLine& step : steps) take(step, timeline);
  const Moment* closed = nullptr;
  for (const Moment& moment : report.clock) {
    if (users_leave(moment)) closed = &moment;
    if (!users_return(moment) || closed == nullptr) continue;
    timeline.outage.push_back({"users outside", closed->at, moment.at});
    closed = nullptr;
  }
  if (closed != nullptr) timeline.outage.push_back({"users outside", closed->at, report.ended_at});
  for (const Answered& question : report.questions)
    if (question.at <= report.ended_at)
      timeline.marks.push_back({question.at, "question", question.question + " " + question.answer});
  for (const Interruption& one : report.interruptions) timeline.marks.push_back({one.at, "interruption", one.what});
  return timeline;
}

std::string to_svg(const Timeline& timeline) { return Drawing(timeline).svg(); }

}  // namespace backout::record
