#include "import/markdown.h"

#include <cmark-gfm.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/text.h"
#include "import/fences.h"

namespace backout::import {
namespace {

constexpr int kDeepestQuote = 12, kMostSpaces = 120;  // what is deeper is words
constexpr size_t kLongestPrefix = 60;                 // of one line: more lists and quotes than that in one are words

/// What of a line decides where blocks begin and end; the words are stood in for by one letter.
std::string outline_of(const std::string& line) {
  std::string outline;
  std::string_view rest = line;
  int quotes = 0, spaces = 0;
  if (line.find_first_not_of("-*_ \t") == std::string::npos && trimmed(line).find(' ') != std::string_view::npos &&
      trimmed(line).size() >= 5)
    return "***";  // "* * *": a line across the page
  while (!rest.empty() && outline.size() < kLongestPrefix) {
    const Marks marks = marks_of(rest);
    const size_t taken = std::min(marks.checkbox ? rest.find('[') : marks.length, rest.size());
    if (taken == 0) break;
    std::string_view prefix = rest.substr(0, taken);
    for (size_t i = 0; i < prefix.size(); ++i) {
      const char c = prefix[i];
      if (c == '>' && ++quotes > kDeepestQuote) continue;
      if ((c == ' ' || c == '\t') && ++spaces > kMostSpaces) continue;
      if ((c & 0x80) == 0)
        outline += c;
      else if (i == 0 || (prefix[i - 1] & 0x80) == 0)
        outline += '*';  // "•" and its like
    }
    rest.remove_prefix(taken);
    if (!marks.element) break;
  }
  const std::string_view words = trimmed(rest);
  if (words.empty()) return outline;
  if (words.find_first_not_of("-*_= \t") == std::string_view::npos && words.size() >= 3)
    return outline + std::string(words.substr(0, kLongestPrefix));
  const size_t hashes = std::min(words.find_first_not_of('#'), words.size());
  if (hashes >= 1 && hashes <= 6 && hashes < words.size() && (words[hashes] == ' ' || words[hashes] == '\t'))
    return outline + std::string(hashes, '#') + " x";
  return outline + "x";
}

/// The whole text for the library, line by line, with fences that nothing can mistake.
std::string outline_of(const std::vector<Line>& lines, const std::vector<Fence>& fences, std::vector<int>& numbers) {
  static const std::string kFence(30, '`');
  std::string text;
  const auto put = [&](const std::string& words, const Line& line) {
    text += words + "\n";
    numbers.push_back(line.number);
  };
  size_t next = 0;
  for (size_t at = 0; at < lines.size(); ++at) {
    if (next == fences.size() || fences[next].open != at) {
      put(outline_of(lines[at].text), lines[at]);
      continue;
    }
    const Fence& fence = fences[next++];
    const std::string shown = outline_of(fence.before + "x");
    const std::string before = shown.substr(0, shown.size() - 1);
    std::string inner = before;
    for (char& c : inner)
      if (c != '>' && c != '\t') c = ' ';
    put(before + kFence, lines[at]);
    for (at += 1; at < fence.close; ++at) put(inner + "x", lines[at]);
    const size_t end = fence.closed ? fence.close : fence.close - 1;
    put(inner + kFence, lines[end]);
    at = end;
  }
  return text;
}

class Walker {
 public:
  Walker(const std::vector<Line>& lines, const std::vector<Fence>& fences, std::vector<int> numbers)
      : lines_(lines), numbers_(std::move(numbers)) {
    for (const Fence& fence : fences) fences_[lines[fence.open].number] = &fence;
  }

  std::vector<Block> take() { return std::move(blocks_); }

  void children(cmark_node* parent, int depth, int group) {
    for (cmark_node* node = cmark_node_first_child(parent); node != nullptr; node = cmark_node_next(node))
      one(node, depth, group);
  }

