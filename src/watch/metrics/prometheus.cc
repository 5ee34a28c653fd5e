#include "watch/metrics/prometheus.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "watch/metrics/counter_book.h"
#include "watch/metrics/counters_subject.h"
#include "watch/metrics/prometheus_answer.h"

namespace backout::watch {
namespace {

constexpr Millis kTimeout{4000};
constexpr size_t kLargestAnswer = 48U << 20, kMostTargets = 1000;
constexpr int64_t kHabitsSeconds = 3600, kAheadMillis = 10'000;

std::string form_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::string text_of(const Labels& labels, std::string_view label) {
  const auto found = labels.find(label);
  return found == labels.end() ? "" : found->second;
}

/// Who was scraped: the labels that Prometheus itself gives.
std::string target_of(const Series& series) {
  return sha256_hex(text_of(series.labels, "job") + '\n' + text_of(series.labels, "instance")).substr(0, 12);
}

std::string series_key(const Series& series) {
  std::string key = series.name;
  for (const auto& [label, value] : series.labels) key += '\n' + label + '\n' + value;
  return key;
}

class PrometheusSource : public Source {
 public:
  explicit PrometheusSource(CountersSubject subject) : subject_(std::move(subject)) {}

  Result<Seen> look(const Scope& scope, const Json& position, const std::stop_token& stop) override {
    const int64_t open = to_millis(scope.now) / 1000;
    int64_t told_second = get_int(position, "told");
    const bool went_back = told_second > open;
    if (went_back) told_second = 0;
    if (!subject_.pace.is_due(position, scope.now) || told_second + 1 >= open) return Pace::nothing_new(position);
    Result<Seen> seen = read(scope, went_back ? Json::object() : position, told_second, stop);
    // Blind, and not an error: the operator can mend it, and the next look may see again.
    if (!seen) seen = blind(position, said_of(seen.error()));
    if (went_back) seen->remarks.emplace_back("the clock went back: counting starts again");
    Pace::asked(*seen, scope.now);
    return seen;
  }

 private:
  /// What the connection says of itself names the address already.
  std::string said_of(const Error& error) const {
    return error.message.starts_with(subject_.url) ? error.message : one_line(subject_.url) + ": " + error.message;
  }

  Result<PrometheusAnswer> query(const std::string& expression, std::string_view type) const {
    const auto answer =
        subject_.ask({.method = "POST",
                      .url = (subject_.url.ends_with('/') ? subject_.url : subject_.url + "/") + "api/v1/query",
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .body = "query=" + form_encoded(expression)},
                     kTimeout, kLargestAnswer);
    if (!answer) return answer.error();
    auto read = read_prometheus(answer->body);
    if (!read && read.error().code == Code::kCorrupt && answer->status != 200)
      return Error{Code::kUnavailable, fmt::format("it answers {}", answer->status), ""};
    if (!read) return read;
    if (!read->doubts.empty())
      return Error{Code::kUnavailable, "parts of its answer may be missing: " + join(read->doubts, "; "), ""};
    if (read->type != type)
      return Error{Code::kCorrupt, fmt::format("it answers a {} where a {} was asked for", one_line(read->type), type),
                   ""};
    return read;
  }

