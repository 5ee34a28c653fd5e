// "run": a command of the user's own. Exit status 0 is a good vote, 1 a bad one, anything else is blind.
//
// Subject {run: {argv, ...}, what?, every_ms?}. It is run on the host, for as long as its timeout says and at most
// kLongestRun: a watch waits for it. Position {"asked_ms"}.
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

inline constexpr Millis kLongestRun{30'000};

Result<std::unique_ptr<Source>> make_run(const Json& subject, host::Host& host);

}  // namespace backout::watch
