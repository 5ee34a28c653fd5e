#include "watch/access_log/format_words.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace backout::watch {
namespace {

constexpr size_t kLongestFormat = 8192;

bool is_name_byte(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? true : (c >= '0' && c <= '9') || c == '_'; }

Error wrong_format(std::string_view format, const std::string& what) {
  return {Code::kInvalid, fmt::format("the log format '{}' {}", shortened(one_line(format), 80), what),
          "give the string of log_format (nginx) or LogFormat (Apache) as the server's configuration has it"};
}

/// What stands in quotes, joined: 'a' 'b' is ab. Empty without quotes.
std::string quoted_parts(std::string_view text) {
  std::string joined;
  for (size_t i = 0; i < text.size(); ++i) {
    const char quote = text[i];
    if (quote != '\'' && quote != '"') continue;
    for (++i; i < text.size() && text[i] != quote; ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == quote || text[i + 1] == '\\')) ++i;
      joined += text[i];
    }
  }
  return joined;
}

void add_text(std::vector<FormatWord>& words, std::string_view text) {
  if (text.empty()) return;
  if (words.empty() || words.back().variable) words.push_back({});
  words.back().text += text;
}

std::string header_name(std::string_view prefix, std::string_view header) {
  std::string name(prefix);
  for (const char c : header) name += c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return name;
}

/// The time of "%{...}t".
std::string apache_time(std::string_view argument) {
  for (const std::string_view which : {"begin:", "end:"})
    if (argument.starts_with(which)) argument.remove_prefix(which.size());
  if (argument == "sec") return "epoch_s";
  if (argument == "msec") return "epoch_ms";
  if (argument == "usec") return "epoch_us";
  if (argument.starts_with("%Y-%m-%dT%H:%M:%S") || argument.starts_with("%Y-%m-%d %H:%M:%S") ||
      argument.starts_with("%FT%T") || argument.starts_with("%F %T"))
    return "time_iso8601";
  if (argument.starts_with("%d/%b/%Y:%H:%M:%S") || argument.starts_with("%d/%b/%Y:%T")) return "time_local";
  return "time_other";
}

/// The name of what Apache writes as %{argument}letter.
std::string apache_name(std::string_view argument, char letter) {
  switch (letter) {
    case 'h':
    case 'a': return argument.empty() ? "remote_addr" : "peer_addr";
    case 'r': return "request";
    case 's': return "status";
    case 'm': return "request_method";
    case 'U': return "uri";
    case 'q': return "args";
    case 'D': return "duration_us";
    case 'T': return argument == "ms" ? "duration_ms" : argument == "us" ? "duration_us" : "duration_s";
    case 't': return argument.empty() ? "time_local" : apache_time(argument);
    case 'i': return header_name("http_", argument);
    case 'o': return header_name("sent_http_", argument);
    case 'e': return "env_" + std::string(argument);
    case 'n': return "note_" + std::string(argument);
    case 'C': return "cookie_" + std::string(argument);
    default: return fmt::format("apache_{}{}", letter, argument);
  }
}

/// One directive behind its '%'; moves `at` past it.
Result<FormatWord> apache_directive(std::string_view format, size_t& at) {
  const size_t start = at - 1;
  while (at < format.size() && (format[at] == '!' || format[at] == ',' || format[at] == '<' || format[at] == '>' ||
                                (format[at] >= '0' && format[at] <= '9')))
    ++at;
  std::string_view argument;
  if (at < format.size() && format[at] == '{') {
    const size_t end = format.find('}', at);
    if (end == std::string_view::npos) return wrong_format(format, "has a '%{' that is not closed");
    argument = format.substr(at + 1, end - at - 1);
    at = end + 1;
  }
  if (at < format.size() && format[at] == '^') at += 2;  // %^FB and the like: two letters behind it
  if (at >= format.size()) return wrong_format(format, "ends within a '%'");
  const char letter = format[at++];
  return FormatWord{true, apache_name(argument, letter), std::string(format.substr(start, at - start))};
}

}  // namespace