  int64_t lookback_ms() const { return std::max<int64_t>(300'000, 4 * subject_.pace.every().count()); }

  /// Since when samples are wanted, in seconds before now. The sample before the first new one is among them.
  int64_t window(const Scope& scope, const Json& position) const {
    const int64_t now = to_millis(scope.now), asked = get_int(position, "newest");
    const int64_t back = lookback_ms();
    const int64_t from = asked > 0 ? asked - back : to_millis(scope.cutover) - kHabitsSeconds * 1000;
    return std::clamp<int64_t>((now - from) / 1000 + 1, back / 1000, 24 * 3600L);
  }

  Result<Seen> read(const Scope& scope, const Json& position, int64_t told_second, const std::stop_token& stop) const {
    int64_t seconds = window(scope, position);
    Result<PrometheusAnswer> asked = query(subject_.requests.text() + fmt::format("[{}s]", seconds), "matrix");
    if (!asked && !position.contains("newest")) {  // an hour of it may be too much
      seconds = lookback_ms() / 1000;
      asked = query(subject_.requests.text() + fmt::format("[{}s]", seconds), "matrix");
    }
    const PrometheusAnswer requests = TRY(std::move(asked));
    if (stop.stop_requested()) return Pace::nothing_new(position);
    if (requests.series.empty())
      return Error{Code::kNotFound, "no series matches requests: " + subject_.requests.text(), ""};
    TRY_VOID(fresh_enough(scope, requests));
    const PrometheusAnswer errors = TRY(query(subject_.errors.text() + fmt::format("[{}s]", seconds), "matrix"));
    const bool had_errors = !errors.series.empty() || get_bool(position, "had_errors");
    if (!had_errors) TRY_VOID(believable());

    Seen seen = counted_in(scope, position, told_second, requests, errors);
    if (had_errors)
      seen.position["had_errors"] = true;
    else
      seen.figures["no_errors_yet"] = true;
    if (requests.odd + errors.odd > 0)
      seen.remarks.push_back(fmt::format("{} could not be read", counted(requests.odd + errors.odd, "sample")));
    return seen;
  }

  Result<void> fresh_enough(const Scope& scope, const PrometheusAnswer& requests) const {
    int64_t newest = 0, gap = 0;
    for (const Series& series : requests.series) {
      if (series.samples.empty()) continue;
      newest = std::max(newest, series.samples.back().at_ms);
      if (series.samples.size() > 1)
        gap = std::max(gap, series.samples.back().at_ms - series.samples[series.samples.size() - 2].at_ms);
    }
    const int64_t now = to_millis(scope.now);
    const int64_t allowed = 3 * std::max<int64_t>(std::min<int64_t>(gap, 120'000), subject_.pace.every().count());
    if (newest > now + kAheadMillis)
      return Error{Code::kUnavailable,
                   fmt::format("its newest sample is {} ahead of the clock here", for_people(Millis(newest - now))),
                   ""};
    if (newest < now - allowed)
      return Error{Code::kUnavailable,
                   fmt::format("the newest sample is {} old: its target is gone or not scraped, or the clocks differ",
                               for_people(Millis(now - newest))),
                   ""};
    return {};
  }

  /// Nothing matches `errors`: is it because nothing has failed, or because it is misspelled?
  Result<void> believable() const {
    const std::set<std::string> needed = labels_needed(subject_.errors);
    const PrometheusAnswer all =
        TRY(query(fmt::format("count by ({}) ({})", join({needed.begin(), needed.end()}, ","), subject_.errors.name()),
                  "vector"));
    std::set<std::string> there;
    for (const Series& series : all.series)
      for (const auto& [label, unused] : series.labels) there.insert(label);
    const std::string why = why_no_errors(subject_.errors, !all.series.empty(), there);
    return why.empty() ? Result<void>() : Error{Code::kNotFound, why, ""};
  }

  struct Point {
    const Series* series;
    Counts counts;
    double value;
  };
  struct Scrapes {
    std::map<int64_t, std::vector<Point>> by_time;
    int64_t gap = 0;  // the longest between two samples of one series
  };

  Seen counted_in(const Scope& scope, const Json& position, int64_t told_second, const PrometheusAnswer& requests,
                  const PrometheusAnswer& errors) const {
    // A series that both selectors match is told by both; it is one.
    std::map<std::string, std::pair<const Series*, Counts>> all;
    for (const Series& each : requests.series) all[series_key(each)] = {&each, Counts::kRequests};
    for (const Series& each : errors.series) {
      const auto [known, is_new] = all.try_emplace(series_key(each), &each, Counts::kErrors);
      if (!is_new) known->second.second = Counts::kBoth;
    }
    std::map<std::string, Scrapes> scrapes;  // by target
    const int64_t open_ms = to_millis(scope.now) / 1000 * 1000;
    int64_t newest = get_int(position, "newest");
    for (const auto& [key, each] : all) {
      Scrapes& of_target = scrapes[target_of(*each.first)];
      int64_t before = 0;
      for (const Sample& sample : each.first->samples) {
        if (sample.at_ms >= open_ms) continue;  // for the next look
        of_target.by_time[sample.at_ms].push_back({each.first, each.second, sample.value});
        if (before > 0) of_target.gap = std::max(of_target.gap, sample.at_ms - before);
        before = sample.at_ms;
        newest = std::max(newest, sample.at_ms);
      }
    }

    CounterBook book(scope, subject_.release, told_second);
    Json next = Json::object();
    for (const auto& [target, since] : get(position, "targets").items())
      if (since.is_number_integer() && since.get<int64_t>() > newest - kHabitsSeconds * 1000) next[target] = since;
    for (const auto& [target, of_target] : scrapes) {
      if (of_target.by_time.empty()) continue;
      const int64_t since = get_int(next, target), first = of_target.by_time.begin()->first;
      // Not all series of a target need have the same times: one that is not seen at first may come a little later.
      const int64_t settled = first + 2 * (of_target.gap > 0 ? of_target.gap : subject_.pace.every().count());
      for (const auto& [at, points] : of_target.by_time) {
        book.begin({.target = target, .at_ms = at, .quiet = at <= since, .whole = at > settled});
        for (const Point& point : points)
          book.series(point.counts, point.series->name, point.series->labels, point.value);
        book.end();
      }
      if (next.size() < kMostTargets || next.contains(target))
        next[target] = std::max(since, of_target.by_time.rbegin()->first);
    }
    Seen seen;
    seen.observations = book.take(seen.remarks);
    seen.figures = {{"clients", "unknown"}, {"series", all.size()}, {"targets", scrapes.size()}};
    seen.position = {{"told", book.told_second()}, {"newest", newest}, {"targets", std::move(next)}};
    return seen;
  }

  const CountersSubject subject_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_prometheus(const Json& subject, host::Host&) {
  return std::unique_ptr<Source>(
      std::make_unique<PrometheusSource>(TRY(CountersSubject::from(subject, "prometheus", Millis(15'000)))));
}

}  // namespace backout::watch
