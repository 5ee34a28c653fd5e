#include "init/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace backout::init {
namespace {

constexpr size_t kWidest = 118, kCommentColumn = 36, kLongestComment = 300;

using Kind = YamlValue::Kind;

bool is_plain(std::string_view text, bool inside_flow) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (text.find_first_of("\n\t\"\\") != std::string_view::npos) return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`~=<").find(text.front()) != std::string_view::npos) return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return false;
  if (inside_flow && text.find_first_of(",[]{}?") != std::string_view::npos) return false;
  if (text.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-/:@+,=(){}[]$%*&|;<>!?~^") !=
      std::string_view::npos)
    return false;
  for (const char* word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}) {
    std::string small(text.substr(0, 6));
    std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
    if (small == word) return false;
  }
  return true;
}

std::string comment_of(const std::string& comment) { return shortened(one_line(comment), kLongestComment); }

class Writer {
 public:
  void map(const std::vector<YamlEntry>& entries, size_t indent, bool off) {
    for (const YamlEntry& entry : entries) this->entry(entry, indent, off, false);
  }
  std::string take() { return std::move(text_); }

 private:
  static bool all_off(const YamlEntry& entry) {
    const bool block = entry.value.kind == Kind::kList || entry.value.kind == Kind::kMap;
    return entry.off || (block && std::all_of(entry.value.entries.begin(), entry.value.entries.end(), all_off));
  }

  void line(size_t indent, bool off, const std::string& words, const std::string& comment) {
    const std::string start = std::string(indent, ' ') + (off ? "# " : "");
    const std::string behind = comment_of(comment);
    const size_t column = std::max(start.size() + words.size() + 2, kCommentColumn);
    if (!behind.empty() && column + 2 + behind.size() > kWidest) {
      text_ += std::string(indent, ' ') + "# " + behind + "\n" + start + words + "\n";
    } else if (!behind.empty()) {
      text_ += start + words + std::string(column - start.size() - words.size(), ' ') + "# " + behind + "\n";
    } else {
      text_ += start + words + "\n";
    }
  }

  static std::string inline_text(const YamlValue& value) {
    if (value.kind == Kind::kText) return value.plain ? value.text : yaml_scalar(value.text, true);
    const bool list = value.kind == Kind::kList || value.kind == Kind::kInlineList;
    std::vector<std::string> parts;
    for (const YamlEntry& entry : value.entries)
      if (!entry.off)
        parts.push_back(list ? inline_text(entry.value)
                             : yaml_scalar(entry.key, true) + ": " + inline_text(entry.value));
    return (list ? "[" : "{") + join(parts, ", ") + (list ? "]" : "}");
  }

  void entry(const YamlEntry& entry, size_t indent, bool off, bool item) {
    off = off || all_off(entry);
    if (entry.gap) text_ += "\n";
    for (const std::string& above : entry.above.empty() ? std::vector<std::string>() : split(entry.above, '\n'))
      text_ += std::string(indent, ' ') + "# " + comment_of(above) + "\n";
    const std::string start = item ? "- " : yaml_scalar(entry.key, false) + ":";
    const std::string gap = item ? "" : " ";
    switch (entry.value.kind) {
      case Kind::kText: return line(indent, off, start + gap + yaml_scalar(entry.value.text, false), entry.comment);
      case Kind::kInlineList:
      case Kind::kInlineMap: return line(indent, off, start + gap + inline_text(entry.value), entry.comment);
      case Kind::kList:
      case Kind::kMap: break;
    }
    line(indent, off, start, entry.comment);
    for (const YamlEntry& child : entry.value.entries)
      this->entry(child, indent + 2, off, entry.value.kind == Kind::kList);
  }

  std::string text_;
};

}  // namespace

bool representable(std::string_view text) {
  return sanitised(text) == text && text.find("{host}") == std::string_view::npos &&
         text.find("\xEF\xBF\xBD") == std::string_view::npos;
}

std::string yaml_scalar(std::string_view text, bool inside_flow) {
  if (is_plain(text, inside_flow)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) switch (c) {
      case '"': quoted += "\\\""; break;
      case '\\': quoted += "\\\\"; break;
      case '\n': quoted += "\\n"; break;
      case '\t': quoted += "\\t"; break;
      default: quoted += c;
    }
  return quoted + "\"";
}

std::string yaml_text(const std::vector<YamlEntry>& top) {
  Writer writer;
  writer.map(top, 0, false);
  return writer.take();
}

}  // namespace backout::init