 private:
  int first_of(cmark_node* node) const { return number(cmark_node_get_start_line(node)); }
  int last_of(cmark_node* node) const { return std::max(first_of(node), number(cmark_node_get_end_line(node))); }
  int number(int line) const {
    const int at = std::clamp(line, 1, static_cast<int>(numbers_.size()));
    return numbers_[static_cast<size_t>(at) - 1];
  }
  const std::string& text_of(int number) const { return lines_[static_cast<size_t>(number) - 1].text; }

  void one(cmark_node* node, int depth, int group) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_HEADING) return heading(node);
    if (type == CMARK_NODE_CODE_BLOCK) return code(node);
    if (type == CMARK_NODE_LIST) return children(node, depth + 1, ++groups_);
    if (type == CMARK_NODE_ITEM) return element(node, depth, group);
    if (type == CMARK_NODE_BLOCK_QUOTE) return children(node, depth, group);
    if (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HTML_BLOCK) text(first_of(node), last_of(node));
  }

  void heading(cmark_node* node) {
    const int first = first_of(node), last = last_of(node);
    // "text, text\n---" is meant as a line below a paragraph.
    if (last > first + 1 || text_of(first).size() > 160) return text(first, last);
    std::string words = text_of(first);
    words = words.substr(std::min(words.find_first_not_of(" \t>#"), words.size()));
    while (words.ends_with('#') || words.ends_with(' ')) words.pop_back();
    Block block{.type = Block::Type::kHeading, .first = first, .last = first};
    block.level = cmark_node_get_heading_level(node);
    block.lines.push_back({first, without_markup(words)});
    blocks_.push_back(std::move(block));
  }

  void code(cmark_node* node) {
    Block block{.type = Block::Type::kCode, .first = first_of(node), .last = last_of(node)};
    int from = block.first, to = block.last;
    size_t indent = std::string::npos;
    if (const auto fence = fences_.find(block.first); fence != fences_.end()) {
      block.language = fence->second->language;
      from = lines_[fence->second->open].number + 1;
      to = lines_[fence->second->open].number + static_cast<int>(fence->second->close - fence->second->open) - 1;
    }
    const bool quoted = text_of(block.first).find_first_not_of(" \t") != std::string::npos &&
                        text_of(block.first)[text_of(block.first).find_first_not_of(" \t")] == '>';
    for (int at = from; at <= to; ++at) {
      std::string line = text_of(at);
      if (quoted) line = line.substr(std::min(line.find_first_not_of(" \t>"), line.size()));
      if (!trimmed(line).empty()) indent = std::min(indent, line.find_first_not_of(" \t"));
      block.lines.push_back({at, std::move(line)});
    }
    for (Line& line : block.lines) line.text.erase(0, std::min(indent, line.text.size()));
    blocks_.push_back(std::move(block));
  }

  /// A paragraph, with the tables in it taken out.
  void text(int first, int last) {
    Block block{.type = Block::Type::kText, .first = first, .last = first};
    for (int at = first; at <= last; ++at) {
      const std::string& line = text_of(at);
      if (at < last && line.find('|') != std::string::npos && is_delimiter_row(text_of(at + 1))) {
        put(block);
        at = table(at, last);
      } else if (is_row(line)) {
        put(block);
        rows({}, at, at);
      } else {
        put_line(block, line, at);
      }
    }
    put(block);
  }

  void put_line(Block& block, const std::string& line, int at) {
    const Marks marks = marks_of(line);
    const bool element = marks.element || marks.checkbox;
    // A bullet below a paragraph without an empty line, or a lazy line below a bullet: each its own.
    if (element) put(block);
    if (block.lines.empty()) block.first = at;
    block.lines.push_back({at, line.substr(std::min(element ? marks.length : marks.indent, line.size()))});
    block.last = at;
    if (!element) return;
    block.type = Block::Type::kElement;
    block.checkbox = marks.checkbox;
    block.ordered = marks.ordered;
    block.group = groups_;
    put(block);
  }

  void put(Block& block) {
    if (!block.lines.empty()) blocks_.push_back(std::move(block));
    block = Block{.type = Block::Type::kText};
  }

