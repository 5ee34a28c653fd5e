#include "drivers/code/recap.h"

#include <charconv>
#include <vector>

#include "base/text.h"

namespace backout::drivers {
namespace {

constexpr const char* kUnreadable = "unreadable";

/// Without escape sequences: "\x1b[0;32m".
std::string plain(std::string_view line) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      i += 2;
      while (i < line.size() && (line[i] < '@' || line[i] > '~')) ++i;
    } else if (line[i] != '\r') {
      text += line[i];
    }
  }
  return text;
}

}  // namespace

Recap ansible_recap(std::string_view output) {
  Recap recap;
  bool inside = false, any = false;
  for (const std::string& raw : split(output, '\n')) {
    const std::string line = plain(raw);
    if (line.starts_with("PLAY RECAP")) {
      recap.clear();
      inside = true;
      any = false;
      continue;
    }
    const size_t colon = line.rfind(" : ");
    if (!inside || colon == std::string::npos) continue;
    const std::string host = one_line(std::string(trimmed(line.substr(0, colon))));
    std::map<std::string, int64_t> counts;
    for (const std::string& word : split(line.substr(colon + 3), ' ')) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos || equals == 0) continue;
      int64_t number = 0;
      const char* end = word.data() + word.size();
      const auto parsed = std::from_chars(word.data() + equals + 1, end, number);
      if (parsed.ec == std::errc() && parsed.ptr == end) counts[word.substr(0, equals)] = number;
    }
    const bool whole = counts.contains("ok") && counts.contains("failed") && counts.contains("unreachable");
    if (!whole && line.find("ok=", colon) == std::string::npos) continue;
    any = any || (whole && !host.empty());
    if (!whole) counts[kUnreadable] = 1;  // cut off, or no numbers: a host of which nobody knows is no success
    if (!host.empty()) recap[host] = std::move(counts);
  }
  return any ? recap : Recap();
}

std::string fault_of(const Recap& recap) {
  std::vector<std::string> faults;
  for (const auto& [host, counts] : recap) {
    std::vector<std::string> wrong;
    for (const char* key : {"unreachable", "failed", kUnreadable})
      if (const auto count = counts.find(key); count != counts.end() && count->second != 0)
        wrong.push_back(std::string(key) + "=" + std::to_string(count->second));
    if (!wrong.empty()) faults.push_back(host + ": " + join(wrong, ", "));
  }
  return join(faults, "; ");
}

RecapHosts hosts_of(const Recap& recap, const std::vector<std::string>& expected) {
  RecapHosts hosts;
  for (const auto& [host, counts] : recap)
    (fault_of({{host, counts}}).empty() ? hosts.through : hosts.failed).push_back(host);
  for (const std::string& host : expected)
    if (!recap.contains(host)) hosts.missing.push_back(host);
  return hosts;
}

std::string told_apart(const Recap& recap, const std::vector<std::string>& expected) {
  const RecapHosts hosts = hosts_of(recap, expected);
  std::vector<std::string> words;
  if (!hosts.failed.empty()) words.push_back(fault_of(recap));
  if (!hosts.missing.empty())
    words.push_back(join(hosts.missing, ", ") + (hosts.missing.size() == 1 ? " is not in it" : " are not in it"));
  if (!words.empty() && !hosts.through.empty()) words.push_back("without fault: " + join(hosts.through, ", "));
  return join(words, "; ");
}

}  // namespace backout::drivers
