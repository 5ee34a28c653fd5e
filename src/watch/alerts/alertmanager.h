// "alertmanager": alerts as occurrences, heard by a webhook or asked for.
//
// Subject {listen: "127.0.0.1:9099"} or {url, every_ms?}, and {match?, elsewhere?, release?, token?}. The listener
// lives as long as the source and answers 200 to what it understood, 400 with the reason to what it did not, 401
// without the token. Each time that an alert fires is told once, and once when it is resolved: they are known by
// fingerprint and start, in the position, so that another process goes on from it and a webhook sent again changes
// nothing. Position {"asked_ms"?, "told": {key: "firing" | "resolved"}}.
//
// Blind: the address is taken, no answer, an error, no list of alerts. A listener that nobody speaks to is not blind:
// it cannot know. figures.heard says how many webhooks came.
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

Result<std::unique_ptr<Source>> make_alertmanager(const Json& subject, host::Host& host);

}  // namespace backout::watch
