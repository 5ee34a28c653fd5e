// "prometheus": counters of failed and of all requests, as a Prometheus server has them.
//
// Subject {url, errors, requests, release?, token?, every_ms?}. Raw samples are asked for (SELECTOR[window], no rate())
// and differenced here, so that nothing is smeared over minutes and every reset is seen. The first look reads an hour
// before the cutover: the old release's habits. Position {"asked_ms", "told", "targets": {hash: ms of the last
// sample}}.
//
// Blind: no answer, an error, a warning (parts may be missing), anything but its JSON, no series for `requests`,
// `errors` matching nothing that could ever match, the newest sample older than three scrapes, or from the future.
#pragma once
#include <memory>

#include "watch/source.h"

namespace backout::watch {

Result<std::unique_ptr<Source>> make_prometheus(const Json& subject, host::Host& host);

}  // namespace backout::watch
