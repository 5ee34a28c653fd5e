#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>

#include "base/text.h"

namespace backout::config {
namespace {

/// The lines of the text, to turn yaml-cpp's byte columns into characters.
class Lines {
 public:
  Lines(std::string_view text, int file) : lines_(split(text, '\n')), file_(file) {}

  Place at(size_t line, size_t byte) const {
    size_t column = 1;
    if (line < lines_.size()) {
      const std::string_view before = std::string_view(lines_[line]).substr(0, byte);
      column += static_cast<size_t>(std::count_if(
          before.begin(), before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
      column += byte - before.size();
    }
    return {file_, static_cast<int>(line + 1), static_cast<int>(column)};
  }
  Place at(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    return at(static_cast<size_t>(mark.line), static_cast<size_t>(mark.column));
  }
  const std::vector<std::string>& all() const { return lines_; }
  bool tab_in_indentation(int line) const {
    if (line < 1 || static_cast<size_t>(line) > lines_.size()) return false;
    const std::string& text = lines_[static_cast<size_t>(line) - 1];
    const size_t content = text.find_first_not_of(" \t");
    return text.substr(0, content).find('\t') != std::string::npos;
  }

 private:
  std::vector<std::string> lines_;
  int file_;
};

constexpr std::string_view kTabMessage = "a tab in the indentation: YAML is indented by spaces";
constexpr int kMostByteFaults = 5;  // a binary file is bad in every line

/// Finds what YAML must not contain, before yaml-cpp guesses an encoding. False if anything was found.
bool check_bytes(const Lines& lines, Findings& findings) {
  int faults = 0;
  for (size_t number = 0; number < lines.all().size() && faults < kMostByteFaults; ++number) {
    std::string_view line = lines.all()[number];
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('\t') && !trimmed(line).empty() && !trimmed(line).starts_with('#')) {
      findings.error(lines.at(number, 0), kTabMessage);
      ++faults;
    }
    if (sanitised(line) == line) continue;
    for (size_t at = 0; at < line.size();) {
      size_t length = 1;
      while (length <= 4 && sanitised(line.substr(at, length)) != line.substr(at, length)) ++length;
      if (length <= 4) {
        at += length;
        continue;
      }
      const unsigned byte = static_cast<unsigned char>(line[at]);
      const char* what = byte == 0                     ? "a NUL byte: this is not text (UTF-16 must be saved as UTF-8)"
                         : byte < 0x20 || byte == 0x7F ? "a control character"
                                                       : "not valid UTF-8";
      findings.error(lines.at(number, at), fmt::format("{} (byte 0x{:02X})", what, byte));
      ++faults;
      break;
    }
  }
  return faults == 0;
}

/// Builds the tree from yaml-cpp's events.
class Builder final : public YAML::EventHandler {
 public:
  /// `size`: of the text, in bytes.
  Builder(const Lines& lines, size_t size, Findings& findings)
      : lines_(lines), findings_(findings), events_left_(8 * size + 64) {}

