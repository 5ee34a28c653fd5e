// YamlText: values with comments, to text. Any text is data: what cannot stand as a plain scalar is quoted, and
// comments stay on their line, so that the result parses whatever was put in.
//
// REQUIRES: representable() of every text that is a value or a key.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace backout::init {

struct YamlEntry;

struct YamlValue {
  enum class Kind { kText, kList, kMap, kInlineList, kInlineMap };
  Kind kind = Kind::kText;
  std::string text;
  std::vector<YamlEntry> entries;  // of maps with keys, of lists without
  bool plain = false;              // true and false, which mean what they say

  static YamlValue of(std::string words) { return {Kind::kText, std::move(words), {}}; }
  static YamlValue yes() { return {Kind::kText, "true", {}, true}; }
};

struct YamlEntry {
  std::string key;
  YamlValue value;
  std::string comment;     // behind the value, or above it when the line grows too long
  bool off = false;        // written as a comment
  std::string above = {};  // a comment of its own, one line or several
  bool gap = false;        // an empty line before all that
};

/// Can it be said in YAML as backout reads it? No control characters but newline and tab, valid UTF-8, and no `{host}`,
/// which would be replaced.
bool representable(std::string_view text);

/// A map at the top of a file.
std::string yaml_text(const std::vector<YamlEntry>& top);
/// One scalar as it would be written.
std::string yaml_scalar(std::string_view text, bool inside_flow);

}  // namespace backout::init
