// The kinds of signals, in one list.
#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "watch/access_log/access_log.h"
#include "watch/alerts/alertmanager.h"
#include "watch/log/log.h"
#include "watch/metrics/prometheus.h"
#include "watch/metrics/scrape.h"
#include "watch/probe.h"
#include "watch/run.h"
#include "watch/services/resources.h"
#include "watch/services/restarts.h"
#include "watch/source.h"

namespace backout::watch {
namespace {

using Make = Result<std::unique_ptr<Source>> (*)(const Json& subject, host::Host& host);

struct Kind {
  std::string_view name;
  Make make;
};

constexpr Kind kKinds[] = {
    {"access_log", make_access_log},
    {"alertmanager", make_alertmanager},
    {"log", make_log},
    {"metrics", make_metrics},
    {"probe", make_probe},
    {"prometheus", make_prometheus},
    {"resources", make_resources},
    {"restarts", make_restarts},
    {"run", make_run},
};

}  // namespace

Result<std::unique_ptr<Source>> make_source(const std::string& kind, const Json& subject, host::Host& host) {
  const auto found =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& each) { return each.name == kind; });
  if (found != std::end(kKinds)) return found->make(subject, host);
  return Error{Code::kInvalid, fmt::format("'{}' is no kind of signal", one_line(kind)),
               "docs/signals.md has them all"};
}

}  // namespace backout::watch
