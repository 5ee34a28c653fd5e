// What both sources of counters share: the subject {errors, requests, release?, token?, every_ms}, how they ask, and
// whether a selector that matches nothing can be believed.
#pragma once
#include <set>
#include <string>

#include "os/http.h"
#include "watch/metrics/series.h"
#include "watch/pace.h"

namespace backout::watch {

struct CountersSubject {
  std::string url;
  Selector errors, requests;
  std::string release, token;
  Pace pace;

  /// kInvalid with what is wrong.
  static Result<CountersSubject> from(const Json& subject, std::string_view kind, Millis every);
  /// A body, or why there is none, in words for `blind`.
  Result<os::HttpResponse> ask(os::HttpRequest request, Millis timeout, size_t limit) const;
};

/// Why `errors` is not believed to be none, when no series matches it: no metric has its name, or none of that name has
/// a label that it asks for. Empty: the name and the labels exist, so no request has failed yet.
std::string why_no_errors(const Selector& errors, bool name_exists, const std::set<std::string>& labels_there);
/// The labels that a series must have to match.
std::set<std::string> labels_needed(const Selector& selector);

}  // namespace backout::watch
