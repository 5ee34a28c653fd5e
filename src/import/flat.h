// Flat: the blocks of a text whose marks were lost on the way, as when a page was copied from a browser: no fences, no
// headings, no empty lines; commands and their comments stand between sentences.
#pragma once
#include <vector>

#include "import/block.h"

namespace backout::import {

bool is_flat(const std::vector<Line>& lines);
std::vector<Block> flat_blocks(const std::vector<Line>& lines);

/// Could the line be a heading, though nothing marks it as one?
bool reads_as_heading(std::string_view line);

}  // namespace backout::import