Result<std::vector<FormatWord>> nginx_words(std::string_view text) {
  std::string inner;
  text = trimmed(text);
  if (text.size() > kLongestFormat) return wrong_format(text, "is too long");
  if (text.starts_with("log_format ")) {
    inner = quoted_parts(text);
    text = inner;
  }
  std::vector<FormatWord> words;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      const size_t end = std::min(text.find('$', i), text.size());
      add_text(words, text.substr(i, end - i));
      i = end;
      continue;
    }
    const bool braced = i + 1 < text.size() && text[i + 1] == '{';
    const size_t name = i + (braced ? 2 : 1);
    size_t end = name;
    while (end < text.size() && is_name_byte(text[end])) ++end;
    if (end == name || (braced && (end == text.size() || text[end] != '}')))
      return wrong_format(text, "has a '$' without a name behind it");
    words.push_back(
        {true, std::string(text.substr(name, end - name)), "$" + std::string(text.substr(name, end - name))});
    i = end + (braced ? 1 : 0);
  }
  return words;
}

Result<std::vector<FormatWord>> apache_words(std::string_view text) {
  std::string inner;
  text = trimmed(text);
  if (text.size() > kLongestFormat) return wrong_format(text, "is too long");
  if (text.starts_with("LogFormat ")) {
    inner = quoted_parts(text);
    text = inner;
  } else if (text.find("\\\"") != std::string_view::npos) {  // pasted from between the quotes
    inner = replaced(std::string(text), "\\\"", "\"");
    text = inner;
  }
  std::vector<FormatWord> words;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 't' || text[i + 1] == 'n')) {
      add_text(words, text[i + 1] == 't' ? "\t" : "\n");
      i += 2;
    } else if (text[i] != '%') {
      add_text(words, text.substr(i, 1));
      ++i;
    } else if (i + 1 < text.size() && text[i + 1] == '%') {
      add_text(words, "%");
      i += 2;
    } else {
      FormatWord word = TRY(apache_directive(text, ++i));
      const bool bracketed = word.text == "time_local" && word.written.ends_with("%t");  // %t writes its brackets
      if (bracketed) add_text(words, "[");
      words.push_back(std::move(word));
      if (bracketed) add_text(words, "]");
    }
  }
  return words;
}

Result<std::string> variable_name(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('%')) {
    size_t at = 1;
    const FormatWord word = TRY(apache_directive(text, at));
    return word.text;
  }
  if (text.starts_with("${") && text.ends_with('}')) return std::string(text.substr(2, text.size() - 3));
  if (text.starts_with('$')) text.remove_prefix(1);
  return std::string(text);
}

Result<TimeForm> time_form_of(std::string_view variable) {
  if (variable == "time_local") return TimeForm::kLocal;
  if (variable == "time_iso8601") return TimeForm::kIso;
  if (variable == "msec" || variable == "epoch_s") return TimeForm::kSeconds;
  if (variable == "epoch_ms") return TimeForm::kMillis;
  if (variable == "epoch_us") return TimeForm::kMicros;
  if (variable == "time_other")
    return Error{Code::kInvalid, "the log format writes its time in a form that is not read",
                 "use %t, %{sec}t, %{msec}t, %{usec}t or %{%Y-%m-%dT%H:%M:%S%z}t"};
  return TimeForm::kAny;
}

DurationUnit unit_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, DurationUnit>, 9> kEnds{{{"_ms", DurationUnit::kMillis},
                                                                            {"millis", DurationUnit::kMillis},
                                                                            {"milliseconds", DurationUnit::kMillis},
                                                                            {"_us", DurationUnit::kMicros},
                                                                            {"micros", DurationUnit::kMicros},
                                                                            {"microseconds", DurationUnit::kMicros},
                                                                            {"_ns", DurationUnit::kNanos},
                                                                            {"nanos", DurationUnit::kNanos},
                                                                            {"nanoseconds", DurationUnit::kNanos}}};
  for (const auto& [end, unit] : kEnds)
    if (name.ends_with(end)) return unit;
  if (name.ends_with("Ms")) return DurationUnit::kMillis;
  return DurationUnit::kSeconds;
}

}  // namespace backout::watch
