// Checks that look at a host: its logs, its figures. And how a release is watched.
#include "config/read_looks.h"

#include <fmt/format.h>

#include "base/pattern.h"
#include "base/text.h"
#include "config/read.h"
#include "config/shape.h"
#include "model/limit.h"

namespace backout::config {
namespace {

constexpr Millis kWithin{15 * 60'000};

Json patterns_at(const Reading& reading, const Node& node, const char* key) {
  Json list = Json::array();
  for (const Node& item : items_at(node, key)) {
    if (!item.is_text()) continue;
    if (const auto compiled = Pattern::compile(item.text); !compiled)
      reading.findings.error(item.place, fmt::format("checks: {}: {}", key, compiled.error().message),
                             compiled.error().next);
    else if (compiled->found_in(""))
      reading.findings.error(
          item.place, fmt::format("checks: {}: '{}' is found in every line", key, shortened(one_line(item.text), 60)));
    list.push_back(item.text);
  }
  return list;
}

/// "2 of 5".
void read_trouble(const Reading& reading, const Node& node) {
  const std::vector<std::string> words = split(node.text, ' ');
  const auto failed = whole_of(words.front());
  const auto of = words.size() == 3 && words[1] == "of" ? whole_of(words[2]) : std::nullopt;
  if (!failed || !of || *failed < 1 || *of < *failed || *of > 100) {
    reading.findings.error(
        node.place,
        fmt::format("watch.trouble: '{}' is not so many of so many, up to 100", shortened(one_line(node.text), 40)),
        "for example: trouble: 2 of 5");
    return;
  }
  reading.site.watch.trouble_failed = static_cast<int>(*failed);
  reading.site.watch.trouble_of = static_cast<int>(*of);
}

}  // namespace

CheckConfig log_check(const Reading& reading, const Node& node, bool journal) {
  CheckConfig check{.kind = "log"};
  if (journal)
    check.args["unit"] = check.name = text_at(node, "journal");
  else
    check.args["file"] = check.name = path_at(reading, node, "log");
  check.args["deny"] = patterns_at(reading, node, "deny");
  check.args["allow"] = patterns_at(reading, node, "allow");
  check.args["within_ms"] = span_at(node, "within", kWithin).count();
  check.patience = {1, Millis(0)};  // what stands in a log stays there
  return check;
}

CheckConfig resources_check(const Reading& reading, const Node& node) {
  CheckConfig check{.name = "resources", .kind = "resources"};
  check.args["limits"] = Json::object();
  const Node* limits = node.find("resources");
  for (const Entry& entry : limits->entries) {
    if (entry.key.starts_with("x-") || !entry.value.is_text()) continue;
    const auto limit = limit_from(entry.value.text);
    const bool share = entry.key == "disk" || entry.key == "memory" || entry.key == "open_files";
    const std::string unit = share ? "%" : entry.key == "rss" ? "B" : "";
    if (!limit)
      reading.findings.error(entry.value.place, fmt::format("checks: {}: {}", entry.key, limit.error().message),
                             limit.error().next);
    else if (limit->unit != unit)
      reading.findings.error(entry.value.place,
                             fmt::format("checks: {} is {}", entry.key,
                                         share          ? "a share: write it with %"
                                         : unit.empty() ? "a number without a unit"
                                                        : "memory: write it with kB, MB or GB"),
                             fmt::format("for example: {}: {}", entry.key,
                                         share          ? "<90%"
                                         : unit.empty() ? "<2"
                                                        : "<500MB"));
    check.args["limits"][entry.key] = entry.value.text;
  }
  if (limits->is_map() && check.args["limits"].empty())
    reading.findings.error(limits->place, "checks: resources is empty", "for example: resources: {disk: <90%}");
  return check;
}

void read_watch(const Reading& reading, const Node& watch) {
  WatchConfig& config = reading.site.watch;
  config.first = span_at(watch, "first", config.first);
  config.heightened = span_at(watch, "heightened", config.heightened);
  if (const Node* trouble = watch.find("trouble"); trouble != nullptr && trouble->is_text())
    read_trouble(reading, *trouble);
  const CommandDefaults defaults{.cwd = beside_the_file(reading.site), .relative_to = reading.site.directory};
  for (const Node& node : items_at(watch, "figures")) {
    if (!node.is_map()) continue;
    for (const std::string_view key : {"name", "count"}) require(reading, node, "watch.figures[]", key);
    FigureConfig figure{.name = text_at(node, "name")};
    if (const Node* count = node.find("count")) figure.count = command_of(*count, defaults);
    figure.hosts = hosts_at(reading, node);
    for (const FigureConfig& other : config.figures)
      if (other.name == figure.name)
        reading.findings.error(node.place, fmt::format("watch.figures: '{}' is here twice", figure.name),
                               "give one of them another name");
    config.figures.push_back(std::move(figure));
  }
  const Node* level = watch.find("log_level");
  if (level == nullptr || !level->is_map()) return;
  LogLevelConfig log_level;
  for (const std::string_view key : {"raise", "put_back"}) require(reading, *level, "watch.log_level", key);
  if (const Node* raise = level->find("raise")) log_level.raise = command_of(*raise, defaults);
  if (const Node* back = level->find("put_back")) log_level.put_back = command_of(*back, defaults);
  if (const Node* probe = level->find("probe")) log_level.probe = command_of(*probe, defaults);
  log_level.hosts = hosts_at(reading, *level);
  config.log_level = std::move(log_level);
}

}  // namespace backout::config
