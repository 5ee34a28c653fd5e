#include "watch/metrics/counters_subject.h"

#include "base/text.h"
#include "os/secret.h"

namespace backout::watch {

Result<CountersSubject> CountersSubject::from(const Json& subject, std::string_view kind, Millis every) {
  const std::string url = get_string(subject, "url");
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return Error{Code::kInvalid, fmt::format("{}: '{}' is no URL", kind, shortened(one_line(url), 80)),
                 "docs/signals.md shows how it is written"};
  Selector errors = TRY(Selector::parse(get_string(subject, "errors")));
  Selector requests = TRY(Selector::parse(get_string(subject, "requests")));
  return CountersSubject{url,
                         std::move(errors),
                         std::move(requests),
                         get_string(subject, "release"),
                         get_string(subject, "token"),
                         Pace(Millis(get_int(subject, "every_ms", every.count())))};
}

Result<os::HttpResponse> CountersSubject::ask(os::HttpRequest request, Millis timeout, size_t limit) const {
  request.timeout = timeout;
  request.body_limit = limit;
  if (!token.empty()) request.headers["Authorization"] = "Bearer " + TRY(os::secret_at("token", token));
  os::HttpResponse response = TRY(os::http(request));
  if (response.cut)
    return Error{Code::kUnavailable,
                 fmt::format("{}: the answer is larger than {}", one_line(url), bytes_for_people(limit)), ""};
  return response;
}

std::set<std::string> labels_needed(const Selector& selector) {
  std::set<std::string> needed;
  for (const Selector::Matcher& matcher : selector.matchers())
    if (matcher.relation == Selector::Relation::kIs ? !matcher.value.empty()
                                                    : matcher.relation == Selector::Relation::kMatches)
      needed.insert(matcher.label);
  return needed;
}

std::string why_no_errors(const Selector& errors, bool name_exists, const std::set<std::string>& labels_there) {
  if (!name_exists) return fmt::format("no series is called {}: is errors spelled right?", errors.name());
  for (const std::string& label : labels_needed(errors))
    if (!labels_there.contains(label))
      return fmt::format("no series of {} has a label {}: is errors spelled right?", errors.name(), label);
  return "";
}

}  // namespace backout::watch
