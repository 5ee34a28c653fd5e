#include "record/watch.h"

#include "base/text.h"

namespace backout::record {
namespace {

constexpr size_t kToldKinds = 50, kToldFailures = 50;

Millis gap_between(WallTime earlier, WallTime later) {
  return std::max(std::chrono::duration_cast<Millis>(later - earlier), Millis(0));
}

void take_failures(const Event& event, WatchSummary& watch) {
  for (const Json& bad : get(event.body, "bad")) {
    const std::string step = get_string(bad, "step"), host = get_string(bad, "host");
    auto at = std::find_if(watch.failures.begin(), watch.failures.end(),
                           [&](const WatchFailure& each) { return each.step == step && each.host == host; });
    if (at == watch.failures.end()) {
      if (watch.failures.size() == kToldFailures) continue;
      at = watch.failures.insert(watch.failures.end(), {step, host, "", 0, event.at, event.at});
    }
    ++at->count;
    at->last_at = event.at;
    at->why = get_string(bad, "why");
  }
}

void take_kinds(const Event& event, WatchSummary& watch) {
  for (const Json& kind : get(event.body, "new_kinds")) {
    const NewKind one{get_string(kind, "log"), get_string(kind, "host"), get_string(kind, "kind"),
                      get_int(kind, "count")};
    const auto at = std::find_if(watch.new_kinds.begin(), watch.new_kinds.end(), [&](const NewKind& each) {
      return each.log == one.log && each.host == one.host && each.kind == one.kind;
    });
    if (at != watch.new_kinds.end())
      at->count += one.count;
    else if (watch.new_kinds.size() < kToldKinds)
      watch.new_kinds.push_back(one);
  }
}

void take_figures(const Event& event, WatchSummary& watch) {
  for (const auto& [name, value] : get(event.body, "figures").items()) {
    if (!value.is_number()) continue;
    const double figure = value.get<double>();
    auto at = std::find_if(watch.figures.begin(), watch.figures.end(),
                           [&name = name](const Trend& each) { return each.name == name; });
    if (at == watch.figures.end()) at = watch.figures.insert(at, {name, figure, figure, figure, figure, 0});
    at->least = std::min(at->least, figure);
    at->most = std::max(at->most, figure);
    at->last = figure;
    ++at->count;
  }
}

std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::vector<WatchSummary> watches_of(const std::vector<Event>& events, const RunId& run) {
  std::vector<WatchSummary> watches;
  for (const Event& event : events) {
    const std::string id = get_string(event.body, "watch");
    if (event.type == EventType::kWatchStarted && (run.empty() || event.run == run)) {
      WatchSummary watch{.id = id,
                         .why = get_string(event.body, "why"),
                         .version = Version(get_string(event.body, "version")),
                         .run = event.run,
                         .started_at = event.at,
                         .until = wall_from_millis(get_int(event.body, "until_ms")),
                         .last_at = event.at};
      watches.push_back(std::move(watch));
      continue;
    }
    const bool about = event.type == EventType::kWatchLook || event.type == EventType::kWatchTrouble ||
                       event.type == EventType::kWatchEnded;
    if (!about) continue;
    const auto found =
        std::find_if(watches.rbegin(), watches.rend(), [&](const WatchSummary& each) { return each.id == id; });
    if (found == watches.rend() || !found->open) continue;
    WatchSummary& watch = *found;
    if (event.type == EventType::kWatchTrouble) watch.trouble.push_back(event.at);
    if (event.type == EventType::kWatchLook) {
      ++watch.looks;
      if (get_bool(event.body, "failed")) ++watch.failed;
      watch.longest_gap = std::max(watch.longest_gap, gap_between(watch.last_at, event.at));
      take_failures(event, watch);
      take_kinds(event, watch);
      take_figures(event, watch);
    }
    if (event.type == EventType::kWatchEnded) {
      watch.open = false;
      watch.verdict = get_string(event.body, "verdict");
      watch.verdict_why = get_string(event.body, "why");
    }
    watch.last_at = event.at;
  }
  return watches;
}

bool in_trouble(const Json& recent, int failed, int of) {
  int bad = 0, seen = 0;
  if (!recent.is_array()) return false;
  for (auto look = recent.rbegin(); look != recent.rend() && seen < of; ++look, ++seen)
    if (look->is_boolean() && look->get<bool>()) ++bad;
  return bad >= failed;
}

Verdict verdict_of(const WatchSummary& watch, bool troubled, WallTime now) {
  if (watch.looks == 0) return {"unseen", "nobody looked: call backout tick from a timer"};
  const Millis span = gap_between(watch.started_at, watch.until);
  const Millis gap = std::max(watch.longest_gap, gap_between(watch.last_at, std::min(now, watch.until)));
  const std::string counts = fmt::format("{}, {} failed", counted(watch.looks, "look"), watch.failed);
  if (troubled) return {"bad", counts + ", and the last ones among them"};
  if (!watch.trouble.empty())
    return {"bad", counts + ", and there was trouble " + counted(std::ssize(watch.trouble), "time")};
  if (gap > span / 4) return {"unseen", counts + ", but nobody looked for " + for_people(gap)};
  return {"good", counts};
}

std::vector<std::string> lines_of(const WatchSummary& watch) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "{} of {}, {} to {}: {}", watch.id, watch.version.str(), to_iso(watch.started_at).substr(0, 19),
      to_iso(watch.open ? watch.until : watch.last_at).substr(0, 19), watch.open ? "still on" : watch.verdict));
  lines.push_back(fmt::format("{}, {} failed{}", counted(watch.looks, "look"), watch.failed,
                              watch.verdict_why.empty() ? "" : ": " + watch.verdict_why));
  for (const WallTime at : watch.trouble) lines.push_back("trouble at " + to_iso(at).substr(0, 19));
  for (const WatchFailure& each : watch.failures)
    lines.push_back(fmt::format("{} on {} failed {}, last at {}: {}", each.step, each.host, counted(each.count, "time"),
                                to_iso(each.last_at).substr(0, 19), each.why));
  for (const NewKind& each : watch.new_kinds)
    lines.push_back(fmt::format("not seen before in {} on {}, {}: {}", each.log, each.host, counted(each.count, "time"),
                                each.kind));
  for (const Trend& each : watch.figures)
    lines.push_back(fmt::format("{}: {} at first, {} at last, {} to {}", each.name, number(each.first),
                                number(each.last), number(each.least), number(each.most)));
  return lines;
}