  std::optional<Node> take() {
    if (failed_ || !done_) return std::nullopt;
    return std::move(root_);
  }
  bool has_document() const { return documents_ > 0; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    count(mark);
    if (++documents_ > 1)
      fail(lines_.at(mark), "a second document begins here: one site is one document",
           "write each site into its own file");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(mark);
    add(made(Node::Kind::kNull, mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    count(mark);
    Node node = made(Node::Kind::kText, mark);
    if (sanitised(value) != value && !failed_)
      findings_.error(node.place, "an escape in this text makes a control character or invalid UTF-8");
    node.text = sanitised(value);
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(mark);
    if (failed_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return fail(lines_.at(mark), "an alias inside the very value it names");
    if (!charge(found->second, lines_.at(mark))) return;
    Node copy = found->second;
    copy.place = lines_.at(mark);
    attach(std::move(copy));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    count(mark);
    if (!failed_) open_.push_back({made(Node::Kind::kList, mark), anchor, {}, {}});
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    count(mark);
    if (!failed_) open_.push_back({made(Node::Kind::kMap, mark), anchor, {}, {}});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Node> key;
    std::map<std::string, Place> seen;  // the keys so far
  };

  /// yaml-cpp 0.7 does not come to an end on some texts (a single comma is one): no text has so many events.
  void count(const YAML::Mark& mark) {
    if (events_left_-- == 0) throw YAML::ParserException(mark, "the parser finds no end in it");
  }

  Node made(Node::Kind kind, const YAML::Mark& mark) const {
    Node node;
    node.kind = kind;
    node.place = lines_.at(mark);
    return node;
  }
  void fail(const Place& place, std::string_view message, std::string_view next = "") {
    if (!failed_) findings_.error(place, message, next);
    failed_ = true;
  }
  void close() {
    if (failed_) return;
    Open open = std::move(open_.back());
    open_.pop_back();
    add(std::move(open.node), open.anchor);
  }
  void add(Node node, YAML::anchor_t anchor) {
    if (failed_ || !charge_one(node, node.place)) return;
    if (anchor != YAML::NullAnchor) {
      if (!charge(node, node.place)) return;
      anchors_[anchor] = node;
    }
    attach(std::move(node));
  }
  void attach(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      done_ = true;
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      add_entry(parent, *parent.key, std::move(node));
      parent.key.reset();
    }
  }
  /// yaml-cpp itself keeps both of two equal keys, or drops one in silence.
  void add_entry(Open& map, const Node& key, Node value) {
    if (!key.is_text()) return findings_.error(key.place, "a key must be a plain word");
    if (key.text == "<<")
      return findings_.error(key.place, "merge keys (<<) are not supported",
                             "write an alias for the whole value, or the keys themselves");
    const auto [first, is_new] = map.seen.emplace(key.text, key.place);
    if (!is_new)
      return findings_.error(
          key.place, fmt::format("'{}' is here twice; the first is in {}", key.text, findings_.in_words(first->second)),
          "keep one of them");
    if (value.is_null()) value.place = key.place;  // yaml-cpp places an empty value where the next thing stands
    map.node.entries.push_back({key.text, key.place, std::move(value)});
  }
  bool charge_one(const Node& node, const Place& place) {
    values_ += 1;
    bytes_ += node.text.size();
    if (values_ <= kMostValues && bytes_ <= kMostBytes) return true;
    fail(place, fmt::format("too much: more than {} values or {} once aliases are expanded", kMostValues,
                            bytes_for_people(kMostBytes)));
    return false;
  }
  bool charge(const Node& node, const Place& place) {
    if (!charge_one(node, place)) return false;
    for (const Node& item : node.items)
      if (!charge(item, place)) return false;
    for (const Entry& entry : node.entries) {
      bytes_ += entry.key.size();
      if (!charge(entry.value, place)) return false;
    }
    return true;
  }

  const Lines& lines_;
  Findings& findings_;
  size_t events_left_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  Node root_;
  size_t values_ = 0, bytes_ = 0;
  int documents_ = 0;
  bool done_ = false, failed_ = false;
};

}  // namespace

const Entry* Node::entry(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

const Node* Node::find(std::string_view key) const {
  const Entry* found = entry(key);
  return found == nullptr ? nullptr : &found->value;
}

std::optional<Node> read_document(const std::string& text, int file, Findings& findings) {
  const Place whole{file, 0, 0};
  if (text.size() > kLargestText) {
    findings.error(whole, fmt::format("the file has {}; {} is the most that is read", bytes_for_people(text.size()),
                                      bytes_for_people(kLargestText)));
    return std::nullopt;
  }
  const Lines lines(text, file);
  if (!check_bytes(lines, findings)) return std::nullopt;
  Builder builder(lines, text.size(), findings);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& fault) {
    const Place place = lines.at(fault.mark);
    if (lines.tab_in_indentation(place.line))
      findings.error(place, kTabMessage);
    else
      findings.error(place, "not valid YAML: " + fault.msg);
    return std::nullopt;
  } catch (const std::exception& fault) {
    findings.error(whole, std::string("not readable as YAML: ") + fault.what());
    return std::nullopt;
  }
  if (!builder.has_document()) {
    findings.error(whole, "the file is empty", "docs/getting-started.md has one to begin with");
    return std::nullopt;
  }
  std::optional<Node> root = builder.take();
  if (root && !root->is_map()) {
    findings.error(root->place, "expected keys and values at the top, such as 'site: shop'");
    return std::nullopt;
  }
  return root;
}

Node merged(Node base, Node over) {
  if (!base.is_map() || !over.is_map()) return over;
  for (Entry& entry : over.entries) {
    const auto found = std::find_if(base.entries.begin(), base.entries.end(),
                                    [&](const Entry& candidate) { return candidate.key == entry.key; });
    if (found == base.entries.end()) {
      base.entries.push_back(std::move(entry));
    } else if (entry.value.is_null()) {
      base.entries.erase(found);
    } else {
      found->place = entry.place;
      found->value = merged(std::move(found->value), std::move(entry.value));
    }
  }
  return base;
}

}  // namespace backout::config
