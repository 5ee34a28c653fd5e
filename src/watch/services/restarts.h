// "restarts": services that were started again by their keeper, and those that it gave up.
//
// Subject {services: [...], every_ms?}, as watch/services/keepers.h has them. The first look is where counting starts;
// a service that is given up is told at once. A start by hand begins a new count and is nothing. Occurrences:
// "restart", with how often; severe from the third in a minute (a crash loop). "exit", severe: given up, or a plain
// process that ended; told once, until it runs again. Position {"asked_ms", "services": {name: {restarts, generation,
// down, recent}}}.
//
// Blind: the host is out of reach, or not one keeper answers. If only some do, the others are remarks.
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

inline constexpr int kLoopRestarts = 3;
inline constexpr Millis kLoopWithin{60'000};

Result<std::unique_ptr<Source>> make_restarts(const Json& subject, host::Host& host);

}  // namespace backout::watch
