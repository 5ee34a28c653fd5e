// The timeline of a run as something to draw: phases, a row for each step on each host, when users were outside, and
// what happened beside the steps. Pure, from a Report.
#pragma once
#include <string>
#include <vector>

#include "record/report.h"

namespace backout::record {

enum class Tone { kFine, kFailed, kUnknown, kUndo };

struct Bar {
  WallTime from{}, to{};
  Tone tone = Tone::kFine;
  std::string outcome;  // "applied in 2 s"
};
struct Row {
  std::string step, host;
  std::vector<Bar> bars;  // one for each time it was tried
};
struct Band {
  std::string name;  // of the phase; "users outside"
  WallTime from{}, to{};
};
struct Mark {
  WallTime at{};
  std::string kind, what;  // kind: question | interruption
};

struct Timeline {
  WallTime from{}, to{};
  std::vector<Band> phases, outage;
  std::vector<Row> rows;
  std::vector<Mark> marks;
};

Timeline timeline_of(const Report& report);
/// An <svg> element for the page of html.cc, whose styles it uses; with a title and a description for who cannot see
/// it.
std::string to_svg(const Timeline& timeline);

}  // namespace backout::record
