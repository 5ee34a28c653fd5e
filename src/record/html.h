// Report -> one HTML page: nothing is loaded from anywhere, styles and the drawn timeline are in it, light or dark as
// the reader has it, fit for a phone and for paper. Everything that the drawing shows is there as text too.
#pragma once
#include "record/report.h"

namespace backout::record {

std::string to_html(const Report& report);

/// The beginning and the end of such a page. `title` is untrusted.
std::string page_begin(const std::string& title);
std::string page_end();

}  // namespace backout::record
