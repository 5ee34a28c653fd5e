#include "import/block.h"

#include "base/text.h"

namespace backout::import {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0; }

/// "[ ] " or "[x] ".
bool is_box(std::string_view text) {
  return text.size() >= 3 && text[0] == '[' && text[2] == ']' && (text[1] == ' ' || text[1] == 'x' || text[1] == 'X') &&
         (text.size() == 3 || text[3] == ' ' || text[3] == '\t');
}

/// The words of "[words](address)" when a link begins at `at`, and where it ends.
bool link_at(std::string_view text, size_t at, std::string_view& words, size_t& end) {
  const size_t close = text.substr(0, at + 400).find(']', at);
  if (close == std::string_view::npos || close + 1 >= text.size() || text[close + 1] != '(') return false;
  const size_t stop = text.substr(0, close + 600).find(')', close);
  if (stop == std::string_view::npos) return false;
  words = text.substr(at + 1, close - at - 1);
  end = stop + 1;
  return true;
}

}  // namespace

std::string without_markup(std::string_view text) {
  std::string words;
  bool code = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : ' ', before = i > 0 ? text[i - 1] : ' ';
    if (c == '`') {
      code = !code;
      continue;
    }
    if (!code && c == '\\' && std::string_view("\\`*_{}[]()#+-.!|>").find(next) != std::string_view::npos) {
      words += next;
      ++i;
      continue;
    }
    if (!code && (c == '*' || c == '_') && next == c) {
      ++i;
      continue;
    }
    if (!code && c == '*' && (is_word(next) || is_word(before)) && next != ' ' + 0) continue;
    if (!code && c == '_' && (is_word(next) != is_word(before))) continue;
    std::string_view link;
    size_t end = 0;
    if (!code && c == '[' && link_at(text, i, link, end)) {
      words += without_markup(link.substr(0, 400));
      i = end - 1;
      continue;
    }
    words += c;
  }
  return std::string(trimmed(words));
}

std::vector<std::string> cells_of(std::string_view row) {
  std::vector<std::string> cells;
  std::string cell;
  bool code = false, any = false;
  row = trimmed(row);
  if (row.starts_with('|')) row.remove_prefix(1);
  for (size_t i = 0; i < row.size() && cells.size() < 64; ++i) {
    any = true;
    if (row[i] == '\\' && i + 1 < row.size() && row[i + 1] == '|') {
      cell += '|';
      ++i;
    } else if (row[i] == '|' && !code) {
      cells.emplace_back(trimmed(cell));
      cell.clear();
      any = false;
    } else {
      if (row[i] == '`') code = !code && row.find('`', i + 1) != std::string_view::npos;
      cell += row[i];
    }
  }
  if (any) cells.emplace_back(trimmed(cell));
  return cells;
}

std::vector<std::string> head_of(std::string_view row) {
  std::vector<std::string> head = cells_of(row);
  if (head.size() > 12) head.resize(12);
  for (std::string& cell : head) cell = shortened(without_markup(cell.substr(0, 200)), 80);
  return head;
}

bool is_row(std::string_view line) {
  line = trimmed(line);
  return line.size() >= 2 && line.front() == '|' && line.find('|', 1) != std::string_view::npos;
}

bool is_delimiter_row(std::string_view line) {
  line = trimmed(line);
  return line.find("--") != std::string_view::npos && line.find('|') != std::string_view::npos &&
         line.find_first_not_of("|-: \t") == std::string_view::npos;
}

Marks marks_of(std::string_view line) {
  Marks marks;
  size_t at = line.find_first_not_of(" \t>");
  if (at == std::string_view::npos) return marks;
  marks.indent = at;
  marks.length = at;
  size_t end = at;
  constexpr std::string_view kBullets[] = {"-", "*", "+", "•", "–", "◦", "·", "▪"};
  for (const std::string_view bullet : kBullets)
    if (line.substr(at).starts_with(bullet)) end = at + bullet.size();
  if (end == at && is_digit(line[at])) {
    while (end < line.size() && is_digit(line[end])) ++end;
    if (end - at <= 4 && end < line.size() && (line[end] == '.' || line[end] == ')'))
      ++end, marks.ordered = true;
    else
      end = at;
  }
  if (end != at && end < line.size() && (line[end] == ' ' || line[end] == '\t')) {
    marks.element = true;
    end = std::min(line.find_first_not_of(" \t", end), line.size());
    marks.length = end;
  } else {
    marks.ordered = false;
    end = at;
  }
  if (is_box(line.substr(end)) && (marks.element || line[end + 1] == ' ')) {
    marks.checkbox = true;
    marks.length = std::min(line.find_first_not_of(" \t", end + 3), line.size());
  }
  return marks;
}

}  // namespace backout::import
