#include "import/placeholder.h"

#include <algorithm>
#include <set>

namespace backout::import {
namespace {

constexpr size_t kLongest = 48;
constexpr size_t kMostNames = 100;  // of one text; more are not told apart

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == ' ' || c == '.'; }
bool is_variable(char c) { return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_'; }

/// Where the name that begins at `from` ends, when `close` stands there; 0: it is none.
size_t name_until(std::string_view text, size_t from, char close) {
  size_t end = from;
  while (end < text.size() && end - from < kLongest && is_name(text[end])) ++end;
  if (end == from || end >= text.size() || text[end] != close) return 0;
  return is_letter(text[from]) && text[end - 1] != ' ' ? end : 0;
}

bool is_html(std::string_view name) {
  static const std::set<std::string_view> tags = {
      "br",      "b",       "i",   "p",   "a",   "td",     "tr",    "th",    "ul",    "ol",
      "li",      "em",      "div", "pre", "sub", "sup",    "code",  "span",  "table", "strong",
      "details", "summary", "kbd", "img", "hr",  "center", "tbody", "thead", "EOF"};
  return tags.contains(name);
}
bool is_of_the_shell(std::string_view name) {
  static const std::set<std::string_view> names = {"HOME",     "USER",    "PATH",   "PWD",    "SHELL",
                                                   "HOSTNAME", "EDITOR",  "TMPDIR", "LANG",   "UID",
                                                   "RANDOM",   "SECONDS", "IFS",    "OLDPWD", "LOGNAME"};
  return names.contains(name);
}

/// Words that stand for something else wherever they are.
struct Stand {
  std::string_view words;
};
constexpr Stand kStands[] = {
    {"/path/to"},       {"YYYY-MM-DD"}, {"YYYYMMDD"}, {"yourdomain"}, {"your-domain"}, {"example.com"},
    {"yoursite"},       {"abc123"},     {"changeme"}, {"xxxxx"},      {"XXXXX"},       {"previous_migration_name"},
    {"migration_name"}, {"app_name"},   {"your_"},    {"your-"},      {"YOUR_"}};

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  std::vector<Placeholder> all() {
    for (size_t at = 0; at < text_.size();) {
      const size_t length = one(at);
      at += std::max<size_t>(length, 1);
    }
    return std::move(found_);
  }

 private:
  char before(size_t at) const { return at == 0 ? ' ' : text_[at - 1]; }
  char after(size_t at) const { return at + 1 < text_.size() ? text_[at + 1] : ' '; }

  size_t put(size_t at, size_t length, std::string_view name) {
    found_.push_back({at, length, std::string(name)});
    return length;
  }

  size_t one(size_t at) {
    const char c = text_[at];
    if (c == '\'') quoted_ = !quoted_ && text_.find('\'', at + 1) != std::string_view::npos;
    if (c == '[') return bracket(at);
    if (c == '<') return angle(at);
    if (c == '$' && !quoted_) return variable(at);
    if (c == '{' && after(at) == '{') return braces(at);
    if (c == '.' && after(at) == '.' && text_.substr(at).starts_with("...") && before(at) == ' ' &&
        (at + 3 >= text_.size() || text_[at + 3] == ' '))
      return put(at, 3, "...");
    if (std::string_view("/Yyeacxmp").find(c) != std::string_view::npos || c == 'X') return stand(at);
    return 1;
  }

  size_t bracket(size_t at) {
    const char last = before(at);
    // arr[name], ${arr[x]}, [[ test ]], [words](address) are none; a:[tag], /[name], =[name] are.
    if (is_letter(last) || is_digit(last) || last == ']' || last == '[' || last == '\\' || last == '}' || last == '_')
      return 1;
    const size_t end = name_until(text_, at + 1, ']');
    if (end == 0 || end - at - 1 < 2) return 1;
    const std::string_view name = text_.substr(at + 1, end - at - 1);
    if (after(end) == '(' || (name.size() == 3 && name[1] == '-') || name.find("-z") != std::string_view::npos ||
        name.find("A-Z") != std::string_view::npos)
      return end + 1 - at;
    return put(at, end + 1 - at, name);
  }

  size_t angle(size_t at) {
    if (before(at) == '<' || after(at) == '<' || after(at) == ' ') return 1;
    const size_t end = name_until(text_, at + 1, '>');
    if (end == 0) return 1;
    const std::string_view name = text_.substr(at + 1, end - at - 1);
    return is_html(name) ? end + 1 - at : put(at, end + 1 - at, name);
  }

  size_t variable(size_t at) {
    const bool braced = after(at) == '{';
    const size_t from = at + (braced ? 2 : 1);
    size_t end = from;
    while (end < text_.size() && is_variable(text_[end])) ++end;
    const std::string_view name = text_.substr(from, end - from);
    if (name.size() < 2 || is_digit(name[0]) || is_of_the_shell(name)) return 1;
    if (braced && (end >= text_.size() || text_[end] != '}')) return 1;  // ${VAR:-x} says what to take
    if (!braced && end < text_.size() && is_letter(text_[end])) return 1;
    const size_t length = end - at + (braced ? 1 : 0);
    // The loop variable, or one that the command itself sets.
    if (text_.substr(0, std::min(at, size_t{1000})).find(std::string(name) + "=") != std::string_view::npos)
      return length;
    return put(at, length, name);
  }

  size_t braces(size_t at) {
    size_t from = at + 2;
    while (from < text_.size() && text_[from] == ' ') ++from;
    size_t end = from;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '_') &&
           end - from < kLongest)
      ++end;
    size_t close = end;
    while (close < text_.size() && text_[close] == ' ' && close - end < 4) ++close;
    if (end == from || text_.substr(close, 2) != "}}") return 2;  // {{.Repository}}, {{range ...}}
    return put(at, close + 2 - at, text_.substr(from, end - from));
  }

  size_t stand(size_t at) {
    for (const Stand& each : kStands)
      if (text_.substr(at).starts_with(each.words)) {
        size_t end = at + each.words.size();
        if (each.words.ends_with('_') || each.words.ends_with('-'))
          while (end < text_.size() && end - at < kLongest &&
                 (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '_' || text_[end] == '-'))
            ++end;
        return put(at, end - at, text_.substr(at, end - at));
      }
    return 1;
  }

  std::string_view text_;
  bool quoted_ = false;
  std::vector<Placeholder> found_;
};

}  // namespace

std::vector<Placeholder> placeholders_in(std::string_view text) { return Finder(text).all(); }

std::string filled(std::string_view text, const std::map<std::string, std::string>& values,
                   std::vector<std::string>& left) {
  std::string whole;
  size_t at = 0;
  for (const Placeholder& placeholder : placeholders_in(text)) {
    whole += text.substr(at, placeholder.at - at);
    at = placeholder.at + placeholder.length;
    if (const auto value = values.find(placeholder.name); value != values.end()) {
      whole += value->second;
      continue;
    }
    whole += text.substr(placeholder.at, placeholder.length);
    if (left.size() < kMostNames && std::find(left.begin(), left.end(), placeholder.name) == left.end())
      left.push_back(placeholder.name);
  }
  return whole += text.substr(at);
}

}  // namespace backout::import
