#include "import/reader.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "import/block.h"
#include "import/commands.h"
#include "import/flat.h"
#include "import/markdown.h"

namespace backout::import {
namespace {

constexpr int kElementLevel = 20;  // an element with more below it is a section, too: deeper than any heading
constexpr int kBoldLevel = 10;

bool is_shell(const std::string& language) {
  static constexpr std::string_view kShells[] = {"bash",       "sh",   "shell",       "zsh", "console", "shell-session",
                                                 "powershell", "ps1",  "pwsh",        "cmd", "bat",     "batch",
                                                 "terminal",   "fish", "shellscript", "sql", "psql",    "postgresql"};
  return std::find(std::begin(kShells), std::end(kShells), language) != std::end(kShells);
}

std::string small(std::string_view text) {
  std::string words(text);
  std::transform(words.begin(), words.end(), words.begin(), [](unsigned char c) { return std::tolower(c); });
  return words;
}

std::string text_of(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += (text.empty() ? "" : "\n") + line.text;
  return text;
}

/// The one command in backticks of a sentence; nothing when there is none, or several, or it says not to.
std::optional<std::string> inline_command(std::string_view text) {
  std::optional<std::string> found;
  size_t at = 0;
  while (true) {
    const size_t open = text.find('`', at);
    if (open == std::string_view::npos) break;
    const size_t ticks = std::min(text.find_first_not_of('`', open), text.size()) - open;
    const size_t close = text.find('`', open + ticks);
    if (close == std::string_view::npos) break;
    const std::string_view code = trimmed(text.substr(open + ticks, close - open - ticks));
    if (looks_like_command(code) &&
        (code.find(' ') != std::string_view::npos || code.find('=') != std::string_view::npos)) {
      if (found) return std::nullopt;
      found = std::string(code);
      const std::string before = small(text.substr(0, open));
      for (const char* no : {"never", "do not", "don't", "don’t", "avoid", "instead of", "rather than", "without"})
        if (before.find(no) != std::string::npos) return std::nullopt;
    }
    at = std::min(text.find_first_not_of('`', close), text.size());
  }
  return found;
}

bool is_wholly_code(std::string_view text) {
  text = trimmed(text);
  return text.size() > 2 && text.front() == '`' && text.back() == '`' && text.find('`', 1) == text.size() - 1;
}

class Builder {
 public:
  explicit Builder(const std::vector<Line>& lines) {
    book_.lines = static_cast<int>(lines.size());
    const bool flat = is_flat(lines);
    const std::vector<Block> blocks = flat ? flat_blocks(lines) : markdown_blocks(lines, book_.remarks);
    if (flat)
      book_.remarks.push_back({1,
                               "the text has lost its marks (no fences, no empty lines): headings and commands are "
                               "told by their words"});
    headings_ = std::any_of(blocks.begin(), blocks.end(),
                            [](const Block& block) { return block.type == Block::Type::kHeading; });
    for (const Block& block : blocks) one(block);
  }
  Runbook take() { return std::move(book_); }

 private:
  void one(const Block& block) {
    while (!open_.empty() && open_.back().closes != 0 && block.first > open_.back().closes) open_.pop_back();
    switch (block.type) {
      case Block::Type::kHeading: return heading(block.first, block.level, block.lines.front().text);
      case Block::Type::kText: return text(block);
      case Block::Type::kElement: return element(block);
      case Block::Type::kCode: return code(block);
      case Block::Type::kRow:
      case Block::Type::kSource: return row(block);
    }
  }

  void heading(int line, int level, const std::string& title, int closes = 0) {
    while (!open_.empty() && (open_.back().level >= level)) open_.pop_back();
    if (book_.title.empty() && closes == 0) book_.title = title;
    book_.sections.push_back({line, level, title, open_.empty() ? -1 : open_.back().section});
    open_.push_back({static_cast<int>(book_.sections.size()) - 1, level, closes});
    intro_.clear();
  }

  void add(Item item) {
    item.section = open_.empty() ? -1 : open_.back().section;
    if (item.intro.empty()) item.intro = intro_;
    book_.items.push_back(std::move(item));
  }

  void commands(const std::vector<Line>& lines, const std::string& language) {
    ++blocks_;
    for (Item& item : commands_of(lines, language)) {
      item.block = blocks_;
      add(std::move(item));
    }
  }

  void text(const Block& block) {
    const bool commands_alone =
        std::all_of(
            block.lines.begin(), block.lines.end(),
            [](const Line& line) { return looks_like_command(line.text) || trimmed(line.text).starts_with("# "); }) &&
        std::any_of(block.lines.begin(), block.lines.end(),
                    [](const Line& line) { return looks_like_command(line.text); });
    if (commands_alone || goes_on_as_command(block)) return commands(block.lines, "");
    const std::string words = text_of(block.lines);
    const std::string_view whole = trimmed(words);
    const bool bold = whole.size() > 4 && whole.starts_with("**") && whole.ends_with("**") && block.lines.size() == 1 &&
                      whole.find("**", 2) == whole.size() - 2 && whole.size() < 120;
    const std::string plain = without_markup(whole);
    if (bold && !plain.ends_with(':')) return heading(block.first, kBoldLevel, plain);
    if (!headings_ && block.lines.size() == 1 && reads_as_heading(plain) && inline_command(whole) == std::nullopt)
      return heading(block.first, kBoldLevel, plain);
    Item item{.kind = Kind::kText, .line = block.first, .last = block.last};
    item.text = words;
    add(std::move(item));
    intro_ = shortened(plain, 160);
    for (const Line& line : block.lines) inline_in(line);
  }

