// Does an answer call itself an error? Pure. For checks that ask for nothing but a status: many sites show their error
// and maintenance pages with status 200.
//
// It believes only what stands where a page says what it is: the title and first heading of HTML, the first line of
// plain text, a field of a JSON object. Words further down are content. It cannot know an error page that does not say
// so: a check that looks into the answer can.
#pragma once
#include <optional>
#include <string>

#include "os/http.h"

namespace backout::drivers {

/// The words by which the answer gives itself away, on one line and shortened; empty when there are none.
std::optional<std::string> error_it_reports(const os::HttpResponse& answer);

}  // namespace backout::drivers
