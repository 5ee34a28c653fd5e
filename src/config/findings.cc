#include "config/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "base/text.h"

namespace backout::config {
namespace {
constexpr size_t kLongestMessage = 600;  // findings quote the file; a megabyte of one word helps nobody
}

void Findings::add(Severity severity, const Place& place, std::string_view message, std::string_view next) {
  all_.push_back({place, Finding{.severity = severity,
                                 .line = place.line,
                                 .column = place.column,
                                 .message = shortened(one_line(message), kLongestMessage),
                                 .next = shortened(one_line(next), kLongestMessage),
                                 .file = files_.at(static_cast<size_t>(place.file))}});
}

void Findings::error(const Place& place, std::string_view message, std::string_view next) {
  add(Severity::kError, place, message, next);
}

void Findings::warning(const Place& place, std::string_view message, std::string_view next) {
  add(Severity::kWarning, place, message, next);
}

int Findings::add_file(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<int>(files_.size()) - 1;
}

int Findings::index_of(const std::string& name) const {
  const auto found = std::find(files_.begin(), files_.end(), name);
  return found == files_.end() ? 0 : static_cast<int>(found - files_.begin());
}

std::string Findings::in_words(const Place& place) const {
  if (place.file == 0) return fmt::format("line {}", place.line);
  const std::filesystem::path file = files_.at(static_cast<size_t>(place.file));
  return fmt::format("{} line {}", file.filename().string(), place.line);
}

std::vector<Finding> Findings::take() {
  const auto key = [](const Placed& placed) {
    return std::tie(placed.place.file, placed.place.line, placed.place.column, placed.finding.severity,
                    placed.finding.message);
  };
  std::stable_sort(all_.begin(), all_.end(), [&](const Placed& a, const Placed& b) { return key(a) < key(b); });
  all_.erase(std::unique(all_.begin(), all_.end(), [&](const Placed& a, const Placed& b) { return key(a) == key(b); }),
             all_.end());
  std::vector<Finding> findings;
  findings.reserve(all_.size());
  for (Placed& placed : all_) findings.push_back(std::move(placed.finding));
  return findings;
}

}  // namespace backout::config
