// Access logs through their reader: the first line is the format, the rest is the log. A broken promise traps.
#pragma once
#include <string>
#include <string_view>

#include "watch/access_log/tally.h"

namespace backout::watch {

inline void access_log_must(bool promise) {
  if (!promise) __builtin_trap();
}

inline void fuzz_access_log(std::string_view input) {
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view log = input.substr(std::min(end + 1, input.size()));
  const Naming naming{.release = input.size() % 3 == 0 ? "x_release" : ""};
  auto format = Format::compile(std::string(input.substr(0, end)), naming);
  if (!format) {
    access_log_must(!format.error().message.empty() && format.error().message.size() < 1000);
    format = Format::compile("combined", {});
    access_log_must(format.has_value());
  }
  LineRules rules{.format = std::move(*format)};
  const Scope scope{.current = "v2",
                    .before = "v1",
                    .cutover = wall_from_millis(1'760'097'000'000),
                    .now = wall_from_millis(1'760'097'600'000)};
  Json state;
  int64_t told = 0, understood = 0;
  for (const std::string_view half : {log.substr(0, log.size() / 2), log.substr(log.size() / 2)}) {
    Tally tally(rules, scope, state);
    tally.take(half);
    tally.close_by_now();
    for (const Observation& each : tally.take_observations()) {
      access_log_must(each.requests >= each.failed && each.failed >= 0);
      access_log_must(each.release.size() <= 300);
      access_log_must(each.second <= scope.now);
      told += each.requests;
    }
    understood += tally.understood();
    access_log_must(tally.broken_shape().size() <= 200);
    state = Json::parse(tally.state().dump());  // throws when there is text that is no UTF-8
    access_log_must(Json::parse(tally.figures().dump()).is_object());
  }
  access_log_must(told <= understood);
}

/// A position that somebody else has written, or a disk has changed.
inline void fuzz_access_log_state(std::string_view input) {
  const auto state = parse_json(input);
  if (!state) return;
  auto format = Format::compile("combined", {});
  access_log_must(format.has_value());
  LineRules rules{.format = std::move(*format)};
  Tally tally(
      rules,
      {.current = "v2", .cutover = wall_from_millis(1'760'097'000'000), .now = wall_from_millis(1'760'097'600'000)},
      *state);
  tally.take("10.0.0.1 - - [10/Oct/2025:11:55:36 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"-\"\n");
  tally.close_by_now();
  tally.take_observations();
  tally.state();
}

}  // namespace backout::watch
