// Fences: where blocks of code begin and end, also where people left a fence open, opened one inside another or closed
// one too many. CommonMark would take all that follows for code; here a block ends where the text plainly goes on.
#pragma once
#include <string>
#include <vector>

#include "import/item.h"

namespace backout::import {

struct Fence {
  size_t open = 0, close = 0;  // indices of lines; `close` is one behind the last line of code
  bool closed = true;          // the line at `close` is the closing fence
  std::string language;        // the first word behind the opening fence, small
  std::string before;          // what stands in front of the opening fence
};

/// In order, none inside another. Every repair is a remark.
std::vector<Fence> find_fences(const std::vector<Line>& lines, std::vector<Remark>& remarks);

}  // namespace backout::import
