#include "import/flat.h"

#include <algorithm>

#include "base/text.h"
#include "import/commands.h"

namespace backout::import {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_comment(std::string_view line) { return line.starts_with("# ") || line.starts_with("#!/"); }
bool is_lower_heading(std::string_view line) {
  return line.starts_with("## ") || line.starts_with("### ") || line.starts_with("#### ");
}

/// "DEBUG = True": a setting of a program.
bool is_setting(std::string_view line) {
  const size_t equals = line.find(" = ");
  return equals != std::string_view::npos && equals > 2 && equals < 40 &&
         line.substr(0, equals).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.") == std::string_view::npos;
}

/// "| 12 | text |", as a listing with its line numbers was copied: the number and the text.
bool numbered_row(std::string_view line, int& number) {
  if (!is_row(line)) return false;
  const size_t end = line.find('|', 1);
  const std::string_view cell = trimmed(line.substr(1, end - 1));
  if (cell.empty() || cell.size() > 6 || cell.find_first_not_of("0123456789") != std::string_view::npos) return false;
  number = std::stoi(std::string(cell));
  return true;
}

/// "Phase 1: ...", "1.2 Assess", "Scenario: ...": how deep it is; 0: none of them.
int level_by_its_start(std::string_view line) {
  size_t dots = 0, at = 0;
  while (at < line.size() && (is_digit(line[at]) || line[at] == '.')) dots += line[at++] == '.' ? 1 : 0;
  if (at > 0 && dots > 0 && at < line.size() && line[at] == ' ' && is_digit(line[at - 1]))
    return 2 + static_cast<int>(dots);
  constexpr std::string_view kLarge[] = {"Phase ", "Part ", "Stage ", "Section "};
  constexpr std::string_view kSmall[] = {"Scenario", "Option", "Step", "Method", "Case", "Appendix"};
  for (const std::string_view word : kLarge)
    if (line.starts_with(word) && line.size() > word.size() && is_digit(line[word.size()])) return 2;
  for (const std::string_view word : kSmall)
    if (line.starts_with(word) && line.size() > word.size() + 1 &&
        (line[word.size()] == ':' || line[word.size()] == ' '))
      return line.find(':') != std::string_view::npos ? 3 : 0;
  return 0;
}

class Reader {
 public:
  explicit Reader(const std::vector<Line>& lines) : lines_(lines) {}

  std::vector<Block> take() {
    while (at_ < lines_.size()) one();
    return std::move(blocks_);
  }

 private:
  std::string_view text(size_t at) const { return at < lines_.size() ? trimmed(lines_[at].text) : std::string_view(); }

  void one() {
    const std::string_view line = text(at_);
    const Marks marks = marks_of(line);
    int number = 0;
    if (line.empty())
      ++at_;
    else if (numbered_row(line, number) && listing_from(number))
      listing();
    else if (is_row(line))
      rows();
    else if (is_comment(line) && (is_lower_heading(text(at_ + 1)) || is_lower_heading(text(at_ + 2))))
      block_until_heading("markdown");
    else if (is_comment(line) || looks_like_command(line) || is_setting(line))
      code();
    else if (line.starts_with("Subject: ") || (line.starts_with('[') && !marks.checkbox && line.find("] ") < 24))
      block_until_heading("message");
    else if (is_heading(marks))
      heading();
    else if (marks.element || marks.checkbox)
      element(marks);
    else
      words();
  }

  /// Four more rows with the numbers that follow.
  bool listing_from(int number) const {
    for (int more = 1; more <= 4; ++more) {
      int next = 0;
      if (!numbered_row(text(at_ + static_cast<size_t>(more)), next) || next != number + more) return false;
    }
    return true;
  }
  void listing() {
    int number = 0;
    while (numbered_row(text(at_), number)) {
      Block row{.type = Block::Type::kSource, .first = lines_[at_].number, .last = lines_[at_].number};
      row.lines.push_back({lines_[at_].number, std::string(text(at_))});
      row.cells = cells_of(text(at_++));
      row.group = groups_ + 1;
      blocks_.push_back(std::move(row));
    }
    ++groups_;
  }

  void rows() {
    std::vector<std::string> head;
    if (is_delimiter_row(text(at_ + 1))) {
      head = head_of(text(at_));
      at_ += 2;
    }
    ++groups_;
    for (; is_row(text(at_)); ++at_) {
      Block row{.type = Block::Type::kRow, .first = lines_[at_].number, .last = lines_[at_].number};
      row.lines.push_back({lines_[at_].number, std::string(text(at_))});
      row.cells = cells_of(text(at_));
      row.head = head;
      row.group = groups_;
      blocks_.push_back(std::move(row));
    }
  }

