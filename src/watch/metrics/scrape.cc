#include "watch/metrics/scrape.h"

#include "base/text.h"
#include "watch/metrics/counter_book.h"
#include "watch/metrics/counters_subject.h"
#include "watch/metrics/exposition.h"

namespace backout::watch {
namespace {

constexpr Millis kTimeout{2000};
constexpr const char* kTarget = "target";

/// What one scrape has of the counters.
struct Scraped {
  std::vector<Series> errors, requests, both;
  bool has_errors_name = false;
  std::set<std::string> labels_of_errors;
  size_t count() const { return errors.size() + requests.size() + both.size(); }
};

class MetricsSource : public Source {
 public:
  explicit MetricsSource(CountersSubject subject) : subject_(std::move(subject)) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token&) override {
    const int64_t open = to_millis(scope.now) / 1000;
    int64_t told_second = get_int(position, "told");
    const bool went_back = told_second > open || get_int(get(position, "memory"), "at_ms") > to_millis(scope.now);
    if (went_back) told_second = 0;
    if (!subject_.pace.is_due(position, scope.now) || told_second + 1 >= open) return Pace::nothing_new(position);
    Seen seen = scrape(scope, went_back ? Json::object() : position, told_second);
    if (went_back) seen.remarks.emplace_back("the clock went back: counting starts again");
    Pace::asked(seen, scope.now);
    return seen;
  }

 private:
  Seen scrape(const Scope& scope, const Json& position, int64_t told_second) const {
    const auto answer = subject_.ask(
        {.url = subject_.url,
         .headers = {{"Accept", "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.7"}}},
        kTimeout, kLargestExposition);
    if (!answer) return blind(position, answer.error().message);
    const std::string what = one_line(subject_.url) + ": ";
    if (answer->status != 200) return blind(position, fmt::format("{}it answers {}", what, answer->status));
    const auto type = answer->headers.find("content-type");
    const bool open_metrics = type != answer->headers.end() && type->second.find("openmetrics") != std::string::npos;
    if (trimmed(answer->body.substr(0, 200)).starts_with('<'))
      return blind(position, what + "it answers HTML and no metrics");

    Scraped scraped;
    const Exposition read = read_exposition(
        answer->body,
        [&](std::string_view name) { return name == subject_.errors.name() || name == subject_.requests.name(); },
        [&](std::string name, Labels labels, double value) {
          take(scraped, std::move(name), std::move(labels), value);
        });
    if (open_metrics && !read.ended) return blind(position, what + "the metrics are cut short: # EOF is missing");
    if (read.samples == 0)
      return blind(position, what + (read.not_understood > 0 ? "not one line is a metric" : "no metric is there"));
    if (scraped.requests.empty() && scraped.both.empty())
      return blind(position, fmt::format("{}no series matches requests: {}", what, subject_.requests.text()));
    if (scraped.count() > kMostCounters)
      return blind(position, fmt::format("{}{} series match, and at most {} are followed: narrow the selectors", what,
                                         scraped.count(), kMostCounters));
    if (scraped.errors.empty() && scraped.both.empty() && !get_bool(position, "had_errors"))
      if (const std::string why = why_no_errors(subject_.errors, scraped.has_errors_name, scraped.labels_of_errors);
          !why.empty())
        return blind(position, what + why);
    return counted_in(scope, position, told_second, scraped, read);
  }

  void take(Scraped& scraped, std::string name, Labels labels, double value) const {
    if (name == subject_.errors.name()) {
      scraped.has_errors_name = true;
      for (const auto& [label, unused] : labels) scraped.labels_of_errors.insert(label);
    }
    const bool failed = subject_.errors.matches(name, labels), any = subject_.requests.matches(name, labels);
    if (!failed && !any) return;
    if (scraped.count() > 10 * kMostCounters) return;  // it is too many already
    std::vector<Series>& list = failed && any ? scraped.both : failed ? scraped.errors : scraped.requests;
    list.push_back({std::move(name), std::move(labels), {{0, value}}});
  }

  Seen counted_in(const Scope& scope, const Json& position, int64_t told_second, const Scraped& scraped,
                  const Exposition& read) const {
    CounterBook book(scope, subject_.release, told_second);
    const Json& memory = get(position, "memory");
    if (memory.is_object()) book.remember(kTarget, memory);
    book.begin({.target = kTarget, .at_ms = to_millis(scope.now)});
    for (const auto& [list, counts] : {std::pair{&scraped.errors, Counts::kErrors},
                                       {&scraped.requests, Counts::kRequests},
                                       {&scraped.both, Counts::kBoth}})
      for (const Series& each : *list) book.series(counts, each.name, each.labels, each.samples.front().value);
    book.end();
    Seen seen;
    seen.observations = book.take(seen.remarks);
    if (read.not_understood > 0)
      seen.remarks.push_back(told(
          fmt::format("{} no metrics, such as {}", counted(read.not_understood, "line"), read.first_not_understood)));
    seen.figures = {{"clients", "unknown"}, {"series", scraped.count()}};
    seen.position = {{"told", book.told_second()}, {"memory", book.memory_of(kTarget)}};
    if (!scraped.errors.empty() || !scraped.both.empty() || get_bool(position, "had_errors"))
      seen.position["had_errors"] = true;
    else
      seen.figures["no_errors_yet"] = true;
    return seen;
  }

  const CountersSubject subject_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_metrics(const Json& subject, host::Host&) {
  return std::unique_ptr<Source>(
      std::make_unique<MetricsSource>(TRY(CountersSubject::from(subject, "metrics", Millis(1000)))));
}

}  // namespace backout::watch
