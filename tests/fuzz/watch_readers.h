// What others send to a watch, through the readers of signals. Each returns when it has read it; a broken promise
// traps.
#pragma once
#include <string_view>

#include "watch/alerts/alert.h"
#include "watch/log/error_lines.h"
#include "watch/metrics/counter_book.h"
#include "watch/metrics/exposition.h"
#include "watch/metrics/prometheus_answer.h"

namespace backout::watch {

inline void must_hold(bool promise) {
  if (!promise) __builtin_trap();
}

inline void fuzz_prometheus(std::string_view body) {
  const auto answer = read_prometheus(body);
  if (!answer) return must_hold(!answer.error().message.empty());
  must_hold(answer->series.size() <= kMostSeries);
  CounterBook book({.current = "v2", .cutover = wall_from_millis(5), .now = wall_from_millis(4'000'000'000'000)},
                   "version", 0);
  int64_t before = 0;
  for (const Series& series : answer->series)
    for (const Sample& sample : series.samples) {
      before = std::max(before, sample.at_ms);
      book.begin({.target = "t", .at_ms = before});
      book.series(Counts::kBoth, series.name, series.labels, sample.value);
      book.end();
    }
  std::vector<std::string> remarks;
  for (const Observation& each : book.take(remarks)) {
    must_hold(each.requests >= each.failed && each.failed >= 0 && each.outcomes.size() == 1);
    must_hold(each.release.size() <= 300);
  }
  book.remember("t", Json::parse(book.memory_of("t").dump(-1, ' ', false, Json::error_handler_t::replace)));
}

inline void fuzz_exposition(std::string_view text) {
  int64_t told_samples = 0;
  const Exposition read = read_exposition(
      text, [](std::string_view name) { return name.size() % 2 == 0; },
      [&](std::string name, Labels labels, double) {
        ++told_samples;
        must_hold(!name.empty() && labels.size() <= 64);
      });
  must_hold(told_samples <= read.samples && read.first_not_understood.size() <= 80);
  if (const auto selector = Selector::parse(text.substr(0, 300)))
    must_hold(Selector::parse(selector->text()).has_value());
}

inline void fuzz_alerts(std::string_view body) {
  for (const auto& alerts : {read_webhook(body), read_alerts_api(body)}) {
    if (!alerts) continue;
    must_hold(alerts->list.size() <= kMostAlerts);
    for (const Alert& alert : alerts->list) {
      must_hold(!alert.fingerprint.empty() && alert.fingerprint.size() <= 64 && alert.labels.size() <= 64);
      const auto occurrence = occurrence_of(alert, {.elsewhere = {{"team", "db"}}, .release = "version"});
      if (!occurrence) continue;
      must_hold(!occurrence->what.empty() && occurrence->what.size() <= 300);
      must_hold(to_json(*occurrence).dump().size() < 20'000);  // throws when it is no UTF-8
    }
  }
}

inline void fuzz_log(std::string_view text) {
  static const ErrorLines::Rules rules;
  ErrorLines lines(rules);
  lines.learn(text.substr(0, text.size() / 2));
  lines.read(text, 60, wall_from_millis(1'763'733'800'000));
  for (const Occurrence& each : lines.take()) {
    must_hold(each.what.size() <= 300 && each.count > 0 && each.at <= wall_from_millis(1'763'733'800'000));
    must_hold(!to_json(each).dump().empty());
  }
  must_hold(lines.memory().dump().size() < 100'000);
}

}  // namespace backout::watch