  void block_until_heading(const std::string& language) {
    Block block{.type = Block::Type::kCode, .first = lines_[at_].number, .language = language};
    do block.lines.push_back(lines_[at_++]);
    while (at_ < lines_.size() && level_by_its_start(text(at_)) == 0);
    block.last = lines_[at_ - 1].number;
    blocks_.push_back(std::move(block));
  }

  void code() {
    Block block{.type = Block::Type::kCode, .first = lines_[at_].number, .language = "sh"};
    do {
      block.lines.push_back(lines_[at_++]);
      const std::string_view before = text(at_ - 1), next = text(at_);
      if (before.ends_with('\\') && !next.empty()) continue;
      if (is_comment(next) && (is_lower_heading(text(at_ + 1)) || is_lower_heading(text(at_ + 2)))) break;
      if (!is_comment(next) && !looks_like_command(next) && !is_setting(next)) break;
    } while (at_ < lines_.size());
    block.last = lines_[at_ - 1].number;
    blocks_.push_back(std::move(block));
  }

  bool is_heading(const Marks& marks) const {
    const std::string_view line = text(at_);
    if (level_by_its_start(line) != 0) return true;
    if (marks.ordered && !marks.checkbox) {  // a number with no neighbour in a list is that of a heading
      const bool before = at_ > 0 && marks_of(text(at_ - 1)).ordered, after = marks_of(text(at_ + 1)).ordered;
      return !before && !after && reads_as_heading(line.substr(marks.length));
    }
    return !marks.element && !marks.checkbox && reads_as_heading(line);
  }

  void heading() {
    const std::string_view line = text(at_);
    const Marks marks = marks_of(line);
    Block block{.type = Block::Type::kHeading, .first = lines_[at_].number, .last = lines_[at_].number};
    const int by_start = level_by_its_start(line);
    block.level = blocks_.empty() ? 1 : by_start != 0 ? by_start : marks.ordered ? 3 : 2;
    block.lines.push_back({block.first, without_markup(line)});
    blocks_.push_back(std::move(block));
    ++at_;
  }

  void element(const Marks& marks) {
    Block block{.type = Block::Type::kElement, .first = lines_[at_].number, .last = lines_[at_].number};
    const bool goes_on = !blocks_.empty() && blocks_.back().type == Block::Type::kElement &&
                         blocks_.back().ordered == marks.ordered && blocks_.back().checkbox == marks.checkbox;
    if (!goes_on) ++groups_;
    block.group = groups_;
    block.ordered = marks.ordered;
    block.checkbox = marks.checkbox;
    block.lines.push_back({block.first, std::string(text(at_).substr(marks.length))});
    blocks_.push_back(std::move(block));
    ++at_;
  }

  void words() {
    Block block{.type = Block::Type::kText, .first = lines_[at_].number, .last = lines_[at_].number};
    block.lines.push_back({block.first, std::string(text(at_))});
    blocks_.push_back(std::move(block));
    ++at_;
  }

  const std::vector<Line>& lines_;
  size_t at_ = 0;
  int groups_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace

bool reads_as_heading(std::string_view line) {
  line = trimmed(line);
  const size_t begins = line.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
  if (begins == std::string_view::npos || begins > 8 || line.size() > 80) return false;
  if (line[0] == '[' || line[0] == '(' || line[0] == '<' || line[0] == '"' || line[0] == '`' || line[0] == '|')
    return false;
  if (line[begins] >= 'a' && line[begins] <= 'z') return false;
  if (std::string_view(".:;,!?>\\").find(line.back()) != std::string_view::npos) return false;
  if (line.find(". ") != std::string_view::npos || line.find(": ") != std::string_view::npos) return false;
  for (const std::string_view word : {"If ", "Do ", "Only ", "We ", "The ", "This ", "You ", "It "})
    if (line.starts_with(word)) return false;
  return std::count(line.begin(), line.end(), ' ') < 8;
}

bool is_flat(const std::vector<Line>& lines) {
  size_t empty = 0, said = 0, commands = 0;
  for (const Line& line : lines) {
    const std::string_view text = trimmed(line.text);
    if (text.empty()) {
      ++empty;
      continue;
    }
    ++said;
    if (text.starts_with("```") || text.starts_with("~~~")) return false;
    if (looks_like_command(text)) ++commands;
  }
  return said >= 10 && commands >= 2 && empty * 20 < said;
}

std::vector<Block> flat_blocks(const std::vector<Line>& lines) { return Reader(lines).take(); }

}  // namespace backout::import
