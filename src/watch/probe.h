// "probe": one request, or one connection, every so often. Each is a vote: good when it was answered as expected in
// time.
//
// Subject {url, status?, contains?, within_ms?, every_ms?} or {tcp: "host:port", within_ms?, every_ms?}. A probe is one
// client: one vote a second at most, so that it takes several failures in a row to carry anything. Asked from this
// machine. Position {"asked_ms"}. Blind: the name cannot be resolved (that says nothing of the site).
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

Result<std::unique_ptr<Source>> make_probe(const Json& subject, host::Host& host);

}  // namespace backout::watch
