#include "record/people.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "base/hash.h"
#include "base/text.h"

namespace backout::record {
namespace {

constexpr std::string_view kBegin = "<!-- backout:people:", kEnd = "<!-- /backout:people:", kClose = " -->";

struct Block {
  std::string hash, text;
  size_t from = 0, to = 0;  // of the text, in bytes
  int line = 0;
};

std::string hash_of(std::string_view text) { return sha256_hex(trimmed(text)).substr(0, 12); }

Error damaged(int line, const std::string& what) {
  return {Code::kRefused, fmt::format("line {}: {}", line, what),
          "mend the markers, or write to another file; nothing was changed"};
}

/// Every block, by key. Markers stand on lines of their own.
Result<std::map<std::string, Block>> blocks_in(const std::string& page) {
  std::map<std::string, Block> blocks;
  std::string open;
  int number = 0;
  for (size_t start = 0; start < page.size();) {
    const size_t newline = page.find('\n', start), end = std::min(newline, page.size());
    const std::string_view line = trimmed(std::string_view(page).substr(start, end - start));
    ++number;
    if (line.starts_with(kBegin) && line.ends_with(kClose)) {
      const std::vector<std::string> words =
          split(line.substr(kBegin.size(), line.size() - kBegin.size() - kClose.size()), ' ');
      if (!open.empty()) return damaged(number, "the block '" + open + "' has no end before the next begins");
      if (!is_people_section(words[0])) return damaged(number, "there is no section '" + one_line(words[0]) + "'");
      if (words.size() != 2 || !words[1].starts_with("sha256:"))
        return damaged(number, "the marker of '" + words[0] + "' has lost its hash");
      if (blocks.contains(words[0])) return damaged(number, "the block '" + words[0] + "' is here twice");
      open = words[0];
      blocks[open] = {words[1].substr(7), "", std::min(end + 1, page.size()), 0, number};
    } else if (line.starts_with(kEnd) && line.ends_with(kClose)) {
      const std::string key(line.substr(kEnd.size(), line.size() - kEnd.size() - kClose.size()));
      if (key != open) return damaged(number, "an end of '" + one_line(key) + "' without its beginning");
      Block& block = blocks[open];
      block.to = start;
      block.text = page.substr(block.from, block.to - block.from);
      open.clear();
    } else if (line.find(kBegin) != std::string_view::npos || line.find(kEnd) != std::string_view::npos) {
      return damaged(number, "a marker that is not whole");
    }
    start = end + 1;
  }
  if (!open.empty()) return damaged(blocks[open].line, "the block '" + open + "' has no end");
  return blocks;
}

}  // namespace

const std::vector<Section>& people_sections() {
  static const std::vector<Section> sections = {{"impact", "Impact, in words"},
                                                {"root-cause", "Root cause"},
                                                {"lessons", "Lessons"},
                                                {"actions", "Actions"},
                                                {"public", "For the public"}};
  return sections;
}

bool is_people_section(std::string_view key) {
  const auto& all = people_sections();
  return std::any_of(all.begin(), all.end(), [&](const Section& each) { return each.key == key; });
}

std::string people_block(std::string_view key, const std::string& text) {
  return fmt::format("{}{} sha256:{}{}\n{}{}{}{}\n", kBegin, key, hash_of(text), kClose, text, kEnd, key, kClose);
}

Result<std::string> with_peoples_text(const std::string& made, const std::string& before) {
  if (trimmed(before).empty()) return made;
  const std::map<std::string, Block> old = TRY(blocks_in(before));
  if (old.empty())
    return Error{Code::kRefused, "it is there already and is no report of backout: it has no blocks for people's text",
                 "write to another file; nothing was changed"};
  std::string page = made;
  const std::map<std::string, Block> now = TRY(blocks_in(made));
  for (const auto& [key, was] : old) {
    if (trimmed(was.text).empty() || hash_of(was.text) == was.hash) continue;  // nobody wrote anything
    const auto at = now.find(key);
    if (at == now.end())
      return Error{
          Code::kRefused,
          fmt::format("line {}: people wrote into '{}', which this form of the report does not have", was.line, key),
          "write to another file; nothing was changed"};
    if (at->second.hash != was.hash && hash_of(at->second.text) != hash_of(was.text))
      return Error{
          Code::kRefused,
          fmt::format("line {}: '{}' was changed in the file, and newly written with backout note --section {}",
                      was.line, key, key),
          "put both into one, in the file or with the note, and empty the block; nothing was changed"};
    // The old marker goes along, so that the text still counts as a person's.
    page = replaced(
        std::move(page), people_block(key, at->second.text),
        fmt::format("{}{} sha256:{}{}\n{}{}{}{}\n", kBegin, key, was.hash, kClose, was.text, kEnd, key, kClose));
  }
  return page;
}

bool loses_lines(const std::string& page, const std::string& before) {
  std::set<std::string> kept;
  for (const std::string& line : split(page, '\n')) kept.emplace(trimmed(line));
  std::string beside = before;
  if (const auto blocks = blocks_in(before)) {
    std::map<size_t, size_t, std::greater<>> places;  // the last first, so that the others stay where they are
    for (const auto& [key, block] : *blocks) places[block.from] = block.to;
    for (const auto& [from, to] : places) beside.erase(from, to - from);
  }
  for (const std::string& each : split(beside, '\n')) {
    const std::string line(trimmed(each));
    if (!line.empty() && !line.starts_with(kBegin) && !kept.contains(line)) return true;
  }
  return false;
}

}  // namespace backout::record
