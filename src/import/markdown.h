// Markdown: a text as its blocks, by cmark-gfm. The only place that knows the library. Tables are found here, because
// those of runbooks have no empty line above them, rows of any length, and are torn by text.
#pragma once
#include <vector>

#include "import/block.h"

namespace backout::import {

/// Linear in the text: the library sees what decides about blocks, and no inline marks. Repairs are remarks.
std::vector<Block> markdown_blocks(const std::vector<Line>& lines, std::vector<Remark>& remarks);

}  // namespace backout::import
