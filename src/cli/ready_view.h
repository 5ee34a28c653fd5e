// How the answer of `backout ready` is shown: the answer first, then what it rests on, then what to mend. Pure.
#pragma once
#include <string>

#include "app/ready/answer.h"
#include "cli/terminal.h"

namespace backout::cli {

std::string view_of(const app::ReadyAnswer& answer, const Style& style, size_t columns, bool verbose);

}  // namespace backout::cli
