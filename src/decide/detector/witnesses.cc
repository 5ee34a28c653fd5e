#include "decide/detector/witnesses.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

constexpr int64_t kTimes = 5, kClients = 3, kTimesUnknownClients = 15;
constexpr size_t kFew = 3, kLines = 8, kWhat = 120;
constexpr auto kFallsWithin = std::chrono::minutes(10), kWordsWithin = std::chrono::minutes(60);

/// What makes two occurrences the same: an alert's fingerprint, else the text.
std::string key_of(const Occurrence& occurrence) {
  const std::string fingerprint = get_string(occurrence.more, "fingerprint");
  return sha256_hex(fingerprint.empty() ? occurrence.what : fingerprint).substr(0, 8);
}

std::string brief(const std::string& what) { return shortened(one_line(what), kWhat); }

Json few_json(const std::vector<std::pair<WallTime, std::string>>& few) {
  Json list = Json::array();
  for (const auto& [at, what] : few) list.push_back({to_millis(at), what});
  return list;
}

Result<std::vector<std::pair<WallTime, std::string>>> few_from(const Json& list) {
  std::vector<std::pair<WallTime, std::string>> few;
  for (const Json& each : list) {
    if (!each.is_array() || each.size() != 2 || !is_count(each[0]) || !each[1].is_string())
      return not_stored("occurrences");
    few.emplace_back(wall_from_millis(each[0].get<int64_t>()), each[1].get<std::string>());
  }
  return few;
}

}  // namespace

void Witnesses::add(const Occurrence& occurrence, const Releases& releases) {
  const int64_t count = std::clamp<int64_t>(occurrence.count, 1, kMostCounted / 1000);
  const bool old =
      occurrence.at < releases.cutover ||
      (!occurrence.release.empty() && occurrence.release == releases.before && releases.before != releases.current);
  if (occurrence.kind == "alert-resolved") {
    std::erase_if(words_, [key = key_of(occurrence)](const auto& each) { return each.second == key; });
    return;
  }
  if (occurrence.kind == "error-line" && !occurrence.severe) {  // of the measure "lines"
    if (!old && !occurrence.elsewhere) line_again(occurrence);
    return;
  }
  if (old || occurrence.elsewhere) {
    aside_ += count;
    return;
  }
  if (counted_ == 0) first_ = occurrence.at;
  counted_ += count;
  last_ = brief(occurrence.what);
  if (occurrence.severe)
    raise(occurrence, occurrence.kind);
  else if (occurrence.kind == "template")
    line_seen(occurrence);
  else if (occurrence.kind == "restart" || occurrence.kind == "exit")
    for (int64_t i = 0; i < std::min<int64_t>(count, kFew); ++i)
      come(falls_, occurrence, std::to_string(counted_ - i), kFallsWithin, "3 restarts within 10 minutes");
  else if (occurrence.kind == "alert")
    come(words_, occurrence, key_of(occurrence), kWordsWithin, "3 alerts or reports within an hour");
  else if (occurrence.kind == "report")
    come(words_, occurrence, std::to_string(counted_), kWordsWithin, "3 alerts or reports within an hour");
}

void Witnesses::line_seen(const Occurrence& occurrence) {
  const std::string key = key_of(occurrence);
  if (!lines_.contains(key) && lines_.size() >= kLines)
    lines_.erase(std::min_element(lines_.begin(), lines_.end(),
                                  [](const auto& a, const auto& b) { return a.second.count < b.second.count; }));
  Line& line = lines_[key];
  line.count += std::clamp<int64_t>(occurrence.count, 1, kMostCounted / 1000);
  line.clients = std::max(line.clients, occurrence.clients);
  line.at = occurrence.at;
  weigh(line, occurrence);
}

void Witnesses::line_again(const Occurrence& occurrence) {
  const auto line = lines_.find(key_of(occurrence));
  if (line == lines_.end() || occurrence.at == line->second.at) return;
  line->second.count += std::clamp<int64_t>(occurrence.count, 1, kMostCounted / 1000);
  line->second.clients = std::max(line->second.clients, occurrence.clients);
  weigh(line->second, occurrence);
}

void Witnesses::weigh(const Line& line, const Occurrence& occurrence) {
  if (line.clients > 0 ? line.count < kTimes || line.clients < kClients : line.count < kTimesUnknownClients) return;
  const std::string from = line.clients > 0 ? fmt::format(" from {} clients", line.clients) : "";
  raise(occurrence, fmt::format("a line never seen before, {} times{}", line.count, from));
}

void Witnesses::come(Few& few, const Occurrence& occurrence, const std::string& what, Millis within,
                     std::string_view rule) {
  std::erase_if(few, [&](const auto& each) {
    return each.second == what || occurrence.at - each.first > within || each.first - occurrence.at > within;
  });
  few.emplace_back(occurrence.at, what);
  if (few.size() >= kFew) {
    raise(occurrence, std::string(rule));
    few.erase(few.begin());
  }
}

void Witnesses::raise(const Occurrence& occurrence, const std::string& rule) {
  if (alarm()) return;
  alarm_at_ = occurrence.at;
  why_ = rule + ": " + brief(occurrence.what);
}

void Witnesses::tell(Evidence& evidence) const {
  evidence.measure = "occurrences";
  evidence.state = alarm() ? EvidenceState::kAlarm : EvidenceState::kQuiet;
  evidence.bad = counted_;
  evidence.first_bad = evidence.onset = first_;
  evidence.alarm_at = alarm_at_;
  if (alarm())
    evidence.why = why_;
  else if (counted_ > 0)
    evidence.why = "the last one: " + last_;
  if (aside_ > 0)
    evidence.why +=
        fmt::format("{}{} of before, of the old release or from elsewhere", evidence.why.empty() ? "" : "; ", aside_);
}

Json Witnesses::to_json() const {
  Json value = Json::object();
  if (counted_ > 0) value["counted"] = counted_;
  if (aside_ > 0) value["aside"] = aside_;
  for (const auto& [key, line] : lines_) value["lines"][key] = {line.count, line.clients, to_millis(line.at)};
  if (!falls_.empty()) value["falls"] = few_json(falls_);
  if (!words_.empty()) value["words"] = few_json(words_);
  store_time(value, "first_ms", first_);
  store_time(value, "alarm_ms", alarm_at_);
  if (!why_.empty()) value["why"] = why_;
  if (!last_.empty()) value["last"] = last_;
  return value;
}

Result<void> Witnesses::restore(const Json& value) {
  Witnesses read;
  read.counted_ = stored_count(value, "counted");
  read.aside_ = stored_count(value, "aside");
  for (const auto& [key, line] : get(value, "lines").items()) {
    if (!line.is_array() || line.size() != 3 || !is_count(line[0]) || !is_count(line[1]) || !is_count(line[2]))
      return not_stored("lines");
    read.lines_[key] = {line[0].get<int64_t>(), line[1].get<int64_t>(), wall_from_millis(line[2].get<int64_t>())};
  }
  read.falls_ = TRY(few_from(get(value, "falls")));
  read.words_ = TRY(few_from(get(value, "words")));
  read.first_ = stored_time(value, "first_ms");
  read.alarm_at_ = stored_time(value, "alarm_ms");
  read.why_ = get_string(value, "why");
  read.last_ = get_string(value, "last");
  *this = std::move(read);
  return {};
}

}  // namespace backout::decide
