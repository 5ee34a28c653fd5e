#include "watch/access_log/json_line.h"

#include <algorithm>

#include "watch/access_log/scan.h"

namespace backout::watch {
namespace {

constexpr int kDeepest = 8;
constexpr size_t kLongestText = 8192;  // of a text with escapes

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Appends the code point of \uXXXX as UTF-8; halves of pairs become '?': they are in nothing that we compare.
void add_code_point(std::string& text, unsigned code) {
  const auto add = [&](unsigned byte) { text += static_cast<char>(byte); };
  if (code >= 0xd800 && code <= 0xdfff) return add('?');
  if (code < 0x80) return add(code);
  if (code < 0x800) return add(0xc0U | code >> 6), add(0x80U | (code & 0x3fU));
  add(0xe0U | code >> 12), add(0x80U | (code >> 6 & 0x3fU)), add(0x80U | (code & 0x3fU));
}

unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? static_cast<unsigned>(low - 'a' + 10) : 16;
}

void unescape(std::string_view raw, std::string& into) {
  into.clear();
  raw = raw.substr(0, kLongestText);
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      into += raw[i];
      continue;
    }
    const char sign = raw[++i];
    if (sign == 'u') {
      unsigned code = 0;
      size_t digits = 0;
      for (; digits < 4 && i + 1 < raw.size() && hex_digit(raw[i + 1]) < 16; ++digits)
        code = code * 16 + hex_digit(raw[++i]);
      add_code_point(into, digits == 4 ? code : '?');
    } else {
      constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
      const size_t which = kFrom.find(sign);
      into += which == std::string_view::npos ? sign : kTo[which];
    }
  }
}

/// One buffer a column, so that the texts of one line do not share one.
std::array<std::string, kColumns>& buffers() {
  thread_local std::array<std::string, kColumns> all;
  return all;
}

}  // namespace

/// One line, from left to right.
struct JsonLine::Walk {
  const JsonLine& json;
  Fields& fields;
  const char* at;
  const char* end;
  std::array<uint8_t, kColumns> rank{};  // 1 + index of the key that filled it; 0: none

  bool space() {
    while (at < end && is_space(*at)) ++at;
    return at < end;
  }
  /// At the opening quote; leaves `at` behind the closing one.
  bool text(std::string_view& raw, bool& escaped) {
    const char* const start = ++at;
    escaped = false;
    for (;;) {
      const char* const quote = find_byte(at, end, '"');
      if (quote == end) return false;
      size_t backslashes = 0;
      for (const char* back = quote; back > start && back[-1] == '\\'; --back) ++backslashes;
      at = quote + 1;
      if (backslashes % 2 == 1) continue;
      raw = {start, static_cast<size_t>(quote - start)};
      escaped = std::memchr(start, '\\', raw.size()) != nullptr;
      return true;
    }
  }
  /// Past an object or an array that nothing is wanted of.
  bool skip_nested() {
    int depth = 0;
    for (; at < end; ++at) {
      if (*at == '"') {
        std::string_view ignored;
        bool escaped = false;
        if (!text(ignored, escaped)) return false;
        --at;
      } else if (*at == '{' || *at == '[') {
        ++depth;
      } else if ((*at == '}' || *at == ']') && --depth == 0) {
        ++at;
        return true;
      }
    }
    return false;
  }
  void found(size_t which, std::string_view value, bool escaped) {
    const Wanted& wanted = json.wanted_[which];
    uint8_t& have = rank[static_cast<size_t>(wanted.column)];
    if ((have != 0 && have <= which + 1) || which > 200) return;
    have = static_cast<uint8_t>(which + 1);
    if (escaped) {
      std::string& buffer = buffers()[static_cast<size_t>(wanted.column)];
      unescape(value, buffer);
      value = buffer;
    }
    fields[wanted.column] = value;
    if (wanted.column == Column::kDuration) fields.unit = wanted.unit;
  }
  bool value(std::string_view prefix, std::string_view key, int depth) {
    if (!space()) return false;
    if (*at == '{') {
      if (!json.nested_ || depth >= kDeepest) return skip_nested();
      std::string inner(prefix);
      inner.append(key).push_back('.');
      const bool wanted = std::any_of(json.wanted_.begin(), json.wanted_.end(),
                                      [&](const Wanted& each) { return each.key.starts_with(inner); });
      return wanted ? object(inner, depth + 1) : skip_nested();
    }
    if (*at == '[') return skip_nested();
    std::string_view raw;
    bool escaped = false;
    if (*at == '"') {
      if (!text(raw, escaped)) return false;
    } else {
      const char* const start = at;
      while (at < end && *at != ',' && *at != '}' && !is_space(*at)) ++at;
      raw = {start, static_cast<size_t>(at - start)};
      if (raw == "null") return true;
    }
    for (size_t i = 0; i < json.wanted_.size(); ++i) {
      const std::string& full = json.wanted_[i].key;
      if (full.size() == prefix.size() + key.size() && full.starts_with(prefix) && full.ends_with(key))
        found(i, raw, escaped);
    }
    return true;
  }
  /// At the opening brace.
  bool object(std::string_view prefix, int depth) {
    ++at;
    if (!space()) return false;
    if (*at == '}') return ++at, true;
    for (;;) {
      std::string_view key;
      bool escaped = false;
      if (!space() || *at != '"' || !text(key, escaped)) return false;
      if (!space() || *at++ != ':') return false;
      if (!value(prefix, key, depth)) return false;
      if (!space()) return false;
      if (*at == '}') return ++at, true;
      if (*at++ != ',') return false;
    }
  }
};

void JsonLine::want(std::string key, Column column, DurationUnit unit) {
  nested_ = nested_ || key.find('.') != std::string::npos;
  wanted_.push_back({std::move(key), column, unit});
}

bool JsonLine::parse(std::string_view line, Fields& fields) const {
  fields.text.fill({});
  Walk walk{*this, fields, line.data(), line.data() + line.size(), {}};
  return walk.space() && *walk.at == '{' && walk.object("", 0) && !walk.space();
}

}  // namespace backout::watch
