#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <numeric>

#include "base/text.h"

namespace backout::cli {
namespace {

constexpr size_t kColumnsOfAPipe = 100;
constexpr size_t kLeastColumns = 40;
constexpr size_t kLeastLastColumn = 12;
constexpr std::string_view kCut = "...";
constexpr std::string_view kReset = "\x1B[0m";

struct Range {
  uint32_t first, last;
};
// From Unicode 15: EastAsianWidth W and F, and the emoji that terminals draw wide.
constexpr std::array kWide = {Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x23E9, 0x23EC},
                              Range{0x2E80, 0x303E},   Range{0x3041, 0x33FF},   Range{0x3400, 0x4DBF},
                              Range{0x4E00, 0x9FFF},   Range{0xA000, 0xA4CF},   Range{0xAC00, 0xD7A3},
                              Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
                              Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF},
                              Range{0x1F900, 0x1F9FF}, Range{0x1FA70, 0x1FAFF}, Range{0x20000, 0x3FFFD}};
// General categories Mn, Me and Cf that stand in ordinary text.
constexpr std::array kZero = {
    Range{0x0300, 0x036F}, Range{0x0483, 0x0489}, Range{0x0591, 0x05BD}, Range{0x0610, 0x061A}, Range{0x064B, 0x065F},
    Range{0x1AB0, 0x1AFF}, Range{0x1DC0, 0x1DFF}, Range{0x200B, 0x200F}, Range{0x202A, 0x202E}, Range{0x2060, 0x2064},
    Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}, Range{0xFEFF, 0xFEFF}};

template <size_t N>
bool is_in(const std::array<Range, N>& ranges, uint32_t point) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return point >= range.first && point <= range.last; });
}

struct Glyph {
  size_t bytes, width;
};

/// The character at `at`. A byte that begins none counts as one column.
Glyph glyph_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[at + i])); };
  const uint32_t first = byte(0);
  if (first == 0x1B && at + 1 < text.size() && text[at + 1] == '[') {  // a colour of ours: ESC [ ... m
    const size_t end = text.find('m', at);
    if (end != std::string_view::npos) return {end + 1 - at, 0};
  }
  if (first < 0x80) return {1, first < 0x20 || first == 0x7F ? 0U : 1U};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (length == 1 || at + length > text.size()) return {1, 1};
  uint32_t point = first & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) point = (point << 6U) | (byte(i) & 0x3FU);
  return {length, is_in(kZero, point) ? 0U : is_in(kWide, point) ? 2U : 1U};
}

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::kPlain: return "";
    case Tone::kStrong: return "\x1B[1m";
    case Tone::kDim: return "\x1B[2m";
    case Tone::kGood: return "\x1B[32m";
    case Tone::kBad: return "\x1B[31m";
    case Tone::kWarning: return "\x1B[33m";
  }
  return "";
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

bool wants_colour(bool is_terminal, bool no_color_flag, const char* no_color, const char* term) {
  if (!is_terminal || no_color_flag) return false;
  if (no_color != nullptr && *no_color != '\0') return false;
  return term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

bool wants_unicode(const char* lc_all, const char* lc_ctype, const char* lang) {
  for (const char* locale : {lc_all, lc_ctype, lang}) {
    if (locale == nullptr || *locale == '\0') continue;
    std::string name(locale);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name.find("utf-8") != std::string::npos || name.find("utf8") != std::string::npos;
  }
  return false;
}

std::string Style::in(Tone tone, std::string_view text) const {
  const std::string_view code = code_of(tone);
  if (!colour_ || code.empty() || text.empty()) return std::string(text);
  return fmt::format("{}{}{}", code, text, kReset);
}

std::string Style::mark(Mark mark, std::string_view word) const {
  const auto said = [&](Tone tone, std::string_view sign, std::string_view ascii) {
    return in(tone, unicode_ ? sign : ascii) + " " + one_line(word);
  };
  switch (mark) {
    case Mark::kDone: return said(Tone::kGood, "✓", "+");
    case Mark::kFailed: return said(Tone::kBad, "✗", "x");
    case Mark::kRunning: return said(Tone::kStrong, "▸", ">");
    case Mark::kUnknown: return said(Tone::kWarning, "?", "?");
  }
  return one_line(word);
}

Style style_for(int descriptor, bool no_color_flag) {
  const bool is_terminal = isatty(descriptor) != 0;
  return {wants_colour(is_terminal, no_color_flag, std::getenv("NO_COLOR"), std::getenv("TERM")),
          wants_unicode(std::getenv("LC_ALL"), std::getenv("LC_CTYPE"), std::getenv("LANG"))};
}

size_t columns_of(int descriptor) {
  struct winsize size {};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsOfAPipe;
  return std::max<size_t>(size.ws_col, kLeastColumns);
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const Glyph glyph = glyph_at(text, at);
    width += glyph.width;
    at += glyph.bytes;
  }
  return width;
}