  int table(int head, int last) {
    const std::vector<std::string> names = head_of(text_of(head));
    int end = head + 1;
    while (end < last && text_of(end + 1).find('|') != std::string::npos) ++end;
    rows(names, head + 2, end);
    return end;
  }

  void rows(const std::vector<std::string>& head, int first, int last) {
    if (!head.empty()) ++groups_;
    for (int at = first; at <= last; ++at) {
      if (is_delimiter_row(text_of(at))) continue;
      Block row{.type = Block::Type::kRow, .first = at, .last = at};
      row.group = groups_;
      row.lines.push_back({at, std::string(trimmed(text_of(at)))});
      row.cells = cells_of(row.lines.front().text);
      row.head = head;
      blocks_.push_back(std::move(row));
    }
  }

  void element(cmark_node* node, int depth, int group) {
    cmark_node* words = cmark_node_first_child(node);
    const int first = first_of(node);
    if (words == nullptr) return;
    const bool plain = cmark_node_get_type(words) == CMARK_NODE_PARAGRAPH;
    if (plain) element_words(node, words, depth, group, first);
    for (cmark_node* child = plain ? cmark_node_next(words) : words; child != nullptr; child = cmark_node_next(child))
      one(child, depth, group);
  }

  void element_words(cmark_node* node, cmark_node* words, int depth, int group, int first) {
    Block block{.type = Block::Type::kElement, .first = first, .last = first};
    block.level = depth;
    block.group = group;
    block.has_children = cmark_node_next(words) != nullptr;
    block.closes = last_of(node);
    const Marks marks = marks_of(text_of(first));
    block.ordered = marks.ordered;
    block.checkbox = marks.checkbox;
    block.lines.push_back({first, text_of(first).substr(std::min(marks.length, text_of(first).size()))});
    int at = first + 1;
    // Lines that go on are indented; what stands at the margin is a paragraph that somebody forgot to part.
    for (const int last = last_of(words); at <= last; ++at) {
      const std::string& line = text_of(at);
      const Marks own = marks_of(line);
      if (own.element || own.checkbox || own.indent <= marks.indent || is_row(line)) break;
      block.lines.push_back({at, line.substr(std::min(own.indent, line.size()))});
      block.last = at;
    }
    blocks_.push_back(std::move(block));
    if (at <= last_of(words)) text(at, last_of(words));
  }

  const std::vector<Line>& lines_;
  std::vector<int> numbers_;
  std::map<int, const Fence*> fences_;
  std::vector<Block> blocks_;
  int groups_ = 0;
};

/// Front matter: "---" on the first line, and again. It says nothing to do.
size_t after_front_matter(const std::vector<Line>& lines) {
  if (lines.empty() || trimmed(lines.front().text) != "---") return 0;
  for (size_t at = 1; at < std::min<size_t>(lines.size(), 200); ++at)
    if (trimmed(lines[at].text) == "---" || trimmed(lines[at].text) == "...") return at + 1;
  return 0;
}

}  // namespace

std::vector<Block> markdown_blocks(const std::vector<Line>& lines, std::vector<Remark>& remarks) {
  std::vector<Line> body = lines;
  const size_t from = after_front_matter(lines);
  for (size_t at = 0; at < from; ++at) body[at].text.clear();
  const std::vector<Fence> fences = find_fences(body, remarks);
  std::vector<int> numbers;
  const std::string outline = outline_of(body, fences, numbers);
  const std::unique_ptr<cmark_node, decltype(&cmark_node_free)> root(
      cmark_parse_document(outline.data(), outline.size(), CMARK_OPT_DEFAULT), cmark_node_free);
  Walker walker(body, fences, std::move(numbers));
  walker.children(root.get(), -1, 0);
  std::vector<Block> blocks = walker.take();
  if (from > 0) {
    Block front{.type = Block::Type::kCode, .first = 1, .last = static_cast<int>(from), .language = "front matter"};
    front.lines.assign(lines.begin(), lines.begin() + static_cast<long>(from));
    blocks.insert(blocks.begin(), std::move(front));
  }
  return blocks;
}

}  // namespace backout::import