Json to_json(const WatchSummary& watch) {
  Json value = {{"watch", watch.id},
                {"version", watch.version.str()},
                {"run", watch.run.str()},
                {"why", watch.why},
                {"started_at_ms", to_millis(watch.started_at)},
                {"until_ms", to_millis(watch.until)},
                {"last_at_ms", to_millis(watch.last_at)},
                {"open", watch.open},
                {"looks", watch.looks},
                {"failed", watch.failed},
                {"longest_gap_ms", watch.longest_gap.count()},
                {"verdict", watch.verdict},
                {"verdict_why", watch.verdict_why},
                {"trouble_at_ms", Json::array()},
                {"failures", Json::array()},
                {"new_kinds", Json::array()},
                {"figures", Json::array()}};
  for (const WallTime at : watch.trouble) value["trouble_at_ms"].push_back(to_millis(at));
  for (const WatchFailure& each : watch.failures)
    value["failures"].push_back({{"step", each.step},
                                 {"host", each.host},
                                 {"why", each.why},
                                 {"count", each.count},
                                 {"first_at_ms", to_millis(each.first_at)},
                                 {"last_at_ms", to_millis(each.last_at)}});
  for (const NewKind& each : watch.new_kinds)
    value["new_kinds"].push_back({{"log", each.log}, {"host", each.host}, {"kind", each.kind}, {"count", each.count}});
  for (const Trend& each : watch.figures)
    value["figures"].push_back({{"name", each.name},
                                {"first", each.first},
                                {"least", each.least},
                                {"most", each.most},
                                {"last", each.last},
                                {"count", each.count}});
  return value;
}

}  // namespace backout::record
