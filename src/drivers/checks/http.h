// "http": a check that asks a URL from the controller and believes only what the answer says.
//
// Subject: {name, url, method?, headers{}?, body?, status?, contains?, header{name: value}?, json{path: condition}?,
// version?,
//           version_header?, within_ms?, attempts?, every_ms?, public_url? | public: true}
//
// status    200 unless said; redirects are answers and are not followed
// contains  this text is in the body
// header    the header has this value (before any ';'); "" means that it is there
// json      see json_condition.h
// version   the whole trimmed body, a JSON field "version", or the header named by version_header is exactly this
// within_ms the answer took no longer
// A check that asks for a status below 400 and for nothing in the answer fails when the answer calls itself an error
// (error_page.h).
// "{{version}}" in any text is the version that the run goes to.
//
// Steps: check-<name> in phase check asks `url`, behind the door; public-<name> in phase settle asks public_url (or,
// with public: true, the same path at the site's public URL). Every condition must hold: an error page with status 200
// fails by its content, an unreachable server fails after its attempts, and the body seen is quoted, sanitised and
// shortened.
#pragma once
#include <memory>

#include "driver/driver.h"

namespace backout::drivers {

std::unique_ptr<driver::Driver> make_http_driver();

}  // namespace backout::drivers