std::string padded(std::string_view text, size_t width, bool to_the_right) {
  const size_t has = display_width(text);
  const std::string space(width > has ? width - has : 0, ' ');
  return to_the_right ? space + std::string(text) : std::string(text) + space;
}

std::string cut_to(std::string_view text, size_t width) {
  if (display_width(text) <= width) return std::string(text);
  const std::string_view tail = kCut.substr(0, std::min(width, kCut.size()));
  const size_t room = width - tail.size();
  size_t used = 0, at = 0;
  while (at < text.size()) {
    const Glyph glyph = glyph_at(text, at);
    if (used + glyph.width > room) break;
    used += glyph.width;
    at += glyph.bytes;
  }
  return fmt::format("{}{}", text.substr(0, at), tail);
}

std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  for (const std::string& paragraph : split(sanitised(text), '\n')) {
    std::string line;
    for (const std::string& word : split(replaced(paragraph, "\t", " "), ' ')) {
      if (word.empty()) continue;
      if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
        lines.push_back(std::move(line));
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
    }
    lines.push_back(std::move(line));
  }
  while (lines.size() > 1 && lines.back().empty()) lines.pop_back();
  return lines;
}

void Table::add(std::vector<Cell> row) {
  row.resize(columns_.size());
  for (Cell& cell : row) cell.text = one_line(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::text(const Style& style, size_t columns, size_t indent) const {
  if (rows_.empty() || columns_.empty()) return "";
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const std::vector<Cell>& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  const size_t before_last = std::accumulate(widths.begin(), widths.end() - 1, indent) + 2 * (widths.size() - 1);
  const size_t room = columns > before_last ? columns - before_last : 0;
  widths.back() = std::min(widths.back(), std::max(room, kLeastLastColumn));

  const auto line = [&](const auto& text_of, const auto& tone_of) {
    std::string laid(indent, ' ');
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string cell = cut_to(text_of(i), widths[i]);
      const size_t gap = widths[i] - std::min(widths[i], display_width(cell));
      const std::string coloured = style.in(tone_of(i), cell);
      laid += columns_[i].to_the_right ? std::string(gap, ' ') + coloured : coloured + std::string(gap, ' ');
      if (i + 1 < columns_.size()) laid += "  ";
    }
    return without_trailing_spaces(std::move(laid)) + "\n";
  };
  std::string table;
  if (std::any_of(columns_.begin(), columns_.end(), [](const Column& column) { return !column.title.empty(); }))
    table += line([&](size_t i) { return columns_[i].title; }, [](size_t) { return Tone::kDim; });
  for (const std::vector<Cell>& row : rows_)
    table += line([&](size_t i) { return row[i].text; }, [&](size_t i) { return row[i].tone; });
  return table;
}

std::string key_values(const std::vector<std::pair<std::string, std::string>>& pairs, size_t columns, size_t indent) {
  size_t widest = 0;
  for (const auto& [key, value] : pairs) widest = std::max(widest, display_width(one_line(key)));
  const size_t start = indent + widest + 2;
  const size_t room = std::max(columns > start ? columns - start : 0, kLeastLastColumn);
  std::string text;
  for (const auto& [key, value] : pairs) {
    std::string left = std::string(indent, ' ') + padded(one_line(key), widest + 2);
    for (const std::string& line : wrapped(value, room)) {
      text += without_trailing_spaces(left + line) + "\n";
      left = std::string(start, ' ');
    }
  }
  return text;
}

std::string relative(WallTime when, WallTime now) {
  const bool past = when <= now;
  const int64_t seconds = (past ? now - when : when - now).count() / 1000;
  if (seconds < 5) return past ? "just now" : "now";
  std::string span;
  if (seconds < 90)
    span = fmt::format("{} s", seconds);
  else if (seconds < 90 * 60)
    span = fmt::format("{} min", (seconds + 30) / 60);
  else if (seconds < 36 * 3600)
    span = fmt::format("{} h", (seconds + 1800) / 3600);
  else
    span = counted((seconds + 43'200) / 86'400, "day");
  return past ? span + " ago" : "in " + span;
}

}  // namespace backout::cli
