#include "watch/log/error_lines.h"

#include <algorithm>

#include "base/text.h"
#include "model/log_lines.h"
#include "watch/pace.h"

namespace backout::watch {
namespace {

constexpr size_t kLongestLogLine = 4096;

bool found_in_any(const std::vector<Pattern>& patterns, std::string_view line) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& each) { return each.found_in(line); });
}

template <class Take>
void each_line(std::string_view text, const Take& take) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, std::min(end - start, kLongestLogLine));
    start = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!trimmed(line).empty()) take(line);
  }
}

}  // namespace

void ErrorLines::remember(const Json& memory) {
  if (const Json& known = get(memory, "known"); known.is_array()) {
    known_.emplace();
    for (const Json& id : known)
      if (id.is_string() && known_->size() < kKnownKinds) known_->insert(id.get<std::string>());
  }
  for (const auto& [id, each] : get(memory, "new").items())
    if (each.is_array() && each.size() == 2 && each[0].is_number_integer() && each[1].is_boolean() &&
        new_.size() < kNewKinds)
      new_[id] = {each[0].get<int64_t>(), each[1].get<bool>()};
}

Json ErrorLines::memory() const {
  Json memory = Json::object();
  if (known_) memory["known"] = *known_;
  for (const auto& [id, each] : new_) memory["new"][id] = {each.count, each.told};
  return memory;
}

void ErrorLines::learn(std::string_view text) {
  each_line(text, [&](std::string_view line) {
    if (!known_) known_.emplace();
    if (!counts(line)) return;
    const std::string kind = masked(line);
    if (!kind.empty() && known_->size() < kKnownKinds) known_->insert(id_of_kind(kind));
  });
}

bool ErrorLines::counts(std::string_view line) const {
  if (found_in_any(rules_.ignore, line)) return false;
  if (!rules_.errors.empty()) return found_in_any(rules_.errors, line);
  const LogFindings found = findings_in(line, {});
  return !found.bad.empty() || found.errors > 0;
}

void ErrorLines::read(std::string_view text, int zone, WallTime now) {
  WallTime at = now;  // a line without a time goes with the one before
  each_line(text, [&](std::string_view line) {
    ++lines_;
    if (const auto said = time_of(line, zone)) at = std::min(*said, now);
    if (!counts(line)) return;
    ++errors_;
    std::string kind = masked(line);
    if (kind.empty()) kind = "(a line that goes on from the one before)";
    const std::string id = id_of_kind(kind);
    const auto known = kinds_.find(id);
    if (known == kinds_.end() && kinds_.size() == kNewKinds) {
      ++left_out_;
      return;
    }
    Kind& each = known == kinds_.end() ? kinds_[id] : known->second;
    if (each.count++ == 0) each.text = std::move(kind), each.first = at;
  });
}

std::vector<Occurrence> ErrorLines::take() {
  std::vector<Occurrence> told_now;
  std::vector<std::pair<std::string, Kind>> kinds(kinds_.begin(), kinds_.end());
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  int64_t shown = 0;
  for (const auto& [id, kind] : kinds) {
    if (rules_.templates && known_ && !known_->contains(id)) {
      if (!new_.contains(id) && new_.size() == kNewKinds) {
        ++left_out_;
        continue;
      }
      New& each = new_[id];
      each.count += kind.count;
      if (!each.told && each.count >= kTimes) {
        each.told = true;
        told_now.push_back(
            {.kind = "template", .at = kind.first, .what = told(kind.text), .count = each.count, .more = {{"id", id}}});
      }
    }
    if (static_cast<size_t>(shown++) < kToldKinds)
      told_now.push_back(
          {.kind = "error-line", .at = kind.first, .what = told(kind.text), .count = kind.count, .more = {{"id", id}}});
    else
      ++left_out_;
  }
  kinds_.clear();
  std::stable_sort(told_now.begin(), told_now.end(),
                   [](const Occurrence& a, const Occurrence& b) { return a.at < b.at; });
  return told_now;
}

}  // namespace backout::watch
