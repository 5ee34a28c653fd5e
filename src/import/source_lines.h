// SourceLines: the bytes of a file as numbered lines of clean text: no byte order mark, no carriage return, no control
// character but tab. Refuses what is not a text that people wrote for people.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "import/item.h"

namespace backout::import {

/// kInvalid: empty, larger than `limit`, not text, or a program's source; the words name `file`.
Result<std::vector<Line>> source_lines(std::string_view bytes, const std::string& file, size_t limit);

}  // namespace backout::import
