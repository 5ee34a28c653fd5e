// Does anything listen there? One connection by TCP, closed at once.
#pragma once
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace backout::os {

/// `address`: "host:port", "[::1]:port". The time it took. kUnavailable: refused, no route, no such name; kTimedOut;
/// kInvalid: no address. A name's addresses are tried in turn within `timeout`; looking the name up is not bounded by
/// it.
Result<Millis> tcp_connect(const std::string& address, Millis timeout);

}  // namespace backout::os
