#include "drivers/checks/error_page.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "drivers/checks/json_condition.h"

namespace backout::drivers {
namespace {

constexpr size_t kLooked = 64 << 10;  // bytes of a page in which its title and heading stand

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lowercase(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "OperationalError", "NullPointerException": a class of error by its name. "Error" itself is a word.
bool names_an_error_class(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; }) &&
         ((word.ends_with("Error") && word.size() > 5) || (word.ends_with("Exception") && word.size() > 9));
}

/// Does a title, a heading or a first line say that something is wrong? "No error" does not.
bool speaks_of_an_error(std::string_view line) {
  std::vector<std::string> words;  // runs of letters and digits
  for (size_t at = 0; at < line.size();) {
    const auto part = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
    const size_t begin = at;
    while (at < line.size() && part(line[at])) ++at;
    if (at == begin)
      ++at;
    else
      words.emplace_back(line.substr(begin, at - begin));
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = lowercase(words[i]), before = i > 0 ? lowercase(words[i - 1]) : "";
    const std::string after = i + 1 < words.size() ? lowercase(words[i + 1]) : "";
    if (among(before, {"no", "0", "zero", "without"})) continue;
    if (names_an_error_class(words[i])) return true;
    if (among(word, {"error", "exception", "traceback", "fatal", "unavailable", "maintenance"})) return true;
    if (among(word + " " + after, {"not found", "went wrong", "bad gateway", "gateway timeout", "be back"}))
      return true;
  }
  return false;
}

/// The text inside the first <tag ...>, without tags and on one line.
std::string inside_first(std::string_view page, const std::string& low, const std::string& tag) {
  const size_t opens = low.find("<" + tag);
  const size_t begin = opens == std::string::npos ? opens : low.find('>', opens);
  const size_t end = begin == std::string::npos ? begin : low.find("</" + tag, begin);
  if (end == std::string::npos) return {};
  std::string text;
  bool in_tag = false;
  for (const char c : page.substr(begin + 1, end - begin - 1)) {
    if (c == '<') in_tag = true;
    if (!in_tag) text += c;
    if (c == '>') in_tag = false;
  }
  return std::string(trimmed(one_line(text)));
}

/// {"error": "no database"}, {"status": "unhealthy"}, {"status": 500}, {"ok": false}
bool reports_failure(const std::string& field, const Json& value) {
  if (among(field, {"error", "errors", "exception"}))
    return !value.is_null() && value != false && value != 0 && value != "" && !(value.is_structured() && value.empty());
  if (among(field, {"ok", "success", "healthy"})) return value == false;
  if (!among(field, {"status", "state", "health"})) return false;
  if (value.is_number()) return value >= 400 && value < 600;
  return value.is_string() &&
         among(lowercase(value.get<std::string>()), {"error", "fail", "failed", "failing", "failure", "unhealthy",
                                                     "unavailable", "down", "critical", "maintenance"});
}

std::string of_json(const Json& object) {
  for (const auto& [field, value] : object.items())
    if (reports_failure(lowercase(field), value)) return field + ": " + plain(value);
  return {};
}

std::string of_html(std::string_view page) {
  const std::string low = lowercase(page);
  for (const char* tag : {"title", "h1"})
    if (std::string text = inside_first(page, low, tag); speaks_of_an_error(text)) return text;
  return {};
}

std::string of_text(std::string_view text) {
  const std::string_view line = trimmed(text.substr(0, text.find('\n')));
  return speaks_of_an_error(line) ? std::string(line) : std::string();
}

}  // namespace

std::optional<std::string> error_it_reports(const os::HttpResponse& answer) {
  const std::string_view body = trimmed(answer.body);
  std::string words;
  if (const auto document = parse_json(body); document)
    words = document->is_object() ? of_json(*document) : std::string();
  else if (body.starts_with('<'))
    words = of_html(body.substr(0, kLooked));
  else
    words = of_text(body.substr(0, kLooked));
  if (words.empty()) return std::nullopt;
  return shortened(one_line(words), 120);
}

}  // namespace backout::drivers