  /// "psql -c ..." with lines that go on behind a backslash.
  static bool goes_on_as_command(const Block& block) {
    if (block.lines.size() < 2 || !looks_like_command(block.lines.front().text)) return false;
    for (size_t at = 0; at + 1 < block.lines.size(); ++at)
      if (!trimmed(block.lines[at].text).ends_with('\\')) return false;
    return true;
  }

  void inline_in(const Line& line) {
    const auto command = inline_command(line.text);
    if (!command) return;
    Item item{.kind = Kind::kCommand, .line = line.number, .last = line.number};
    item.text = *command;
    item.comment = shortened(without_markup(line.text), 300);
    item.alone = true;
    add(std::move(item));
  }

  void element(const Block& block) {
    const std::string words = text_of(block.lines);
    const std::string plain = without_markup(words);
    Item item{.kind = block.checkbox ? Kind::kCheckbox : Kind::kBullet, .line = block.first, .last = block.last};
    item.text = words;
    item.block = -block.group - 2;
    if (!block.checkbox && (is_wholly_code(words) ? looks_like_command(plain) : looks_like_command(words))) {
      item.kind = Kind::kCommand;
      item.text = is_wholly_code(words) ? plain : words;
    } else if (const auto command = inline_command(words); command && !block.checkbox) {
      item.kind = Kind::kCommand;
      item.text = *command;
      item.comment = shortened(plain, 300);
      const std::string_view rest = trimmed(words);
      item.alone = !(rest.ends_with('`') || rest.ends_with("`.") || rest.ends_with("`)"));
    }
    const bool title = block.has_children && !block.checkbox && item.kind == Kind::kBullet;
    if (!title || !block.ordered) add(item);
    if (block.has_children) heading(block.first, kElementLevel + block.level, shortened(plain, 200), block.closes);
  }

  void row(const Block& block) {
    Item item{.kind = Kind::kRow, .line = block.first, .last = block.last};
    item.text = block.lines.front().text;
    item.cells = block.cells;
    item.head = block.head;
    item.block = -block.group - 2;
    if (block.type == Block::Type::kSource) item.language = "listing";
    add(std::move(item));
  }

  void code(const Block& block) {
    if (block.lines.empty()) return;
    if (is_shell(block.language)) return commands(block.lines, block.language);
    size_t said = 0, commands_in = 0, boxes = 0;
    for (const Line& line : block.lines) {
      const std::string_view each = trimmed(line.text);
      if (each.empty() || each.starts_with('#')) continue;
      ++said;
      if (looks_like_command(each)) ++commands_in;
      if (marks_of(each).checkbox) ++boxes;
    }
    const bool open = block.language.empty() || block.language == "text" || block.language == "txt";
    if (open && boxes >= 2) return checklist(block);
    if (open && commands_in > 0 && commands_in * 2 >= said) return commands(block.lines, block.language);
    snippet(block);
  }

  void snippet(const Block& block) {
    std::vector<Line> lines = block.lines;
    while (!lines.empty() && trimmed(lines.back().text).empty()) lines.pop_back();
    while (!lines.empty() && trimmed(lines.front().text).empty()) lines.erase(lines.begin());
    if (lines.empty()) return;
    Item item{.kind = Kind::kSnippet, .line = lines.front().number, .last = lines.back().number};
    item.text = text_of(lines);
    item.language = block.language;
    add(std::move(item));
  }

  /// A block that is a list to print and tick off.
  void checklist(const Block& block) {
    const int before = static_cast<int>(open_.size());
    const int level = open_.empty() ? 1 : open_.back().level + 1;
    ++blocks_;
    for (const Line& line : block.lines) {
      const std::string_view each = trimmed(line.text);
      if (each.empty()) continue;
      const Marks marks = marks_of(each);
      if (!marks.checkbox && each.ends_with(':')) {
        heading(line.number, level, std::string(each.substr(0, each.size() - 1)), block.last);
        continue;
      }
      Item item{.kind = marks.checkbox ? Kind::kCheckbox : Kind::kBullet, .line = line.number, .last = line.number};
      item.text = each.substr(marks.checkbox ? marks.length : 0);
      item.block = blocks_;
      add(std::move(item));
    }
    while (static_cast<int>(open_.size()) > before) open_.pop_back();
  }

  struct Open {
    int section = 0, level = 0, closes = 0;
  };
  Runbook book_;
  std::vector<Open> open_;
  std::string intro_;
  int blocks_ = 0;
  bool headings_ = false;
};

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kCommand: return "command";
    case Kind::kCheckbox: return "checkbox";
    case Kind::kBullet: return "bullet";
    case Kind::kRow: return "row";
    case Kind::kComment: return "comment";
    case Kind::kSnippet: return "snippet";
    case Kind::kText: return "text";
  }
  return "text";
}

Runbook read_runbook(const std::vector<Line>& lines) { return Builder(lines).take(); }

}  // namespace backout::import
